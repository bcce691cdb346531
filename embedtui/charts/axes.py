"""Decades: where a distance stands on a log axis, and how the axis is labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROOM_UP, ROOM_ACROSS = 2, 8
"""Cells from one label to the next: a line between them; "1e-12" with a gap at either side."""
_LEAST_DECADES = 3
_DEFAULT = (-9, -2)
_STEPS = (1, 2, 3, 4, 6, 8, 12)
_NEAR = 30.0
"""How many times as large or as small as what is measured a tolerance may be."""
_ENOUGH = 0.8
"""Share of the cells that is used before fewer labels are taken, which fill more of them."""


@dataclass(frozen=True)
class Decades:
    """A log10 axis of whole decades over some cells.

    Labelled decades stand in the middle of a cell, a whole number of cells apart. What is drawn in
    a label's cell is then nearer to it than to the cell beside, at most half a cell away; on an
    axis that is stretched to the last cell it may be off by a whole one, which is a decade where a
    chart is low. The cells that are left over lie beyond `high`.
    """

    low: int
    high: int
    cells: int
    room: int
    """Least cells from one labelled decade to the next."""

    @classmethod
    def over(cls, values: Iterable[float | None], cells: int, room: int) -> Decades:
        """Return the axis that holds all values: whole decades, so that it seldom moves."""
        logs = [math.log10(value) for value in values if value is not None and value > 0]
        if not logs:
            return cls(*_DEFAULT, cells, room)
        low, high = math.floor(min(logs)), math.ceil(max(logs) + 1e-9)
        while high - low < _LEAST_DECADES:
            low, high = (low - 1, high) if high >= 0 or (high - low) % 2 else (low, high + 1)
        return cls(low, high, cells, room)

    def holds(self, value: float) -> bool:
        """Say whether a value lies on the axis, and not beyond its ends."""
        return 10.0**self.low <= value <= 10.0**self.high

    @cached_property
    def _step(self) -> int:
        """Decades from one label to the next."""
        decades = self.high - self.low
        if self.cells < 2:
            return decades
        steps = chain(_STEPS, count(24, 12))
        least = next(step for step in steps if (self.cells - 1) * step >= self.room * decades)
        for step in _STEPS:
            if least <= step <= decades // 2 and self._used(step) >= _ENOUGH * (self.cells - 1):
                return step
        return least

    def _used(self, step: int) -> float:
        """Cells from the lowest decade to the highest with so many decades to a label."""
        decades = self.high - self.low
        return (self.cells - 1) * step // decades / step * decades

    @cached_property
    def _apart(self) -> int:
        """Cells from one label to the next."""
        return (self.cells - 1) * self._step // (self.high - self.low)

    def place(self, value: float) -> float:
        """Return where a distance stands, in cells from the axis' beginning."""
        return self.place_log(math.log10(value)) if value > 0 else 0.5

    def place_log(self, log: float) -> float:
        """Return where a log10 stands, kept within the axis: half a cell at its lowest decade."""
        return float(self.place_logs(np.array([log]))[0])

    def place_logs(self, logs: Floats) -> Floats:
        """Return where each log10 stands, as `place_log` does."""
        kept = np.clip(logs, self.low, self.high) - self.low
        return np.asarray(0.5 + kept * (self._apart / self._step), dtype=np.float64)

    def cell(self, value: float) -> int:
        """Return the cell of a distance, counted from the axis' beginning."""
        return int(self.place(value))

    def row(self, value: float) -> int:
        """Return the row of a distance on an axis that points up, counted from the top."""
        return self.cells - 1 - self.cell(value)

    def ticks(self) -> list[tuple[str, int]]:
        """Return labels and their cells."""
        decades = range(self.low, self.high + 1, self._step)
        return [(_name(decade), number * self._apart) for number, decade in enumerate(decades)]


def if_near(tolerance: float | None, values: Sequence[float]) -> list[float | None]:
    """Return the tolerance as what an axis is to hold, unless it would push what is measured aside.

    Who looks for a pattern needs the room; how far off the tolerance is, a histogram shows.
    """
    if tolerance is None or not values:
        return [tolerance]
    near = min(values) / _NEAR <= tolerance <= max(values) * _NEAR
    return [tolerance] if near else []


def _name(decade: int) -> str:
    return f"1e{decade}" if decade else "1"
