"""Drift beside what storing vectors costs, on the same axes: the yardstick of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embedtui.assess.retrieval import (
    Retrieval,
    compare_retrieval,
    only,
    precision_retrieval,
    with_direction,
    worst_of_batches,
    worst_of_orders,
)
from embedtui.common.errors import InputError
from embedtui.measure import Distances, compare, largest_finite, unit
from embedtui.measure.distances import Floats, Vectors
from embedtui.measure.storage_formats import formats
from embedtui.results.results import Results, SettingResults

Kind = Literal["drift", "storage", "dimensions", "wire"]


@dataclass(frozen=True, eq=False)
class Row:
    """One change of vectors, whatever made it."""

    name: str
    kind: Kind
    distances: Distances
    retrieval: Retrieval | None
    bytes_per_vector: float | None
    """None for drift, which takes no room."""

    @property
    def l2_max(self) -> float | None:
        """The largest L2 of any text; None where no text could be compared."""
        return largest_finite(self.distances.l2)


def compare_storage(
    results: Results, *, tell: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Return the drift of every setting and the cost of every format, each by its largest L2.

    Formats take the vectors nearest to the reference: unbatched, of the setting with the least
    precision error, so that what they cost is the format's own.

    Raises:
        InputError: if nothing was measured.
    """
    measured = [setting for setting in results.settings if setting.unbatched.count]
    if not measured:
        raise InputError("nothing was measured in this run: give one with vectors")
    rows = [row for setting in measured for row in _drift(results, setting)]
    best = _nearest(results, measured)
    pass_ = best.unbatched
    vectors = only(pass_.vectors, pass_.done & with_direction(pass_.vectors))
    width = vectors.shape[1]
    for one in formats(width):
        tell(one.name)
        back = one.restored(vectors)
        distances = compare(_padded(unit(back), width), unit(vectors))
        found = compare_retrieval(results.plan, vectors, back)
        there = vectors[np.isfinite(vectors).all(axis=1)]
        rows.append(Row(one.name, one.kind, distances, found, one.bytes_of(there)))
    return sorted(rows, key=lambda row: np.inf if row.l2_max is None else row.l2_max)


def storage_setting(results: Results) -> str:
    """Return the name of the setting whose vectors the formats take."""
    measured = [setting for setting in results.settings if setting.unbatched.count]
    return _nearest(results, measured).setting.short_label


def _nearest(results: Results, measured: list[SettingResults]) -> SettingResults:
    errors = [(setting, setting.largest_error(results.reference)) for setting in measured]
    return min(errors, key=lambda pair: np.inf if pair[1] is None else pair[1])[0]


def _drift(results: Results, setting: SettingResults) -> list[Row]:
    rows = []
    label = setting.setting.short_label
    worst = worst_of_batches(results, setting)
    order = None if worst is None else worst_of_orders(results, setting, worst[0])
    if worst is not None and order is not None:
        drift = setting.drift(worst[0], order[0])[1]
        rows.append(Row(f"{label} @{worst[0]}", "drift", drift, order[1], None))
    error = setting.precision_error(results.reference)
    if error is not None:
        found = precision_retrieval(results, setting)
        rows.append(Row(f"{label} to float64", "drift", error[1], found, None))
    return rows


def _padded(vectors: Vectors, width: int) -> Floats:
    filled = np.pad(vectors, ((0, 0), (0, width - vectors.shape[1])))
    return np.asarray(filled, dtype=np.float64)
