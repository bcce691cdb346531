"""The run file: one SQLite database per run, written event by event and read back as events.

Every batch is committed as it comes, in write-ahead mode without a wait for the disk, so a killed
run has lost at most the batch in flight. Vectors are kept as the bytes that came from the engine:
what is computed from a reopened file equals what was computed live, to the bit.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from embedtui import paths
from embedtui.engine.messages import Prepared
from embedtui.errors import InputError
from embedtui.printable import printable
from embedtui.record import layers
from embedtui.record.packed import Packed
from embedtui.record.unfinished import writer_of_this_process
from embedtui.study.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    Kept,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    RunEnded,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    TruthComputed,
    TruthFailed,
)
from embedtui.study.plan import Draw, Plan
from embedtui.study.results import Results
from embedtui.texts import Text

APPLICATION_ID = 0x656D6264
"""“embd”: marks the database as ours, see PRAGMA application_id."""
FORMAT = 2

_SCHEMA = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE texts (row INTEGER PRIMARY KEY, id BLOB NOT NULL, text BLOB NOT NULL);
CREATE TABLE settings (
    number INTEGER PRIMARY KEY, in_force TEXT, warm INTEGER, prepared TEXT,
    status TEXT, reason TEXT, log BLOB
);
CREATE TABLE batches (
    number INTEGER PRIMARY KEY, setting INTEGER NOT NULL, batch_size INTEGER NOT NULL,
    draw TEXT NOT NULL, start INTEGER NOT NULL, rows BLOB NOT NULL, vectors BLOB NOT NULL,
    steps TEXT NOT NULL, seconds REAL NOT NULL, kept TEXT, told_steps INTEGER
);
CREATE TABLE truth (
    row INTEGER PRIMARY KEY, tokens INTEGER NOT NULL, vector BLOB NOT NULL, cached INTEGER NOT NULL
);
"""
_LAYERS = """
CREATE TABLE IF NOT EXISTS layers (
    number INTEGER PRIMARY KEY, setting INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
    figures BLOB NOT NULL
);
"""
"""Files from before layers were looked into have no such table."""


_LATER = {"kept": "TEXT", "told_steps": "INTEGER"}
"""Columns of batches that came later: parts of batches in recordings, steps that servers tell."""
_HEADER_BYTES = 100
_DAMAGE = (sqlite3.Error, zlib.error, LookupError, ValueError, TypeError, AttributeError)
"""What reading raises where bytes in the file are not those that were written."""


def new_path(plan: Plan) -> Path:
    """Return a path for a run that is to be recorded: the moment and the model, in the data folder.

    Raises:
        InputError: if there is no such name left.
    """
    name = "".join(c if c.isalnum() or c in ".-_" else "-" for c in plan.model_name)[:60]
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    folder = paths.runs_folder()
    for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
        path = folder / f"{stem}{suffix}.sqlite"
        if not path.exists():
            return path
    raise InputError(f"{printable(str(folder))} is full of runs of this second: use --out")


class Recorder:
    """A listener that writes what it hears into a run file, a new one unless it is to go on.

    Raises:
        InputError: if the file exists already or cannot be created.
    """

    def __init__(self, path: Path, *, go_on: bool = False) -> None:
        self.path = path
        self._there: set[tuple[int, int, str, int]] = set()
        """Setting, batch size, draw and start of each batch that the file held already."""
        if go_on:
            self._go_on()
        else:
            self._create()

    def _go_on(self) -> None:
        """Open a file that was begun; what it holds stays, and is not written again."""
        with _open(self.path) as database:
            self._there = set(
                database.execute("SELECT setting, batch_size, draw, start FROM batches")
            )
        self._database = sqlite3.connect(self.path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        with self._database:
            for column, kind in _LATER.items():
                if not _has(self._database, column):
                    self._database.execute(f"ALTER TABLE batches ADD COLUMN {column} {kind}")
            self._database.execute(_LAYERS)
            self._database.execute("DELETE FROM run WHERE key IN ('status', 'reason')")

    def _create(self) -> None:
        path = self.path
        shown = printable(str(path))
        try:
            path.open("xb").close()
        except FileExistsError as error:
            raise InputError(
                f"{shown} exists: give another name with --out, or remove it"
            ) from error
        except OSError as error:
            raise InputError(
                f"{shown} cannot be written ({error.strerror}): give another file with --out"
            ) from error
        try:
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._database.execute(f"PRAGMA user_version = {FORMAT}")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA + _LAYERS)
        except sqlite3.Error as error:
            path.unlink(missing_ok=True)
            raise InputError(
                f"{shown} cannot be written ({error}): give another file with --out"
            ) from error

    def __call__(self, event: Event) -> None:
        """Write one event and commit it.

        Raises:
            InputError: if it cannot be written, because the disk is full for one.
        """
        try:
            self._write(event)
        except sqlite3.Error as error:
            raise InputError(
                f"{printable(str(self.path))} cannot be written any more ({error}): "
                "make room, or give a file on another disk with --out"
            ) from error

    def _write(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._start(event)
            case EngineReady():
                self._set(
                    event.setting,
                    in_force=_json(event.in_force),
                    warm=int(event.warm),
                    log=os.fsencode(event.log),
                )
            case TextsPrepared():
                prepared = event.prepared
                self._set(
                    event.setting,
                    prepared=_json(
                        {
                            "tokens": prepared.tokens,
                            "truncated": prepared.truncated,
                            "refused": prepared.refused,
                        }
                    ),
                )
            case BatchEmbedded():
                if (event.setting, event.batch_size, str(event.draw), event.start) in self._there:
                    return
                self._execute(
                    "INSERT INTO batches (setting, batch_size, draw, start, rows, vectors, steps,"
                    " seconds, kept, told_steps) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        event.setting,
                        event.batch_size,
                        str(event.draw),
                        event.start,
                        np.asarray(event.rows, dtype="<i4").tobytes(),
                        event.vectors.astype("<f4", copy=False).tobytes(),
                        _json(event.steps),
                        event.seconds,
                        _json(asdict(event.kept)) if event.kept else None,
                        event.told_steps,
                    ),
                )
            case SettingEnded():
                self._set(
                    event.setting,
                    status=event.status,
                    reason=event.reason,
                    log=_packed_log(event.log),
                )
            case TruthComputed():
                with self._database:
                    self._database.executemany(
                        "INSERT OR REPLACE INTO truth VALUES (?, ?, ?, ?)",
                        [
                            (row, tokens, vector.astype("<f8").tobytes(), int(event.cached))
                            for row, tokens, vector in zip(
                                event.rows, event.tokens, event.vectors, strict=True
                            )
                        ],
                    )
            case TruthFailed():
                self._put(truth_failed=event.reason)
            case LayersCompared() | LayersJudged() | LayersMixed() | LayersFailed():
                self._execute(
                    "INSERT INTO layers (setting, kind, facts, figures) VALUES (?, ?, ?, ?)",
                    (event.setting, *layers.written(event)),
                )
            case RunEnded():
                self._put(status=event.status, reason=event.reason)
            case _:
                pass

    def close(self) -> None:
        """Fold the write-ahead log into the file, so that one file is all there is."""
        with contextlib.suppress(sqlite3.Error):
            with self._database:
                self._database.execute("DELETE FROM run WHERE key = 'writer'")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.execute("PRAGMA journal_mode = DELETE")
        self._database.close()

    def _start(self, event: RunStarted) -> None:
        self._put(writer=writer_of_this_process())
        if self._database.execute("SELECT 1 FROM run WHERE key = 'plan'").fetchone():
            return
        with self._database:
            self._database.executemany(
                "INSERT INTO texts VALUES (?, ?, ?)",
                [
                    (row, *(_bytes(part) for part in (text.id, text.text)))
                    for row, text in enumerate(event.plan.pack.texts)
                ],
            )
            self._database.executemany(
                "INSERT INTO settings (number) VALUES (?)",
                [(number,) for number in range(len(event.plan.settings))],
            )
        self._put(
            plan=_json(event.plan.as_dict()),
            environment=_json(event.environment),
            started_at=event.at,
        )

    def _set(self, setting: int, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._execute(
            f"UPDATE settings SET {columns} WHERE number = ?",  # noqa: S608 - our own column names
            (*values.values(), setting),
        )

    def _put(self, **values: str) -> None:
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", values.items())

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._database:
            self._database.execute(statement, values)


def _packed_log(path: str) -> bytes | None:
    """Return an engine's log as the run file keeps it: a mark, then compressed."""
    if not path:
        return None
    try:
        return b"\0" + zlib.compress(Path(path).read_bytes())
    except OSError:
        return os.fsencode(path)


def events_of(path: Path) -> Iterator[Event]:
    """Read a run file, finished or cut off, as the events that made it.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    with _open(path) as database:
        yield from _replay(database)


def read(path: Path) -> Results:
    """Return what a run file adds up to.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    results = Results()
    with _open(path) as database:
        for event in _replay(database):
            results(event)
    return results


def facts(path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return plan, environment and what else a run file says of its run, without any vectors.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    with _open(path) as database:
        run = dict(database.execute("SELECT key, value FROM run"))
        if "plan" not in run:
            raise ValueError("the run was cut off before it began")
        return json.loads(run["plan"]), json.loads(run["environment"]), run


def engine_log(path: Path, setting: int) -> str:
    """Return what the engine of a setting wrote, as kept in the run file.

    Raises:
        InputError: if it is no run file, or one of a later format.
    """
    with _open(path) as database:
        row = database.execute("SELECT log FROM settings WHERE number = ?", (setting,)).fetchone()
        if row is None or row[0] is None or not bytes(row[0]).startswith(b"\0"):
            return ""
        return zlib.decompress(bytes(row[0])[1:]).decode(errors="replace")


@contextlib.contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a run file for reading; what then turns out not to fit is told as damage."""
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
    except _DAMAGE as error:
        raise InputError(f"{shown} is damaged: {printable(str(error), 160)}") from error


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


def _replay(database: sqlite3.Connection) -> Iterator[Event]:
    run = dict(database.execute("SELECT key, value FROM run"))
    packed = Packed.of(database)
    rows = database.execute("SELECT id, text FROM texts ORDER BY row").fetchall()
    kept = [row[1] for row in rows] if packed is None or packed.texts is None else packed.texts
    texts = [Text(_text(row[0]), _text(text)) for row, text in zip(rows, kept, strict=True)]
    if "plan" not in run:
        raise ValueError("the run was cut off before it began")
    plan = Plan.from_dict(json.loads(run["plan"]), texts)
    yield RunStarted(plan, json.loads(run["environment"]), run["started_at"])
    settings = database.execute(
        "SELECT number, in_force, warm, prepared, status, reason FROM settings ORDER BY number"
    ).fetchall()
    for number, in_force, warm, prepared, status, reason in settings:
        if in_force is not None:
            yield EngineReady(number, json.loads(in_force), bool(warm), "")
        if prepared is not None:
            yield TextsPrepared(number, _prepared(json.loads(prepared)))
        yield from _batches(database, number, packed)
        if status is not None:
            yield SettingEnded(number, status, reason)
    for row, tokens, vector, cached in database.execute(
        "SELECT row, tokens, vector, cached FROM truth ORDER BY row"
    ):
        exact = packed.truth()[row] if packed else np.frombuffer(vector, dtype="<f8")
        yield TruthComputed((row,), (tokens,), exact[None, :], bool(cached))
    if "truth_failed" in run:
        yield TruthFailed(run["truth_failed"])
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'layers'").fetchone():
        for setting, kind, facts_, figures in database.execute(
            "SELECT setting, kind, facts, figures FROM layers ORDER BY number"
        ):
            yield layers.read(setting, kind, json.loads(facts_), figures)
    yield RunEnded(run.get("status", "cut off"), run.get("reason", ""))


def _batches(
    database: sqlite3.Connection, setting: int, packed: Packed | None
) -> Iterator[BatchEmbedded]:
    further = ", ".join(name if _has(database, name) else "NULL" for name in _LATER)
    for size, written, start, rows, vectors, steps, seconds, kept, told in database.execute(
        f"SELECT batch_size, draw, start, rows, vectors, steps, seconds, {further}"  # noqa: S608
        " FROM batches WHERE setting = ? ORDER BY number",
        (setting,),
    ):
        index = tuple(int(row) for row in np.frombuffer(rows, dtype="<i4"))
        draw = Draw.parse(written)
        if packed is None:
            found = np.frombuffer(vectors, dtype="<f4").reshape(len(index), -1)
        else:
            found = packed.vectors(setting, size, draw)[list(index)]
        yield BatchEmbedded(
            setting=setting,
            batch_size=size,
            draw=draw,
            start=start,
            rows=index,
            vectors=found,
            steps=tuple((int(a), int(b)) for a, b in json.loads(steps)),
            seconds=seconds,
            kept=None if kept is None else _kept(json.loads(kept)),
            told_steps=told,
        )


def _has(database: sqlite3.Connection, name: str) -> bool:
    """Say whether batches have a column; files from before there were such lack the later ones."""
    return any(column[1] == name for column in database.execute("PRAGMA table_info(batches)"))


def _kept(values: dict[str, Any]) -> Kept:
    return Kept(int(values["texts"]), tuple(values["places"]))


def _prepared(values: dict[str, Any]) -> Prepared:
    return Prepared(
        tuple(values["tokens"]),
        {int(row): count for row, count in values["truncated"].items()},
        {int(row): reason for row, reason in values["refused"].items()},
    )


def _bytes(text: str) -> bytes:
    """Return text as bytes: a lone surrogate has no UTF-8, and a NUL ends SQLite's own text."""
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return bytes(data).decode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
