"""What tests ask of a run file that embedtui itself never does."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path


def engine_log(path: Path, setting: int) -> str:
    """Return what the engine of a setting wrote, as the run file keeps it; empty for none."""
    with closing(sqlite3.connect(path)) as database:
        row = database.execute("SELECT log FROM settings WHERE number = ?", (setting,)).fetchone()
    if row is None or row[0] is None or not bytes(row[0]).startswith(b"\0"):
        return ""
    return zlib.decompress(bytes(row[0])[1:]).decode(errors="replace")


def change(path: Path, statement: str) -> None:
    """Run an SQL statement on a file, as damage or another program would."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
