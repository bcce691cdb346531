"""Writes a run file, one SQLite database per run, event by event.

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
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.engine.messages import Prepared
from embedtui.plan.plan import Plan
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    ReferenceComputed,
    ReferenceFailed,
    RunEnded,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    VariantsCompared,
)
from embedtui.storage import layer_rows, run_file, variant_rows
from embedtui.storage.run_schema import APPLICATION_ID, FORMAT, LATER, LAYERS, SCHEMA, has_column
from embedtui.storage.unfinished import writer_of_this_process
from embedtui.storage.variant_rows import VARIANTS

_MOST_IN_A_SECOND = 1000
"""Runs of one model that may begin in one second and still get names of their own."""


class NameTakenError(InputError):
    """There is a file of that name already."""


class Recorder:
    """A listener that writes what it hears into a run file, a new one unless it is to go on.

    Raises:
        NameTakenError: if the file exists already.
        InputError: if it cannot be created, or is no run file to go on with.
    """

    def __init__(self, path: Path, *, go_on: bool = False) -> None:
        self.path = path
        self._there: set[tuple[int, int, str, int]] = set()
        """Setting, batch size, draw and start of each batch that the file held already."""
        if go_on:
            self._go_on()
        else:
            self._create()

    @classmethod
    def in_runs_folder(cls, plan: Plan) -> Recorder:
        """Record in the data folder, under the moment, the model and the first suffix that is free.

        A name is claimed by creating its file, so that two runs that begin in one second never
        meet.

        Raises:
            InputError: if there is no such name left, or the file cannot be created.
        """
        name = "".join(c if c.isalnum() or c in ".-_" else "-" for c in plan.model_name)[:60]
        stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
        folder = paths.runs_folder()
        for suffix in ("", *(f"-{number}" for number in range(2, _MOST_IN_A_SECOND))):
            with contextlib.suppress(NameTakenError):
                return cls(folder / f"{stem}{suffix}.sqlite")
        raise InputError(f"{printable(str(folder))} is full of runs of this second: use --out")

    def _go_on(self) -> None:
        """Open a file that was begun; what it holds stays, and is not written again."""
        with run_file.open_database(self.path) as database:
            self._there = set(
                database.execute("SELECT setting, batch_size, draw, start FROM batches")
            )
        self._database = sqlite3.connect(self.path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        with self._database:
            for column, kind in LATER.items():
                if not has_column(self._database, column):
                    self._database.execute(f"ALTER TABLE batches ADD COLUMN {column} {kind}")
            self._database.execute(LAYERS)
            self._database.execute("DELETE FROM run WHERE key IN ('status', 'reason')")

    def _create(self) -> None:
        path = self.path
        shown = printable(str(path))
        try:
            paths.create_private(path, fresh=True)
        except FileExistsError as error:
            raise NameTakenError(
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
            self._database.executescript(SCHEMA + LAYERS)
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
                in_force, log = _json(event.effective.to_dict()), os.fsencode(event.log)
                self._set(event.setting, in_force=in_force, warm=int(event.warm), log=log)
            case TextsPrepared():
                self._set(event.setting, prepared=_json(_prepared(event.prepared)))
            case BatchEmbedded():
                self._write_batch(event)
            case SettingEnded():
                log_ = _packed_log(event.log)
                self._set(event.setting, status=event.status, reason=event.reason, log=log_)
            case ReferenceComputed():
                self._write_reference(event)
            case ReferenceFailed():
                self._put(truth_failed=event.reason)
            case VariantsCompared():
                self._put(**{f"{VARIANTS}{event.setting}": _json(variant_rows.written(event))})
            case LayersCompared() | LayersJudged() | LayersMixed() | LayersFailed():
                self._execute(
                    "INSERT INTO layers (setting, kind, facts, figures) VALUES (?, ?, ?, ?)",
                    (event.setting, *layer_rows.written(event)),
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

    def _write_batch(self, event: BatchEmbedded) -> None:
        if (event.setting, event.batch_size, str(event.pass_key), event.start) in self._there:
            return
        self._execute(
            "INSERT INTO batches (setting, batch_size, draw, start, rows, vectors, steps,"
            " seconds, kept, told_steps) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                event.setting,
                event.batch_size,
                str(event.pass_key),
                event.start,
                np.asarray(event.rows, dtype="<i4").tobytes(),
                event.vectors.astype("<f4", copy=False).tobytes(),
                _json(event.steps),
                event.seconds,
                _json(asdict(event.kept)) if event.kept else None,
                event.told_steps,
            ),
        )

    def _write_reference(self, event: ReferenceComputed) -> None:
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


def _prepared(prepared: Prepared) -> dict[str, Any]:
    return {
        "tokens": prepared.tokens,
        "truncated": prepared.truncated,
        "refused": prepared.refused,
    }


def _bytes(text: str) -> bytes:
    """Return text as bytes: a lone surrogate has no UTF-8, and a NUL ends SQLite's own text."""
    return text.encode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
