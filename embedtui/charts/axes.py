"""Decades: where a distance stands on a log axis, and how the axis is labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_LEAST_DECADES = 3
_DEFAULT = (-9, -2)


@dataclass(frozen=True)
class Decades:
    """A log10 axis of whole decades over some cells."""

    low: int
    high: int
    cells: int

    @classmethod
    def over(cls, values: Iterable[float | None], cells: int) -> Decades:
        """Return the axis that holds all values: whole decades, so that it seldom moves."""
        logs = [math.log10(value) for value in values if value is not None and value > 0]
        if not logs:
            return cls(*_DEFAULT, cells)
        low, high = math.floor(min(logs)), math.ceil(max(logs) + 1e-9)
        while high - low < _LEAST_DECADES:
            low, high = (low - 1, high) if high >= 0 or (high - low) % 2 else (low, high + 1)
        return cls(low, high, cells)

    def place(self, value: float) -> float:
        """Return where a distance stands, in cells from the axis' beginning."""
        return self.at(math.log10(value)) if value > 0 else 0.0

    def at(self, log: float) -> float:
        """Return where a log10 stands, kept within the axis."""
        share = (log - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0) * self.cells

    def row(self, place: float) -> int:
        """Return the row of a place on an axis that points up, counted from the top."""
        return self.cells - 1 - min(int(place), self.cells - 1)

    def ticks(self, room: int) -> list[tuple[int, float]]:
        """Return decades and their places, as many as have `room` cells each."""
        count = self.high - self.low
        step = next(s for s in (1, 2, 3, 4, 6, 8, 12, 24) if self.cells * s >= room * count)
        return [
            (d, self.at(d)) for d in range(self.low, self.high + 1) if (d - self.low) % step == 0
        ]


def name(decade: int) -> str:
    """Return a decade as it is labelled."""
    return f"1e{decade}" if decade else "1"
