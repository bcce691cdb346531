"""Quantisation as a batch comes: one scale for all of its texts, so that values in company matter.

Kernels that are chosen by shape give a text the same vector in any company of the same size, and
padding or a mask leaves the longest text of a batch alone. Where nearly every text moves, also the
longest of its batch, to another place in another order, and just so when it is run again, what a
text gets depends on the values of the others.
"""

from __future__ import annotations

import numpy as np

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.causes.inputs import tokens_of
from embedtui.assess.noise import repeats_differ
from embedtui.measure import compare
from embedtui.measure.distances import Bools, Floats
from embedtui.results.results import Rows

_NEARLY_ALL = 0.9
"""Least share of the texts that move."""
_ALIKE = 0.25
"""Least that a group moves, or orders differ, in the median, as a share of the median of all."""
_LEAST = 8
"""Texts, and longest texts, below which nothing is said."""


def batch_scale(evidence: Evidence) -> Diagnosis | None:
    """Return that one scale for a whole batch explains what batches do to texts."""
    setting, size = evidence.setting, max(evidence.drifts)
    orders = setting.drifts(size)
    if not len(evidence.beyond) or len(orders) < 2 or setting.noise() is None:
        return None
    if repeats_differ(setting) or not setting.company_repeats or setting.effective.prefix_caching:
        return None
    drift, longest = _in_orders(evidence, size)
    if len(drift) < _LEAST or int(longest.sum()) < _LEAST // 2:
        return None
    median = float(np.median(drift))
    of_longest = float(np.median(drift[longest]))
    apart = _between_orders(evidence, size)
    if float((drift > 0).mean()) < _NEARLY_ALL or min(of_longest, apart) < _ALIKE * median:
        return None
    quantised = setting.setting.quantization
    return Diagnosis(
        "dynamic-quantization",
        "values of the other texts in the batch: dynamic quantisation with one scale for all",
        f"L2 {evidence.largest_drift:.1e} at most, {median:.1e} in the median; "
        f"{(drift > 0).mean():.0%} of the texts move, those that are the longest of their batch by "
        f"{of_longest:.1e}; the same text in two orders differs by {apart:.1e}; repeats give the "
        "same bits",
        "kernels that go by the shape of a batch give the same in any company of one size, and "
        "padding spares the longest text: here the values of the others count, as in a scale that "
        "is taken from the whole batch, or where a mask lets texts see each other",
        "possible" if quantised == "none" else "likely",
        "quantise weights alone, or with a scale for each text or token, or set scales once from "
        "samples; else embed one by one",
    )


def _in_orders(evidence: Evidence, size: int) -> tuple[Floats, Bools]:
    """Return the drift of each text in company, in every order, and which is its batch's longest.

    A text without company, as the last may be, is left out.
    """
    setting = evidence.setting
    drift, longest = [], []
    for pass_key, rows, found in setting.drifts(size):
        far = dict(zip(rows.tolist(), found.l2.tolist(), strict=True))
        for batch in setting.pass_of(size, pass_key).batch_rows:
            there = [row for row in batch if row in far]
            if len(there) < 2:
                continue
            length = _lengths(evidence, there)
            drift += [far[row] for row in there]
            longest += (length == length.max()).tolist()
    return np.asarray(drift, dtype=np.float64), np.asarray(longest, dtype=np.bool_)


def _lengths(evidence: Evidence, rows: list[int]) -> Rows:
    """Return the tokens of texts, or their characters where tokens are not known."""
    tokens = tokens_of(evidence, np.asarray(rows, dtype=np.intp))
    if tokens.all():
        return tokens
    inputs = evidence.results.plan.inputs
    return np.asarray([len(inputs[row]) for row in rows], dtype=np.intp)


def _between_orders(evidence: Evidence, size: int) -> float:
    """Return how far apart, L2, the vectors of the same text in the first two orders are."""
    (one, rows, _), (two, others, _) = evidence.setting.drifts(size)[:2]
    both = np.intersect1d(rows, others)
    first, second = (evidence.setting.pass_of(size, key).vectors[both] for key in (one, two))
    return float(np.median(compare(first, second).l2))
