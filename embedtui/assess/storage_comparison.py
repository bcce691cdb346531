"""Drift beside what storing vectors costs, on the same axes: the yardstick of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from embedtui.assess.cross_setting_search import Side, side_of
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
from embedtui.plan.plan import FIRST, PassKey
from embedtui.results.mismatch import is_what_if
from embedtui.results.results import Results, SettingResults
from embedtui.results.usual_error import USUAL_ERROR, shape_class, tf32_places, usual_error

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
    side: Side
    """The vectors that are held against the same texts alone, against float64, or stored."""
    pass_key: PassKey = FIRST
    """In which order of the texts: of drift the one that changes most."""

    @property
    def l2_max(self) -> float | None:
        """The largest L2 of any text; None where no text could be compared."""
        return largest_finite(self.distances.l2)


class Source(NamedTuple):
    """The vectors that formats store and send."""

    side: Side
    why: str
    """Why these, in words."""

    @property
    def told(self) -> str:
        """Which vectors they are, and why these, for the head of a table."""
        size = self.side.batch_size
        how = "each text alone" if size == 1 else f"in batches of {size}"
        return f"formats take vectors of {self.side.setting.setting.label}, {how}: {self.why}"


def source_of(results: Results, which: str = "") -> Source:
    """Return the vectors that formats take: those of `which`, else of the most exact setting.

    What a format costs then is its own. `which` names a setting as `side_of` has it. Without it,
    that is the one with the least error against float64, of texts alone; where no error is known,
    the one whose dtype usually costs least.

    Raises:
        InputError: if nothing was measured, or the run has no such setting or batch size.
    """
    measured = [setting for setting in results.settings if setting.unbatched.count]
    if not measured:
        raise InputError("nothing was measured in this run: give one with vectors")
    if which:
        return Source(side_of(results, which, batched=False), "as named")
    whole = [setting for setting in measured if setting.status == "finished"] or measured
    known = [(s, error) for s in whole if (error := s.largest_error(results.reference)) is not None]
    if known:
        best, error = min(known, key=lambda pair: pair[1])
        why = f"nearest to float64, L2 {error:.1e} at most"
    else:
        best = min(whole, key=_usual_cost)
        why = "no error was measured, and its dtype usually costs least"
    return Source(Side(results, best, 1), "the only setting" if len(measured) == 1 else why)


def compare_storage(
    results: Results, source: Source, *, tell: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Return the drift of every setting and the cost of every format, each by its largest L2."""
    measured = [setting for setting in results.settings if setting.unbatched.count]
    rows = [row for setting in measured for row in _drift(results, setting)]
    side = source.side
    vectors = only(side.vectors, with_direction(side.vectors))
    width = vectors.shape[1]
    for one in formats(width):
        tell(one.name)
        back = one.restored(vectors)
        distances = compare(_padded(unit(back), width), unit(vectors))
        found = compare_retrieval(results.plan, vectors, back)
        there = vectors[np.isfinite(vectors).all(axis=1)]
        rows.append(Row(one.name, one.kind, distances, found, one.bytes_of(there), side))
    return sorted(rows, key=lambda row: np.inf if row.l2_max is None else row.l2_max)


def _usual_cost(setting: SettingResults) -> tuple[bool, float]:
    """Order settings by what they usually cost: what changes vectors on purpose comes last."""
    if tf32_places(setting.effective) and setting.effective.dtype == "float32":
        return is_what_if(setting), USUAL_ERROR["tf32"][shape_class(setting)]
    return is_what_if(setting), usual_error(setting)


def _drift(results: Results, setting: SettingResults) -> list[Row]:
    rows = []
    label = setting.setting.label
    worst = worst_of_batches(results, setting)
    order = None if worst is None else worst_of_orders(results, setting, worst[0])
    if worst is not None and order is not None:
        size, (pass_key, found) = worst[0], order
        drift = setting.drift(size, pass_key)[1]
        where = "" if pass_key == FIRST else f", {pass_key}"
        side = Side(results, setting, size)
        rows.append(Row(f"{label} @{size}{where}", "drift", drift, found, None, side, pass_key))
    error = setting.precision_error(results.reference)
    if error is not None:
        lists, side = precision_retrieval(results, setting), Side(results, setting, 1)
        rows.append(Row(f"{label} to float64", "drift", error[1], lists, None, side))
    return rows


def _padded(vectors: Vectors, width: int) -> Floats:
    filled = np.pad(vectors, ((0, 0), (0, width - vectors.shape[1])))
    return np.asarray(filled, dtype=np.float64)
