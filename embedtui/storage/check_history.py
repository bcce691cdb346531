"""Checks over time: one SQLite file, a row for each setting of each check, never rewritten."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from embedtui.assess.answers import largest_drift
from embedtui.assess.check_result import Check, CheckResult
from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.common.machine import vllm_of
from embedtui.common.printable import printable
from embedtui.engine.effective import EffectiveConfig
from embedtui.measure import finite

APPLICATION_ID = 0x656D6268
"""“embh”: marks the database as ours, see PRAGMA application_id."""
FORMAT = 2
"""2 has what tells whether checks add up: seed, batch sizes, situation, limit, the model's hash."""
_SECONDS = 10.0
"""How long a check waits for another that writes at the same moment."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS checks (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, model TEXT NOT NULL, label TEXT NOT NULL,
    texts TEXT NOT NULL, texts_sha256 TEXT NOT NULL, use TEXT NOT NULL, outcome TEXT NOT NULL,
    said TEXT NOT NULL, drift_l2 REAL, noise_l2 REAL, error_l2 REAL, golden_l2 REAL,
    golden_cause TEXT, draws INTEGER NOT NULL, engine TEXT NOT NULL, machine TEXT NOT NULL
);
"""


_COLUMNS = {"scenario": "use", "summary": "said", "orders": "draws"}
"""Names of columns that differ from their fields': histories that there are keep them."""


@dataclass(frozen=True)
class Row:
    """One setting of one check, as it was told then."""

    at: Annotated[str, "ISO 8601 with the offset from UTC"]
    model: Annotated[str, "its name for people"]
    label: Annotated[str, "the setting"]
    texts: Annotated[str, "how many, and what they are"]
    texts_sha256: Annotated[str, "SHA-256 over ids and texts in order"]
    scenario: Annotated[str, "the scenario that it was checked for"]
    outcome: Annotated[str, "`holds`, `inconclusive`, `falls short`, `fault` or `failed`"]
    summary: Annotated[str, "a sentence for a person; do not parse it"]
    drift_l2: Annotated[
        float | None, "largest L2 between a batched and an unbatched vector; 0 for equal bits"
    ]
    noise_l2: Annotated[float | None, "largest L2 between two runs of the same batches"]
    error_l2: Annotated[
        float | None, "largest L2 from the float64 reference, where that was computed"
    ]
    golden_l2: Annotated[
        float | None, "largest L2 from the recorded vectors, where there were some"
    ]
    golden_cause: Annotated[str | None, "what moved them, a word for programs"]
    orders: Annotated[int, "in how many random orders every batch size was tried, at least"]
    engine: Annotated[str, "vLLM's version, or what the server said that it is"]
    machine: Annotated[str, "the GPU or the CPU, or which server"]
    seed: Annotated[
        int | None, "what the random orders were drawn from; null where no seed was kept"
    ] = None
    batch_sizes: Annotated[str, "those that were tried in random orders, with commas"] = ""
    situation: Annotated[str, "what the vectors meet, which decides what is asked of them"] = ""
    limit: Annotated[str, "the distance that the scenario bears"] = ""
    model_hash: Annotated[str | None, "of the model's files; null where they are not here"] = None

    @property
    def name(self) -> str:
        """Model and setting: what belongs on one line of a chart."""
        return f"{self.model}, {self.label}"


def default_path() -> Path:
    """Return where checks are kept unless another file is named."""
    return paths.history_file()


def append(path: Path, check: Check) -> None:
    """Write a check's settings down.

    Raises:
        InputError: if the file cannot be written, or is something else.
    """
    rows = [_row(check, one) for one in check.settings]
    with _open(path, create=True) as database, database:
        database.executescript(_SCHEMA)
        _widen(database)
        names = list(Row.__dataclass_fields__)
        database.executemany(
            f"INSERT INTO checks ({_columns(names)}) "  # noqa: S608 - our own column names
            f"VALUES ({', '.join('?' * len(names))})",
            [[getattr(row, name) for name in names] for row in rows],
        )


def read(path: Path) -> list[Row]:
    """Return every check that was written down, the oldest first.

    Raises:
        InputError: if there is no such file, or it is something else.
    """
    with _open(path, create=False) as database:
        names = _kept(database)
        found = database.execute(
            f"SELECT {_columns(names)} FROM checks ORDER BY number"  # noqa: S608 - likewise
        )
        return [Row(**dict(zip(names, values, strict=True))) for values in found]


def _columns(names: Iterable[str]) -> str:
    return ", ".join(f'"{_COLUMNS.get(name, name)}"' for name in names)


def _kept(database: sqlite3.Connection) -> list[str]:
    """Return the fields that a history has: an early one lacks some."""
    there = {column[1] for column in database.execute("PRAGMA table_info(checks)")}
    return [name for name in Row.__dataclass_fields__ if _COLUMNS.get(name, name) in there]


def _widen(database: sqlite3.Connection) -> None:
    """Give a history the columns that it lacks."""
    kinds = {"seed": "INTEGER", "model_hash": "TEXT"}
    there = set(_kept(database))
    for name in Row.__dataclass_fields__:
        if name not in there:
            kind = kinds.get(name, "TEXT NOT NULL DEFAULT ''")
            database.execute(f'ALTER TABLE checks ADD COLUMN "{name}" {kind}')
    database.execute(f"PRAGMA user_version = {FORMAT}")


def _row(check: Check, one: CheckResult) -> Row:
    results, setting = check.results, one.setting
    pack = results.plan.pack
    noise = setting.noise()
    faulty = one.outcome == "fault"
    return Row(
        at=results.started_at,
        model=results.plan.model_name,
        label=one.label,
        texts=f"{len(pack)} {pack.name}",
        texts_sha256=pack.sha256,
        scenario=check.use.key,
        outcome=one.outcome,
        summary=printable(one.summary, 1000),
        drift_l2=None if faulty else largest_drift(setting, "l2"),
        noise_l2=finite(float(noise[1].l2.max())) if noise else None,
        error_l2=None if faulty else setting.largest_error(results.reference),
        golden_l2=finite(one.golden.l2_max) if one.golden else None,
        golden_cause=one.golden.diagnosis.cause if one.golden else None,
        orders=one.orders,
        engine=_engine(setting.effective, results.environment),
        machine=str(results.environment.get("machine", "")),
        seed=results.plan.order_seed,
        batch_sizes=",".join(str(drawn.batch_size) for drawn in one.random_orders),
        situation=check.use.situation,
        limit=check.use.limit,
        model_hash=results.plan.model_hash,
    )


def _engine(effective: EffectiveConfig, environment: dict[str, Any]) -> str:
    if effective.device == "server":
        return f"{effective.server} {effective.version}"
    return f"vLLM {vllm_of(environment)}"


@contextlib.contextmanager
def _open(path: Path, *, create: bool) -> Iterator[sqlite3.Connection]:
    shown = printable(str(path), 240)
    if not create and not path.is_file():
        raise InputError(f"{shown}: no checks were recorded there; `embedtui check` does that")
    try:
        fresh = not path.exists()
        if fresh:
            paths.create_private(path)
        with contextlib.closing(sqlite3.connect(path, timeout=_SECONDS)) as database:
            if fresh:
                database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                database.execute(f"PRAGMA user_version = {FORMAT}")
            (mark,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if mark != APPLICATION_ID:
                raise InputError(f"{shown} is no history of checks: give another --history-file")
            if version > FORMAT:
                raise InputError(f"{shown} was written by a newer embedtui: upgrade to read it")
            yield database
    except (sqlite3.Error, OSError) as error:
        raise InputError(f"{shown} cannot be used as a history: {printable(str(error))}") from error
