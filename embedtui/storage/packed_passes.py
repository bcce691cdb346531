"""What is packed in a recording: its texts, and its vectors in whole passes.

Each pass is kept as its difference to one that is nearly the same. They stand in the table
`packed`, in the order in which they have to be unpacked; a run file that is no recording has no
such table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.plan.plan import FIRST, PassKey
from embedtui.results.reference_vectors import ReferenceVectors
from embedtui.results.results import SettingResults
from embedtui.storage.vector_packing import cost, pack, pack_parts, unpack, unpack_parts

_SCHEMA = """
CREATE TABLE packed (
    number INTEGER PRIMARY KEY, setting INTEGER, batch_size INTEGER, draw TEXT,
    reference INTEGER, texts INTEGER NOT NULL, width INTEGER NOT NULL, data BLOB NOT NULL
);
"""
_REFERENCE = "truth"  # as it stands in recordings
_TEXTS = "texts"

Floats = npt.NDArray[np.floating[Any]]
Key = tuple[int, int, PassKey] | str
"""Setting, batch size and draw of a pass; or the reference."""


class Packed:
    """Reads what is packed in a recording; each pass is unpacked once."""

    def __init__(self, matrices: dict[Key, Floats], texts: list[bytes] | None) -> None:
        self._matrices = matrices
        self.texts = texts
        """The bytes of each text; None where they stand in the table of texts as they are."""

    @classmethod
    def read(cls, database: sqlite3.Connection) -> Packed | None:
        """Return what a run file has packed; None where it is no recording.

        Raises:
            ValueError: if the bytes are not those that were written.
        """
        named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'packed'"
        if database.execute(named).fetchone() is None:
            return None
        by_number: dict[int, Floats] = {}
        matrices: dict[Key, Floats] = {}
        found_texts = None
        for number, setting, size, pass_key, reference, texts, width, data in database.execute(
            "SELECT number, setting, batch_size, draw, reference, texts, width, data FROM packed"
            " ORDER BY number"
        ):
            if pass_key == _TEXTS:
                found_texts = unpack_parts(data, texts)
                continue
            kind = np.dtype("<f8" if pass_key == _REFERENCE else "<f4")
            near = None if reference is None else by_number[reference].astype(kind)
            found = unpack(data, (texts, width), kind, near)
            by_number[number] = found
            matrices[
                _REFERENCE if pass_key == _REFERENCE else (setting, size, PassKey.parse(pass_key))
            ] = found
        return cls(matrices, found_texts)

    def vectors(self, setting: int, batch_size: int, pass_key: PassKey) -> Floats:
        """Return a pass, texts x width; rows of texts that it does not hold mean nothing."""
        return self._matrices[setting, batch_size, pass_key]

    def reference(self) -> Floats:
        """Return the float64 vectors, texts x width."""
        return self._matrices[_REFERENCE]


def write_packed(
    database: sqlite3.Connection,
    settings: Sequence[SettingResults],
    rows: Sequence[int],
    sizes: Sequence[int],
    reference: ReferenceVectors | None,
) -> None:
    """Write all passes of these batch sizes, the reference, and these texts themselves.

    Settings are numbered in the order in which they come.
    """
    database.executescript(_SCHEMA)
    writer = _Writer(database)
    index = np.asarray(rows, dtype=np.intp)
    baselines: list[int] = []
    for place, setting in enumerate(settings):
        own: list[int] = []
        # The unbatched first: all others of the setting are near to it.
        for (size, pass_key), pass_ in sorted(setting.passes.items(), key=lambda item: item[0]):
            if size in sizes and pass_.vectors.shape[1]:
                key = (place, size, str(pass_key))
                there = pass_.done[index]
                number = writer.write(key, pass_.vectors[index], there, own or baselines)
                own.append(number)
                if size == 1 and pass_key == FIRST:
                    baselines.append(number)
    if reference is not None and reference.done.any():
        writer.write(
            (None, None, _REFERENCE), reference.vectors[index], reference.done[index], baselines
        )
    writer.write_texts()


class _Writer:
    """Packs texts and matrices, and knows those it has written, to take differences from."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._written: dict[int, Floats] = {}

    def write(
        self,
        key: tuple[int | None, int | None, str],
        values: Floats,
        there: npt.NDArray[np.bool_],
        candidates: Sequence[int],
    ) -> int:
        """Write a matrix as its difference to the nearest of the candidates; return its number.

        Rows that are not `there` mean nothing, and take what costs nothing.
        """
        near = [one for one in candidates if self._written[one].shape == values.shape]
        references = {one: self._written[one].astype(values.dtype) for one in near}
        used = min(near, key=lambda one: cost(values[there], references[one][there]), default=None)
        reference = None if used is None else references[used]
        blank = np.zeros_like(values) if reference is None else reference
        kept = np.where(there[:, None], values, blank)
        number = len(self._written)
        self._written[number] = kept
        self._database.execute(
            "INSERT INTO packed VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *key, used, *values.shape, pack(kept, reference)),
        )
        return number

    def write_texts(self) -> None:
        """Move the texts out of their table."""
        rows = self._database.execute("SELECT text FROM texts ORDER BY row").fetchall()
        self._database.execute(
            "INSERT INTO packed VALUES (?, NULL, NULL, ?, NULL, ?, 0, ?)",
            (len(self._written), _TEXTS, len(rows), pack_parts([row[0] for row in rows])),
        )
        self._database.execute("UPDATE texts SET text = x''")
