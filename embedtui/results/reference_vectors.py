"""The float64 vectors of a run's texts."""

from __future__ import annotations

import copy

import numpy as np

from embedtui.results.events import ReferenceComputed, ReferenceFailed


class ReferenceVectors:
    """The float64 vectors, and where they are missing, why."""

    def __init__(self, texts: int) -> None:
        self.done = np.zeros(texts, dtype=np.bool_)
        self.tokens = np.zeros(texts, dtype=np.int64)
        self.vectors = np.zeros((texts, 0), dtype=np.float64)
        self.reason = ""
        self.chunks = 0
        """How many have come in."""

    def add(self, event: ReferenceComputed | ReferenceFailed) -> None:
        """Take in the vectors of some texts, or why there are none."""
        if isinstance(event, ReferenceFailed):
            self.reason = event.reason
            return
        self.chunks += 1
        if self.vectors.shape[1] != event.vectors.shape[1]:
            self.vectors = np.zeros((len(self.done), event.vectors.shape[1]), dtype=np.float64)
        rows = np.asarray(event.rows, dtype=np.intp)
        if self.done[rows].any():  # a snapshot may have these rows
            self.vectors = self.vectors.copy()
        self.vectors[rows], self.tokens[rows], self.done[rows] = event.vectors, event.tokens, True

    def snapshot(self) -> ReferenceVectors:
        """Return the vectors that are there now; nothing changes them, see `Pass.snapshot`."""
        taken = copy.copy(self)
        taken.done, taken.tokens = self.done.copy(), self.tokens.copy()
        return taken
