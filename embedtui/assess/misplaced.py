"""Texts that came back with another text's vector, or all with one: told from any drift."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.assess.finding import Finding
from embedtui.common.wording import text_count
from embedtui.measure import misplaced_rows
from embedtui.results.results import Results, Rows, SettingResults

_WORDS = {
    "swapped": "another text's vector: results were put in a wrong order, which no precision "
    "explains",
    "copied": "the vector of another that keeps it: one text's vector for several texts, which no "
    "precision explains",
    "misplaced": "another text's vector, which no precision explains",
}

Misplaced = dict[str, dict[int, set[int]]]
"""The texts with another's vector, by the way of it and by batch size."""


def misplaced(results: Results, setting: SettingResults) -> Misplaced:
    """Return the texts with another's vector.

    Vectors are held against unbatched ones, or where float64 shows that those are misplaced
    themselves, against float64's.
    """
    reference, alone = results.reference, setting.unbatched
    baseline: npt.NDArray[np.floating] = alone.vectors
    there = alone.done
    found: Misplaced = {}
    if reference.vectors.shape == baseline.shape:
        both = reference.done & there & np.isfinite(reference.vectors).all(axis=1)
        own = _misplaced(baseline, reference.vectors, np.flatnonzero(both))
        if own is not None:
            found[own[0]] = {1: own[1]}
            baseline, there = reference.vectors, both
    for size, pass_ in setting.others():
        one = _misplaced(pass_.vectors, baseline, np.flatnonzero(pass_.done & there))
        if one is not None:
            found.setdefault(one[0], {}).setdefault(size, set()).update(one[1])
    return found


def misplaced_findings(
    results: Results, setting: SettingResults, found: Misplaced
) -> list[Finding]:
    """Say which texts came back with another's vector, and at which batch sizes."""
    said = []
    for kind, by_size in found.items():
        struck = sorted(set().union(*by_size.values()))
        sizes = ", ".join(map(str, by_size))
        said.append(
            Finding(
                kind,
                "fault",
                f"{text_count(len(struck))} at batch size {sizes} came back with {_WORDS[kind]}",
                setting.number,
                tuple(results.plan.pack.texts[row].id for row in struck),
            )
        )
    return said


def _misplaced(
    vectors: npt.NDArray[np.float32], baseline: npt.NDArray[np.floating], rows: Rows
) -> tuple[str, set[int]] | None:
    fault = misplaced_rows(vectors[rows], baseline[rows]) if len(rows) > 1 else None
    return (fault.kind, {int(rows[row]) for row in fault.rows}) if fault else None
