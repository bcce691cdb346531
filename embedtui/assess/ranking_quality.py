"""How good the lists of labelled queries are: nDCG, recall and reciprocal rank, by ir-measures.

trec_eval, which does the computing underneath, keeps scores in float32 and breaks ties by the name
of the document, so that a drift of 1e-8 would vanish there or a tie count as a change. It is given
ranks instead of scores, and each list twice where it has ties: with the relevant documents of a tie
first, and last.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import util

import numpy as np
import numpy.typing as npt

from embedtui.common.errors import InputError
from embedtui.measure import Neighbours
from embedtui.measure.distances import Floats
from embedtui.measure.intervals import Interval, mean_interval
from embedtui.texts import Labels

MEASURES = ("nDCG@10", "R@10", "RR@10")
"""Names as ir-measures has them: normalised discounted cumulative gain with the grade as its gain,
recall, and the reciprocal rank of the first relevant document."""
DEPTH = 10
MISSING = "nDCG, recall and MRR need ir-measures: pip install 'embedtui[retrieval]'"


@dataclass(frozen=True, eq=False)
class Quality:
    """For each measure the figure of every labelled query, q x 2: least and most over ties."""

    figures: dict[str, Floats]
    queries: tuple[int, ...] = ()
    """Their places among the queries of the lists."""

    def mean(self, measure: str) -> tuple[float, float]:
        """Return the mean over queries; one without a vector counts as one that found nothing."""
        low, high = self.figures[measure].mean(axis=0)
        return float(low), float(high)


@dataclass(frozen=True)
class Difference:
    """How much a measure's mean changed, over the same queries before and after."""

    least: float
    """With ties broken at worst; equal to `most` where there are none."""
    most: float
    interval: Interval
    """Holds the mean over all such queries with 95 % confidence."""
    changed: int
    """Queries with another figure, in whatever order ties are broken."""


def difference(
    before: Quality, after: Quality, measure: str, alike: npt.NDArray[np.intp] | None = None
) -> Difference:
    """Compare a measure query by query: what queries have in common is in both and drops out.

    `alike` has for each query of the lists the first one that is the same; such are one query, with
    their mean.
    """
    one, two = before.figures[measure], after.figures[measure]
    low, high = two[:, 0] - one[:, 1], two[:, 1] - one[:, 0]
    if alike is not None and before.queries:
        groups = np.unique(alike[list(before.queries)], return_inverse=True)[1]
        low, high = (np.bincount(groups, end) / np.bincount(groups) for end in (low, high))
    return Difference(
        float(low.mean()),
        float(high.mean()),
        mean_interval(low, high),
        int(((low > 0) | (high < 0)).sum()),
    )


def available() -> bool:
    """Say whether ir-measures is installed."""
    return util.find_spec("ir_measures") is not None


def quality(lists: Neighbours, labels: Labels, documents: npt.NDArray[np.intp]) -> Quality:
    """Judge the lists of the queries of `labels`, in their order.

    `documents` gives for each document number of the lists its row in the pack. Queries without a
    relevant document say nothing and are left out.

    Raises:
        InputError: if ir-measures is not installed.
    """
    if not available():
        raise InputError(MISSING)
    import ir_measures  # noqa: PLC0415 - an extra; and it brings SciPy

    grades: dict[int, dict[int, int]] = {}
    for query, document, grade in labels.qrels:
        grades.setdefault(query, {})[document] = grade
    judged = [row for row in labels.queries if max(grades.get(row, {0: 0}).values()) > 0]
    qrels = {str(row): {str(d): g for d, g in grades[row].items()} for row in judged}
    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    place = {row: at for at, row in enumerate(labels.queries)}
    figures = {name: np.zeros((len(judged), 2)) for name in MEASURES}
    at_row = {str(row): at for at, row in enumerate(judged)}
    for end, sign in enumerate((1, -1)):
        run = {}
        for row in judged:
            ranked = _ranked(lists, place[row], documents, grades[row], sign)
            run[str(row)] = {str(document): float(-at) for at, document in enumerate(ranked)}
        for one in ir_measures.iter_calc(measures, qrels, run):
            figures[str(one.measure)][at_row[one.query_id], end] = one.value
    return Quality(figures, tuple(place[row] for row in judged))


def _ranked(
    lists: Neighbours,
    query: int,
    documents: npt.NDArray[np.intp],
    grades: dict[int, int],
    sign: int,
) -> list[int]:
    """Return the rows of the first documents, ties broken by their grade, worst first for 1."""
    listed = lists.documents[query]
    rows = documents[listed[listed >= 0]]
    buckets = lists.buckets[query]
    order = sorted(
        range(len(rows)), key=lambda at: (buckets[at], sign * grades.get(int(rows[at]), 0), at)
    )
    return [int(rows[at]) for at in order[:DEPTH]]
