"""A recording: a run file made small enough to be handed on, and saying nothing of its maker.

Vectors are packed, without losing a bit. Of the texts every so manyth may be kept, and of the batch
sizes some: what is there is as it was measured, in batches of the size that they had. Engine logs
and the folders of the machine are left out.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedtui.errors import InputError
from embedtui.models import ALIASES
from embedtui.printable import printable
from embedtui.record import run_file
from embedtui.record.packed import write_packed
from embedtui.study.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    Kept,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    TruthComputed,
)
from embedtui.study.plan import Plan
from embedtui.texts import TextPack


def write(
    source: Path, target: Path, *, every: int = 1, batch_sizes: Sequence[int] | None = None
) -> None:
    """Write a run file as a recording: every so manyth text, and these batch sizes; else all.

    Raises:
        InputError: if the source is no run file, the target exists or cannot be written, or none of
            the batch sizes was measured.
    """
    results = run_file.read(source)
    plan = results.plan
    sizes = [s for s in plan.batch_sizes if batch_sizes is None or s == 1 or s in batch_sizes]
    if len(sizes) < 2 <= len(plan.batch_sizes):
        measured = ", ".join(map(str, plan.batch_sizes))
        raise InputError(f"none of the batch sizes was measured: give some of {measured}")
    rows = list(range(0, len(plan.pack), every))
    recorder = run_file.Recorder(target)
    try:
        for event in _kept(run_file.events_of(source), rows, sizes):
            recorder(event)
        recorder.close()
        with contextlib.closing(sqlite3.connect(target)) as database:
            with database:
                write_packed(database, results, rows, sizes)
                database.execute("UPDATE batches SET vectors = x''")
                database.execute("UPDATE truth SET vector = x''")
                database.execute("UPDATE settings SET log = NULL")
            database.execute("VACUUM")
    except BaseException:
        recorder.close()
        target.unlink(missing_ok=True)
        raise


def _kept(events: Iterator[Event], rows: Sequence[int], sizes: Sequence[int]) -> Iterator[Event]:
    """Return the events as they would be if only these texts and batch sizes were of interest."""
    place = {row: at for at, row in enumerate(rows)}
    whole = 0
    for event in events:
        match event:
            case RunStarted():
                whole = len(event.plan.pack)
                yield replace(event, plan=_plan(event.plan, rows, sizes))
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
                    part = Kept(len(event.rows), tuple(there)) if len(rows) < whole else None
                    yield replace(
                        event,
                        rows=tuple(place[event.rows[at]] for at in there),
                        vectors=event.vectors[there],
                        kept=part,
                    )
            case SettingEnded():
                yield replace(event, log="", reason=printable(event.reason))
            case TruthComputed():
                there = [at for at, row in enumerate(event.rows) if row in place]
                if there:
                    yield replace(
                        event,
                        rows=tuple(place[event.rows[at]] for at in there),
                        tokens=tuple(event.tokens[at] for at in there),
                        vectors=event.vectors[there],
                    )
            case _:
                yield event


def _plan(plan: Plan, rows: Sequence[int], sizes: Sequence[int]) -> Plan:
    name = ALIASES[plan.model].hub_id if plan.model in ALIASES else plan.model_name
    pack = plan.pack
    step = int(np.diff(rows[:2])[0]) if len(rows) > 1 else 1
    title = pack.name if len(rows) == len(pack) else f"{pack.name}, 1 of {step} of {len(pack)}"
    return replace(
        plan,
        model=plan.model if plan.model in ALIASES else plan.model_name,
        settings=tuple(replace(setting, model=name) for setting in plan.settings),
        batch_sizes=tuple(sizes),
        pack=TextPack(title, pack.name, tuple(pack.texts[row] for row in rows)),
    )
