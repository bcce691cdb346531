"""What drift does to lists of neighbours, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.assess.retrieval import RANDOM_WEIGHTS, TOP, Retrieval
from embedtui.assess.uncertainty import at_most, span_of
from embedtui.common.wording import percent


def describe(one: Retrieval) -> str:
    """Say in a sentence how many queries find something else, and by how little they do not."""
    if one.random_weights:
        return RANDOM_WEIGHTS
    found = one.margins
    least, median, change = found.least_gap, found.median_gap, found.median_change
    if least is None or median is None or change is None:
        return changes_of(one)
    return (
        f"{changes_of(one)}; the smallest margin is {least:.1e}, the median one {median:.1e}, and "
        f"they change by {change:.1e} in the median"
    )


def changes_of(one: Retrieval) -> str:
    """Say how many queries find something else, and what share of all such ones that may be."""
    if one.random_weights:
        return RANDOM_WEIGHTS
    top1, order = one.top1_changed, one.order_changed
    nouns = "queries" if one.sides.labelled else "texts"
    if not order[1]:
        said = (
            f"all {one.queries} {nouns} keep the order of their top {TOP} (at most "
            f"{at_most(one.queries)} of such {nouns} would not, with 95 % confidence)"
        )
    else:
        share = percent(order[0], one.queries)
        verb = "changes its" if top1[0] == 1 else "change their"
        said = (
            f"{top1[0]} of {one.queries} {nouns} {verb} nearest neighbour, "
            f"{share} some order in the top {TOP} ({span_of(order[0], one.queries, order[1])})"
        )
        if order[1] > order[0]:
            said += f" ({order[1] - order[0]} more by how ties are broken)"
    return said


def describe_forecast(documents: int, order: Sequence[float], top1: Sequence[float]) -> str:
    """Say what the same drift would do in a larger corpus, and how sure that is.

    Both are a share of queries with the ends of its interval, as `forecast` has them.
    """
    return (
        f"In {documents:,} such texts: {_span(order)} of queries would change some order, "
        f"{_span(top1)} their nearest neighbour (90 % intervals). Other texts have other gaps; "
        "more texts than that: not forecast."
    )


def _span(share: Sequence[float]) -> str:
    """Return an estimate with the ends of its interval."""
    value, low, high = (100 * one for one in share)
    digits = 0 if value >= 10 else 1
    return f"{value:.{digits}f} % ({low:.{digits}f} to {high:.{digits}f})"
