"""Float64 vectors that were computed before, found again by model hash and text hash.

The reference of a text depends on nothing else, and it is the slowest thing that a run computes.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedtui.common import paths

_RECIPE = 2
"""Goes up when the reference computes something else, so that old vectors are not taken."""

Vector = npt.NDArray[np.float64]


class ReferenceCache:
    """The vectors of one model, with one pooling and one length limit.

    A cache that cannot be read or written is no error: the reference is computed again.
    """

    def __init__(self, folder: Path, model_hash: str, pooling: str, max_length: int) -> None:
        name = f"{model_hash[:32]}-{pooling}-{max_length}-v{_RECIPE}.sqlite"
        self._database: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error, OSError):
            path = paths.create_private(folder / name)
            database = sqlite3.connect(path, timeout=5, check_same_thread=False)
            database.execute(  # the table's name stays, for caches that there are
                "CREATE TABLE IF NOT EXISTS truth"
                " (text_hash BLOB PRIMARY KEY, tokens INTEGER, vector BLOB)"
            )
            self._database = database

    def get(self, texts: Sequence[str]) -> dict[int, tuple[int, Vector]]:
        """Return what is known: index in `texts` to token count and vector."""
        if self._database is None:
            return {}
        found: dict[int, tuple[int, Vector]] = {}
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
            for index, text in enumerate(texts):
                row = self._database.execute(
                    "SELECT tokens, vector FROM truth WHERE text_hash = ?", (_hash(text),)
                ).fetchone()
                if row is not None:
                    found[index] = (row[0], np.frombuffer(row[1], dtype="<f8"))
        return found

    def put(self, entries: Iterable[tuple[str, int, Vector]]) -> None:
        """Keep the token count and vector of each text."""
        if self._database is None:
            return
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO truth VALUES (?, ?, ?)",
                [(_hash(text), tokens, v.astype("<f8").tobytes()) for text, tokens, v in entries],
            )

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
