"""All texts lose the same figures of their vectors, or all vectors are turned at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.assess.finding import Finding
from embedtui.measure import unit
from embedtui.measure.dimensions import StruckDimensions, struck_dimensions
from embedtui.measure.faults import SUSPECT_L2
from embedtui.measure.turned import are_mirrored, are_turned
from embedtui.results.mismatch import explained_by_rounding
from embedtui.results.results import Results, SettingResults
from embedtui.results.usual_error import usual_error

Figures = npt.NDArray[np.floating]


@dataclass(frozen=True)
class DimensionFaults:
    """What is wrong with the same figures of every vector."""

    found: list[Finding]
    explain: bool
    """Whether they are all that takes the unbatched vectors from float64's."""


def dimension_faults(results: Results, setting: SettingResults) -> DimensionFaults:
    """Return dimensions that are dead or turned in all texts, always or in batches alone."""
    against = _against_reference(results, setting)
    return against or DimensionFaults(list(_in_batches(setting)), explain=False)


def _against_reference(results: Results, setting: SettingResults) -> DimensionFaults | None:
    reference, alone = results.reference, setting.unbatched
    if reference.vectors.shape != alone.vectors.shape:
        return None
    rows = np.flatnonzero(reference.done & alone.done)
    rows = rows[np.isfinite(reference.vectors[rows]).all(axis=1)]
    vectors, exact = alone.vectors[rows], reference.vectors[rows]
    struck = struck_dimensions(vectors, exact)
    if struck is not None and struck.rest.max() < 2 * SUSPECT_L2:
        where = "in every vector, against the float64 reference"
        explain = bool(explained_by_rounding(setting, struck.rest).all())
        return DimensionFaults([_of_dimensions(setting, struck, where)], explain)
    if _far(vectors, exact) and are_turned(vectors, exact, usual_error(setting)):
        return DimensionFaults([_of_turned(setting, vectors, exact, "the model's own", "")], True)
    return None


def _in_batches(setting: SettingResults) -> Iterator[Finding]:
    struck_at: dict[int, StruckDimensions] = {}
    turned_at: list[int] = []
    alone = setting.unbatched
    for size, pass_ in setting.others():
        rows = np.flatnonzero(pass_.done & alone.done)
        vectors, base = pass_.vectors[rows], alone.vectors[rows]
        struck = struck_dimensions(vectors, base)
        if struck is not None and struck.rest.max() < 2 * SUSPECT_L2:
            struck_at.setdefault(size, struck)
        elif _far(vectors, base) and are_turned(vectors, base, usual_error(setting)):
            turned_at += [size] if size not in turned_at else []
    if struck_at:
        where = f"at batch size {_listed(struck_at)}, against unbatched"
        yield _of_dimensions(setting, next(iter(struck_at.values())), where)
    if turned_at:
        pass_ = setting.pass_of(turned_at[0])
        rows = np.flatnonzero(pass_.done & alone.done)
        where = f"at batch size {_listed(turned_at)} "
        yield _of_turned(
            setting, pass_.vectors[rows], alone.vectors[rows], "the unbatched ones", where
        )


def _listed(sizes: Iterable[int]) -> str:
    return ", ".join(map(str, sizes))


def _far(vectors: Figures, reference: Figures) -> bool:
    """Say whether most vectors are farther from the reference's than any rounding takes them."""
    if not len(vectors):
        return False
    return bool(np.median(np.linalg.norm(unit(vectors) - unit(reference), axis=1)) > SUSPECT_L2)


def _of_turned(
    setting: SettingResults, vectors: Figures, reference: Figures, others: str, where: str
) -> Finding:
    mirrored = are_mirrored(vectors, reference, usual_error(setting))
    how = "mirrored, with every sign turned round" if mirrored else "turned"
    return Finding(
        "turned",
        "fault",
        f"{where}vectors are {how}: distances between texts are kept, but they don't match "
        f"{others}",
        setting.number,
    )


def _of_dimensions(setting: SettingResults, found: StruckDimensions, where: str) -> Finding:
    said = [
        f"{_numbered(numbers)} {what}"
        for numbers, what in (
            (found.zero, "always 0"),
            (found.constant, "the same figure in every text"),
            (found.turned, "with its sign turned round"),
        )
        if numbers
    ]
    return Finding(
        "dimension",
        "fault",
        f"{'; '.join(said)} {where}; the other dimensions are within L2 {found.rest.max():.1e}",
        setting.number,
    )


def _numbered(numbers: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"dimension{'s' if len(numbers) > 1 else ''} {listed}{more} (from 0)"
