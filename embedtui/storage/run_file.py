"""Reads run files back as the events that made them.

Vectors are the bytes that came from the engine, so that what is computed from a reopened file
equals what was computed live, to the bit. `run_writer` writes run files.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import Prepared
from embedtui.plan.plan import PassKey, Plan
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    Kept,
    LayersFailed,
    LayersJudged,
    ReferenceComputed,
    ReferenceFailed,
    RunEnded,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    VariantsCompared,
)
from embedtui.results.results import Results
from embedtui.storage import layer_rows, variant_rows
from embedtui.storage.packed_passes import Packed
from embedtui.storage.run_schema import APPLICATION_ID, FORMAT, LATER, has_column
from embedtui.storage.variant_rows import VARIANTS
from embedtui.texts import Text

_HEADER_BYTES = 100


def events_of(path: Path) -> Generator[Event, None, None]:
    """Read a run file, finished or cut off, as the events that made it.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    with open_database(path) as database:
        yield from _Reader(path, database).events()


def read(path: Path) -> Results:
    """Return what a run file adds up to.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    results = Results()
    # What goes wrong in adding up is no damage of the file: `results` is called outside of it.
    with contextlib.closing(events_of(path)) as events:
        for event in events:
            results(event)
    return results


def facts(path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return plan, environment and what else a run file says of its run, without any vectors.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    with open_database(path) as database:
        run = dict(database.execute("SELECT key, value FROM run"))
        with decoding(path):
            plan, environment = _json_of(run, "plan"), _json_of(run, "environment")
    return plan, environment, run


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a run file for reading; a database that turns out to be broken is told as damage.

    Raises:
        InputError: if it is no run file, one of a later format, or broken.
    """
    shown = printable(str(path), 240)
    try:
        if not path.is_file():
            raise InputError(
                f"{shown}: no such run file; `embedtui run` prints where it writes one"
            )
        _check_kind(path, shown)
        with contextlib.closing(sqlite3.connect(path)) as database:
            yield database
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror}") from error
    except sqlite3.Error as error:
        raise _damage(path, error) from error


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Tell values of a run file that are not those that were written as damage.

    Only what turns bytes into values belongs in here: an error of the code that uses them is none
    of the file.

    Raises:
        InputError: if they are not.
    """
    try:
        yield
    except (zlib.error, LookupError, ValueError, TypeError, AttributeError) as error:
        raise _damage(path, error) from error


def _damage(path: Path, error: Exception) -> InputError:
    shown = printable(str(path), 240)
    return InputError(f"{shown} is damaged: {printable(str(error), 160)}")


def _check_kind(path: Path, shown: str) -> None:
    """Refuse what is no run file, told by the file's first bytes, so that damage is told apart."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    version, mark = head[60:64], head[68:72]  # as SQLite's file format has them
    if not head.startswith(b"SQLite format 3\0") or int.from_bytes(mark) != APPLICATION_ID:
        raise InputError(f"{shown} is not a run file of embedtui: give one that it wrote")
    if int.from_bytes(version) < FORMAT:
        raise InputError(
            f"{shown} was written by an early embedtui, before shuffled orders: run its plan again"
        )
    if int.from_bytes(version) > FORMAT:
        raise InputError(f"{shown} was written by a newer embedtui: upgrade to read it")


class _Reader:
    """Turns the rows of an open run file into events."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database
        self._texts = 0
        self._packed: Packed | None = None

    def events(self) -> Iterator[Event]:
        """Yield the events, settings in their order, then the reference, the layers and the end."""
        run = dict(self._database.execute("SELECT key, value FROM run"))
        with self._decoding():
            started = self._started(run)
        yield started
        yield from self._settings(len(started.plan.settings))
        yield from self._reference()
        if "truth_failed" in run:
            yield ReferenceFailed(run["truth_failed"])
        yield from self._variants(run, len(started.plan.settings))
        yield from self._layers(len(started.plan.settings))
        yield RunEnded(run.get("status", "cut off"), run.get("reason", ""))

    def _decoding(self) -> contextlib.AbstractContextManager[None]:
        return decoding(self._path)

    def _started(self, run: dict[str, str]) -> RunStarted:
        self._packed = Packed.read(self._database)
        rows = self._database.execute("SELECT id, text FROM texts ORDER BY row").fetchall()
        packed = self._packed.texts if self._packed else None
        kept = [row[1] for row in rows] if packed is None else packed
        texts = [Text(_text(row[0]), _text(text)) for row, text in zip(rows, kept, strict=True)]
        self._texts = len(texts)
        plan = Plan.from_dict(_json_of(run, "plan"), texts)
        return RunStarted(plan, _json_of(run, "environment"), run["started_at"])

    def _settings(self, planned: int) -> Iterator[Event]:
        settings = self._database.execute(
            "SELECT number, in_force, warm, prepared, status, reason FROM settings ORDER BY number"
        ).fetchall()
        for number, in_force, warm, prepared, status, reason in settings:
            with self._decoding():
                _require_within([number], planned, "setting")
                told = None if in_force is None else json.loads(in_force)
                effective = None if told is None else EffectiveConfig.from_dict(told)
                texts = None if prepared is None else _prepared(json.loads(prepared), self._texts)
            if effective is not None:
                yield EngineReady(number, effective, bool(warm), "")
            if texts is not None:
                yield TextsPrepared(number, texts)
            yield from self._batches(number)
            if status is not None:
                yield SettingEnded(number, status, reason)

    def _batches(self, setting: int) -> Iterator[BatchEmbedded]:
        database = self._database
        further = ", ".join(name if has_column(database, name) else "NULL" for name in LATER)
        found = database.execute(
            f"SELECT batch_size, draw, start, rows, vectors, steps, seconds, {further}"  # noqa: S608
            " FROM batches WHERE setting = ? ORDER BY number",
            (setting,),
        )
        for row in found:
            with self._decoding():
                batch = self._batch(setting, *row)
            yield batch

    def _batch(
        self,
        setting: int,
        size: int,
        written: str,
        start: int,
        rows: bytes,
        vectors: bytes,
        steps: str,
        seconds: float,
        kept: str | None,
        told: int | None,
    ) -> BatchEmbedded:
        index = tuple(int(row) for row in np.frombuffer(rows, dtype="<i4"))
        _require_within(index, self._texts, "text")
        pass_key = PassKey.parse(written)
        if self._packed is None:
            found = np.frombuffer(vectors, dtype="<f4").reshape(len(index), -1)
        else:
            found = self._packed.vectors(setting, size, pass_key)[list(index)]
        return BatchEmbedded(
            setting=setting,
            batch_size=size,
            pass_key=pass_key,
            start=start,
            rows=index,
            vectors=found,
            steps=tuple((int(a), int(b)) for a, b in json.loads(steps)),
            seconds=seconds,
            kept=None if kept is None else _kept(json.loads(kept)),
            told_steps=told,
        )

    def _reference(self) -> Iterator[ReferenceComputed]:
        for row, tokens, vector, cached in self._database.execute(
            "SELECT row, tokens, vector, cached FROM truth ORDER BY row"
        ):
            with self._decoding():
                _require_within([row], self._texts, "text")
                packed = self._packed
                exact = packed.reference()[row] if packed else np.frombuffer(vector, dtype="<f8")
            yield ReferenceComputed((row,), (tokens,), exact[None, :], bool(cached))

    def _variants(self, run: dict[str, str], planned: int) -> Iterator[VariantsCompared]:
        for setting in range(planned):
            written = run.get(f"{VARIANTS}{setting}")
            if written is not None:
                with self._decoding():
                    event = variant_rows.read(setting, json.loads(written))
                yield event

    def _layers(self, planned: int) -> Iterator[layer_rows.LayerEvent]:
        named = "SELECT 1 FROM sqlite_master WHERE name = 'layers'"
        if not self._database.execute(named).fetchone():
            return
        for setting, kind, written, figures in self._database.execute(
            "SELECT setting, kind, facts, figures FROM layers ORDER BY number"
        ):
            with self._decoding():
                _require_within([setting], planned, "setting")
                event = layer_rows.read(setting, kind, json.loads(written), figures)
                if not isinstance(event, LayersFailed):
                    rows = (event.row,) if isinstance(event, LayersJudged) else event.rows
                    _require_within(rows, self._texts, "text")
            yield event


def _json_of(run: dict[str, str], key: str) -> dict[str, Any]:
    """Return what stands under a key of the run.

    Raises:
        ValueError: if nothing does, or no JSON object.
    """
    if "plan" not in run:
        raise ValueError("the run was cut off before it began")
    found = json.loads(run[key])
    if not isinstance(found, dict):
        raise ValueError(f"its {key} is no object")
    return found


def _require_within(numbers: Sequence[int], count: int, what: str) -> None:
    """Refuse what numbers texts or settings that are not there.

    Raises:
        ValueError: if there are not so many.
    """
    beyond = next((number for number in numbers if not 0 <= number < count), None)
    if beyond is not None:
        raise ValueError(f"there is no {what} {beyond}, only {count}")


def _kept(values: dict[str, Any]) -> Kept:
    return Kept(int(values["texts"]), tuple(values["places"]))


def _prepared(values: dict[str, Any], texts: int) -> Prepared:
    made = Prepared(
        tuple(values["tokens"]),
        {int(row): count for row, count in values["truncated"].items()},
        {int(row): reason for row, reason in values["refused"].items()},
    )
    if len(made.tokens) != texts:
        raise ValueError(f"it counts tokens of {len(made.tokens)} texts, and holds {texts}")
    _require_within((*made.truncated, *made.refused), texts, "text")
    return made


def _text(data: bytes) -> str:
    return bytes(data).decode("utf-8", "surrogatepass")
