"""A recording: a run file made small enough to be handed on, and saying nothing of its maker.

Vectors are packed, without losing a bit. Of the texts a sample may be kept, and of the batch
sizes some: what is there is as it was measured, in batches of the size that they had. Engine logs
and the folders of the machine are left out.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from embedtui.common.address import ANY_HOST, Address, is_address
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.models import ALIASES
from embedtui.plan.plan import Plan
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    Kept,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    ReferenceComputed,
    ReferenceFailed,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    VariantsCompared,
)
from embedtui.results.results import Results
from embedtui.storage import run_file
from embedtui.storage.packed_passes import write_packed
from embedtui.storage.run_writer import Recorder
from embedtui.texts import TextPack

_KEPT = re.compile(r"(?P<name>.*), \d+ of (?P<whole>\d+)", re.DOTALL)


def write(
    source: Path,
    target: Path,
    *,
    every: int = 1,
    batch_sizes: Sequence[int] | None = None,
    settings: Sequence[int] | None = None,
    reference: bool = True,
) -> None:
    """Write a run file as a recording: one in `every` texts, these batch sizes and settings.

    What is not named is kept whole; settings are named by their place in the plan, from 1 on.

    Raises:
        InputError: if the source is no run file, the target exists or cannot be written, none of
            the batch sizes was measured, or there is no such setting.
    """
    events = list(run_file.events_of(source))
    results = Results()
    for event in events:
        results(event)
    plan = results.plan
    sizes = [s for s in plan.batch_sizes if batch_sizes is None or s == 1 or s in batch_sizes]
    if len(sizes) < 2 <= len(plan.batch_sizes):
        measured = ", ".join(map(str, plan.batch_sizes))
        raise InputError(f"none of the batch sizes was measured: give some of {measured}")
    numbers = _chosen(settings, len(plan.settings))
    rows = _sample(len(plan.pack), every)
    recorder = Recorder(target)
    try:
        for event in _of_settings(_kept(events, rows, sizes), numbers, reference=reference):
            recorder(event)
        recorder.close()
        with contextlib.closing(sqlite3.connect(target)) as database, database:
            kept = [results.settings[number] for number in numbers]
            write_packed(database, kept, rows, sizes, results.reference if reference else None)
            database.execute("UPDATE settings SET log = NULL")
        with contextlib.closing(sqlite3.connect(target)) as database:
            database.execute("VACUUM")  # what was moved or left out still stands in free pages
    except BaseException:
        recorder.close()
        target.unlink(missing_ok=True)
        raise


def _chosen(settings: Sequence[int] | None, count: int) -> list[int]:
    """Return the numbers of the settings that are kept, counted from 0."""
    if settings is None:
        return list(range(count))
    unknown = [one for one in settings if not 1 <= one <= count]
    if unknown:
        raise InputError(f"there is no setting {unknown[0]}: give some of 1 to {count}")
    return sorted({one - 1 for one in settings})


def _of_settings(
    events: Iterable[Event], numbers: Sequence[int], *, reference: bool
) -> Iterator[Event]:
    """Return the events as they would be if only these settings had been planned."""
    place = {number: at for at, number in enumerate(numbers)}
    for event in events:
        match event:
            case RunStarted(plan=plan):
                kept = tuple(plan.settings[number] for number in numbers)
                yield replace(
                    event, plan=replace(plan, settings=kept, reference=plan.reference and reference)
                )
            case (
                EngineReady()
                | TextsPrepared()
                | BatchEmbedded()
                | SettingEnded()
                | VariantsCompared()
                | LayersCompared()
                | LayersJudged()
                | LayersMixed()
                | LayersFailed()
            ):
                if event.setting in place:
                    yield replace(event, setting=place[event.setting])
            case ReferenceComputed() | ReferenceFailed():
                if reference:
                    yield event
            case _:
                yield event


def _sample(texts: int, every: int) -> list[int]:
    """Return one in every so many rows, drawn: each at another place in its batch.

    Every fourth text of a pack would be the first of every batch of four.
    """
    drawn = np.random.default_rng(texts).permutation(texts)[: -(-texts // every)]
    return sorted(int(row) for row in drawn)


def _kept(events: Iterable[Event], rows: Sequence[int], sizes: Sequence[int]) -> Iterator[Event]:
    """Return the events as they would be if only these texts and batch sizes were of interest.

    Without their vectors, which are packed.
    """
    place = {row: at for at, row in enumerate(rows)}
    whole = 0
    for event in events:
        match event:
            case RunStarted():
                whole = len(event.plan.pack)
                plan = _plan(event.plan, rows, sizes)
                yield replace(event, plan=plan, environment=_environment(event.environment))
            case EngineReady():
                yield replace(event, log="")
            case TextsPrepared():
                prepared = event.prepared
                yield replace(
                    event,
                    prepared=replace(
                        prepared,
                        tokens=tuple(prepared.tokens[row] for row in rows),
                        truncated={
                            place[r]: n for r, n in prepared.truncated.items() if r in place
                        },
                        refused={
                            place[r]: why for r, why in prepared.refused.items() if r in place
                        },
                    ),
                )
            case BatchEmbedded():
                there = [at for at, row in enumerate(event.rows) if row in place]
                if event.batch_size in sizes and there:
                    before = event.kept or Kept(len(event.rows), tuple(range(len(event.rows))))
                    part = replace(before, places=tuple(before.places[at] for at in there))
                    yield replace(
                        event,
                        rows=tuple(place[event.rows[at]] for at in there),
                        vectors=event.vectors[there, :0],
                        kept=part if event.kept or len(rows) < whole else None,
                    )
            case SettingEnded():
                yield replace(event, log="", reason=printable(event.reason))
            case ReferenceComputed():
                there = [at for at, row in enumerate(event.rows) if row in place]
                if there:
                    yield replace(
                        event,
                        rows=tuple(place[event.rows[at]] for at in there),
                        tokens=tuple(event.tokens[at] for at in there),
                        vectors=event.vectors[there, :0],
                    )
            case LayersCompared() | LayersJudged() | LayersMixed():
                yield from _layers(event, place)
            case _:
                yield event


def _layers(
    event: LayersCompared | LayersJudged | LayersMixed, place: Mapping[int, int]
) -> Iterator[Event]:
    if isinstance(event, LayersJudged):
        if event.row in place:
            yield replace(event, row=place[event.row])
        return
    there = [at for at, row in enumerate(event.rows) if row in place]
    if not there:
        return
    rows = tuple(place[event.rows[at]] for at in there)
    if isinstance(event, LayersMixed):
        yield replace(event, rows=rows, errors=event.errors[there])
    else:
        relative, identical = event.relative[there], event.identical[there]
        yield replace(event, rows=rows, relative=relative, identical=identical)


def _plan(plan: Plan, rows: Sequence[int], sizes: Sequence[int]) -> Plan:
    name = ALIASES[plan.model].hub_id if plan.model in ALIASES else plan.model_name
    shown = plan.model if plan.model in ALIASES else plan.model_name
    nowhere = str(Address(f"http://{ANY_HOST}/v1", plan.model_name))
    pack = plan.pack
    return replace(
        plan,
        model=nowhere if is_address(plan.model) else shown,
        settings=tuple(
            replace(setting, model=nowhere if setting.is_server else name)
            for setting in plan.settings
        ),
        against="" if not plan.against else Path(plan.against).name,
        batch_sizes=tuple(sizes),
        pack=TextPack(
            _title(pack, rows),
            pack.name,
            tuple(pack.texts[row] for row in rows),
            pack.labels.of_rows(rows) if pack.labels else None,
            pack.sample,
        ),
    )


def _title(pack: TextPack, rows: Sequence[int]) -> str:
    """Name the texts that are kept, and how many they were."""
    before = _KEPT.fullmatch(pack.name)
    if len(rows) == len(pack):
        return pack.name
    if before is not None:
        return f"{before['name']}, {len(rows)} of {before['whole']}"
    return f"{pack.name}, {len(rows)} of {len(pack)}"


def _environment(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a machine that figures need; its kernel's name is nobody's business."""
    named = {"machine": f"server at {ANY_HOST}"} if facts.get("device") == "server" else {}
    return facts | named | {"platform": str(facts.get("platform", "")).partition("-")[0]}
