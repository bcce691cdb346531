"""Queries alone against documents in batches: one server that embeds both, each as it comes.

A corpus is embedded in batches, a query by itself. Held against both alone, so that documents move
and queries do not; where both move together, a rotation of all vectors changes no list.
"""

from __future__ import annotations

import numpy as np

from embedtui.assess.retrieval import (
    RANDOM_WEIGHTS,
    TOP,
    QueryDocSplit,
    Retrieval,
    batch_retrieval,
    compare_lists,
    kept_of,
    only,
    with_direction,
    worst_of_batches,
    worst_of_orders,
)
from embedtui.assess.uncertainty import at_most, span_of
from embedtui.common.wording import percent
from embedtui.plan.plan import FIRST, PassKey
from embedtui.results.results import Results, SettingResults


def mixed_retrieval(
    results: Results, setting: SettingResults, size: int, pass_key: PassKey = FIRST
) -> Retrieval | None:
    """Return what documents in batches of a size do to the lists of texts alone; None without any.

    Queries are the unbatched vectors before and after.
    """
    both = batch_retrieval(results, setting, size, pass_key)
    if both is None:
        return None
    pass_, alone = setting.pass_of(size, pass_key), setting.unbatched

    def search() -> Retrieval | None:
        there = pass_.done & alone.done
        there &= with_direction(pass_.vectors) & with_direction(alone.vectors)
        queries, documents = only(alone.vectors, there), only(pass_.vectors, there)
        sides = QueryDocSplit.of_plan(results.plan)
        if np.array_equal(queries, documents, equal_nan=True):
            lists = both.before
        else:
            lists = sides.nearest_mixed(queries, documents, TOP + 1)
        after = sides.split(queries)[0], sides.split(documents)[1]
        return compare_lists(results.plan, (both.before, lists), sides.split(queries), after)

    key = "mixed", setting.number, size, pass_key
    return kept_of(results).get(key, (pass_.batches, alone.batches), search)


def worst_mixed(
    results: Results, setting: SettingResults, size: int
) -> tuple[PassKey, Retrieval] | None:
    """Return the order in which documents in batches of a size change the most lists."""
    return worst_of_orders(results, setting, size, mixed_retrieval)


def worst_mixed_batches(results: Results, setting: SettingResults) -> tuple[int, Retrieval] | None:
    """Return the batch size of documents that changes the most lists, of equal ones the first."""
    return worst_of_batches(results, setting, mixed_retrieval)


def describe(one: Retrieval) -> str:
    """Say what queries alone find in documents of batches, against both alone."""
    if one.random_weights:
        return RANDOM_WEIGHTS
    head = "queries alone against documents in batches"
    order, count = one.order_changed, one.queries
    if not order[1]:
        return (
            f"{head}: all {count} find what they find where both are alone (at most "
            f"{at_most(count)} of such queries would not, with 95 % confidence)"
        )
    return (
        f"{head}: {percent(order[0], count)} find another order in the top {TOP} "
        f"({span_of(order[0], count, order[1])}), {one.top1_changed[0]} of {count} another first "
        "document"
    )
