"""What is known of a setting's layers: drift and error by place, and what each part adds.

Fed by the events of a run, live and from a run file alike.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from embedtui.measure.layer_errors import (
    Choice,
    ErrorDecomposition,
    LayerSite,
    Part,
    best_exact,
    fewest_exact,
)
from embedtui.results.events import LayersCompared, LayersFailed, LayersJudged, LayersMixed

Floats = npt.NDArray[np.float64]

_BEGUN = 0.01
"""An error has begun where it comes to this share of its largest."""
_JUMP = 4
"""A part that adds so many times as much as the middle one is a jump."""
_MOST = 0.8


@dataclass(frozen=True)
class Curve:
    """Relative L2 of states by place, over texts."""

    places: tuple[LayerSite, ...]
    largest: Floats
    median: Floats
    identical: npt.NDArray[np.int64]
    """By place, how many texts have states that are equal bit for bit."""
    texts: int

    @property
    def ratios(self) -> Floats:
        """By place, how many times the median of the place before; NaN for the first."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.append(np.nan, self.median[1:] / self.median[:-1]))

    @property
    def moved(self) -> LayerSite | None:
        """The first place where some text's states are not equal bit for bit; None for none."""
        there = np.flatnonzero(self.identical < self.texts)
        return self.places[int(there[0])] if len(there) else None

    @property
    def begins(self) -> LayerSite | None:
        """The first place where it is a hundredth of its largest; None where it is nowhere."""
        finite = self.largest[np.isfinite(self.largest)]
        if not len(finite) or not finite.max():
            return None
        there = np.flatnonzero(self.largest >= _BEGUN * finite.max())
        return self.places[int(there[0])]


@dataclass(frozen=True)
class Adds:
    """What each part adds to the final error, over texts; the pooling is the last part."""

    parts: tuple[LayerSite, ...]
    lengths: Floats
    """By part, the median length over texts, L2."""
    shares: Floats
    """By part, the mean share over texts; they sum to 1."""

    @property
    def jumps(self) -> tuple[LayerSite, ...]:
        """The parts that add several times as much as the middle one, the largest first."""
        middle = float(np.median(self.lengths[:-1]))
        order = np.argsort(-self.lengths, kind="stable")
        return tuple(self.parts[n] for n in order if self.lengths[n] > _JUMP * middle)

    def share_of(self, part: Part) -> float:
        """Return the share of all parts of a kind together."""
        return float(sum(self.shares[n] for n, one in enumerate(self.parts) if one.part == part))

    @property
    def most(self) -> tuple[LayerSite, LayerSite, float, float]:
        """The shortest stretch that makes most of the error.

        Its first and its last part, its share of the error, and how much of the model it is.
        Attention and MLP of a layer go together.
        """
        units: list[tuple[LayerSite, LayerSite, float]] = []
        for part, share in zip(self.parts, self.shares, strict=True):
            if units and part.layer >= 0 and units[-1][1].layer == part.layer:
                units[-1] = (units[-1][0], part, units[-1][2] + float(share))
            else:
                units.append((part, part, float(share)))
        sums = [0.0, *accumulate(share for _, _, share in units)]
        count = len(units)
        for size in range(1, count + 1):
            starts = range(count - size + 1)
            best = max(starts, key=lambda start: sums[start + size] - sums[start])
            found = sums[best + size] - sums[best]
            if found >= _MOST or size == count:
                return units[best][0], units[best + size - 1][1], found, size / count
        raise AssertionError("there is always a pooling")


class LayerResults:
    """One setting's layers; feed it the events in order."""

    def __init__(self) -> None:
        self.reason = ""
        """Why there is nothing, or no reference."""
        self.places: tuple[LayerSite, ...] = ()
        """Where states were held against float64."""
        self.mixed: LayersMixed | None = None
        """The error that was measured with some layers exact."""
        self.version = 0
        """Grows with every event."""
        self._compared: dict[int, list[LayersCompared]] = {}
        self._judged: dict[int, LayersJudged] = {}
        self._choices: dict[float, Choice | None] = {}
        """By the error to come under: trying every set takes a while."""

    def __call__(self, event: LayersCompared | LayersJudged | LayersMixed | LayersFailed) -> None:
        """Take in one event; what is measured again takes the place of what was there."""
        self.version += 1
        match event:
            case LayersCompared():
                there = self._compared.setdefault(event.batch_size, [])
                there[:] = [one for one in there if not set(one.rows) & set(event.rows)]
                there.append(event)
            case LayersJudged():
                self.reason = ""
                if self.places != event.budget.places:
                    self._judged.clear()
                self.places = event.budget.places
                self._judged[event.row] = event
                self.mixed = None
                self._choices = {}
            case LayersMixed():
                self.mixed = event
            case LayersFailed():
                self.reason = event.reason

    def snapshot(self) -> LayerResults:
        """Return what was measured until now, in an object that nothing changes any more."""
        taken = copy.copy(self)
        taken._compared = {size: list(parts) for size, parts in self._compared.items()}
        taken._judged = dict(self._judged)
        return taken

    @property
    def there(self) -> bool:
        """Whether anything was measured."""
        return bool(self._judged or self._compared)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The batch sizes whose drift by layer is there, ascending."""
        return tuple(sorted(self._compared))

    @property
    def rows(self) -> tuple[int, ...]:
        """The texts whose states were held against float64."""
        return tuple(sorted(self._judged))

    def drift(self, batch_size: int | None = None) -> Curve | None:
        """Return the batch drift by place, of the largest batch size unless told otherwise."""
        size = batch_size if batch_size is not None else max(self._compared, default=0)
        parts = self._compared.get(size, [])
        if not parts:
            return None
        relative = np.concatenate([part.relative for part in parts])
        identical = np.concatenate([part.identical for part in parts])
        return _curve(parts[0].places, relative, identical)

    def realised(self, batch_size: int) -> tuple[int, int]:
        """Return the fewest and the most texts that a step of these batches held."""
        steps = [n for part in self._compared.get(batch_size, []) for n, _ in part.steps]
        return min(steps, default=0), max(steps, default=0)

    def error(self) -> Curve | None:
        """Return the error by place: unbatched states against float64."""
        if not self._judged:
            return None
        relative = np.stack([self._judged[row].relative for row in self.rows])
        return _curve(self.places, relative, np.zeros(relative.shape, dtype=np.bool_))

    def budgets(self) -> list[ErrorDecomposition]:
        """Return each text's budget, those without a finite error left out."""
        found = (self._judged[row].budget for row in self.rows)
        return [budget for budget in found if np.isfinite(budget.parts).all()]

    def contributions(self) -> Adds | None:
        """Return what each part adds to the final error; None without a finite one."""
        budgets = [budget for budget in self.budgets() if budget.error]
        if not budgets:
            return None
        return Adds(
            (*self.places, LayerSite("pooling")),
            np.median([budget.lengths for budget in budgets], axis=0),
            np.mean([budget.shares for budget in budgets], axis=0),
        )

    @property
    def largest_error(self) -> float | None:
        """The largest final error of these texts, L2."""
        return max((budget.error for budget in self.budgets()), default=None)

    @property
    def independence(self) -> float | None:
        """The median over texts of the parts' squares over the squared error; see `Budget`."""
        found = [budget.independence for budget in self.budgets() if budget.error]
        return float(np.median(found)) if found else None

    def alone(self) -> Floats | None:
        """Return by layer the largest error, L2, with that layer alone exact, as measured."""
        if not self._judged:
            return None
        return np.asarray(np.max([self._judged[row].alone for row in self.rows], axis=0))

    def target(self, under: float | None) -> float | None:
        """Return the error to come under: what was asked for, else half of what it is."""
        largest = self.largest_error
        return under if under is not None or largest is None else largest / 2

    def choice(self, under: float | None) -> Choice | None:
        """Return the fewest layers whose float32 brings the error under it; None if none do."""
        target = self.target(under)
        if target is None:
            return None
        if target not in self._choices:
            self._choices[target] = fewest_exact(self.budgets(), target)
        return self._choices[target]

    def all_exact(self) -> Choice | None:
        """Return what would be left of the error with every layer in float32."""
        budgets = self.budgets()
        return best_exact(budgets, budgets[0].layers) if budgets else None

    def measured_with(self, choice: Choice) -> float | None:
        """Return the largest error that was measured with these layers exact; None if not tried."""
        if self.mixed is None or self.mixed.layers != choice.layers or not len(self.mixed.errors):
            return None
        return float(self.mixed.errors.max())

    def sum_gap(self, errors: dict[int, float]) -> float | None:
        """Return how far the sum of the parts is from errors that were measured without them.

        `errors` is the precision error by row, of the same texts; the gap is the largest, relative.
        None where no text has both.
        """
        gaps = [
            abs(self._judged[row].budget.error - error) / error
            for row, error in errors.items()
            if row in self._judged and error
        ]
        return max(gaps, default=None)


def _curve(
    places: tuple[LayerSite, ...], relative: Floats, identical: npt.NDArray[np.bool_]
) -> Curve:
    return Curve(
        places,
        np.max(relative, axis=0),
        np.median(relative, axis=0),
        np.sum(identical, axis=0, dtype=np.int64),
        len(relative),
    )
