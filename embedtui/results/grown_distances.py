"""Distances that are measured as vectors come in, each once, whoever asks and however often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from embedtui.measure import Distances

Rows = npt.NDArray[np.intp]


class GrownDistances:
    """Distances of texts that come in one batch after the other.

    Everything shown asks for them, several times a second while a run goes on; a distance depends
    on its own two rows alone, so measuring in parts changes no bit of it. Any thread may ask, and
    nobody waits for what another measures: two that ask at once measure the same.
    """

    def __init__(self, texts: int) -> None:
        self._lock = threading.Lock()
        self._done = np.zeros(texts, dtype=np.bool_)
        self._all = _nothing(texts)
        self._answer: tuple[Rows, Distances] = np.flatnonzero(self._done), _nothing(0)

    def grown(
        self, there: npt.NDArray[np.bool_], measure: Callable[[Rows], Distances]
    ) -> tuple[Rows, Distances]:
        """Measure the rows that are `there` and were not before; return those there, in order."""
        with self._lock:
            fresh = np.flatnonzero(there & ~self._done)
        measured = measure(fresh) if len(fresh) else None
        with self._lock:
            if measured is not None:
                for field in fields(Distances):
                    getattr(self._all, field.name)[fresh] = getattr(measured, field.name)
                self._done[fresh] = True
            rows = np.flatnonzero(there)
            if measured is not None or not np.array_equal(rows, self._answer[0]):
                self._answer = rows, self._all.rows(rows)
            return self._answer


def _nothing(texts: int) -> Distances:
    blank = {field.name: np.full(texts, np.nan) for field in fields(Distances)}
    return Distances(**blank | {"identical": np.zeros(texts, dtype=np.bool_)})
