"""How far two rankings of the same documents agree, with ties that may be broken either way.

A list with ties stands for all the orders in which they can be broken, and a figure for the range
over those orders: two computations that break a tie differently have not found anything different.
The ends of the range are met by two orders of each list. They agree most where each breaks its ties
as the other ranks the documents, and least where each breaks them the other way round: at every
depth at once, so that two pairs of orders serve for all. Kendall's τ is that of the same two pairs;
where ties reach beyond the end of a list other orders may lie outside of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Floats
from embedtui.measure.neighbours import Index, Listed, Neighbours

PERSISTENCE = 0.9
"""p of rank-biased overlap: how likely one reads on after each document; the first ten have 86 % of
the weight."""

_BLOCK = 2**22
"""Pairs of documents that are compared at a time."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two lists for each of q queries held against each other; figures are q x 2, least and most.

    The two are equal where there are no ties. Queries that are not `usable` mean nothing.
    """

    k: int
    usable: Bools
    """q; whether the query has a list before and after."""
    overlap: Floats
    """Share of the first k that both have."""
    jaccard: Floats
    """|A ∩ B| / |A ∪ B| of the first k."""
    rbo: Floats
    """Rank-biased overlap, extrapolated: Webber, Moffat and Zobel, A Similarity Measure for
    Indefinite Rankings, ACM TOIS 28 (2010), equation 32, with p = `PERSISTENCE`."""
    tau: Floats
    """Kendall's τ, 1 to -1. Where the lists hold different documents, over all of both: a document
    is ahead of one that the list lacks, and two that one list lacks are neither for nor against,
    as in K^(½) of Fagin, Kumar and Sivakumar, Comparing Top k Lists, SIAM J. Discrete Math. 17
    (2003)."""
    top1_changed: Bools
    """Whether the first document is another: for certain, and for some order of the ties."""
    order_changed: Bools
    """Whether the first k, or their order, is another: for certain, and for some order of ties."""
    before: Listed
    """q x k, each list in the order of its ties in which the two agree most; -1 after its end."""
    after: Listed


def agreement(before: Neighbours, after: Neighbours, k: int) -> Agreement:
    """Hold two rankings of the same documents, for the same queries, against each other.

    Of a query with more ties than were listed nothing is certain, and its range is all there is.

    Raises:
        ValueError: if the queries are not as many, or the lists are not k long.
    """
    if len(before.documents) != len(after.documents):
        raise ValueError(f"{len(before.documents)} lists cannot be held against {len(after.cut)}")
    if not 1 <= k <= min(before.k, after.k):
        raise ValueError(f"lists of {min(before.k, after.k)} say nothing of the first {k}")
    depth = max(before.documents.shape[1], after.documents.shape[1])
    rows = max(1, _BLOCK // max(1, depth, 2 * k) ** 2)
    count = len(before.documents)
    parts = [
        _agreement(_part(before, start, rows), _part(after, start, rows), k)
        for start in range(0, max(1, count), rows)
    ]
    names = [name for name in Agreement.__dataclass_fields__ if name != "k"]
    return Agreement(k, **{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _part(lists: Neighbours, start: int, rows: int) -> Neighbours:
    one = slice(start, start + rows)
    return Neighbours(lists.k, lists.documents[one], lists.scores[one], lists.cut[one], lists.tie)


def _agreement(before: Neighbours, after: Neighbours, k: int) -> Agreement:
    length = np.minimum(np.minimum(before.counts, after.counts), k)
    usable = length > 0
    ranks = _buckets(before), _buckets(after)
    met = _places(before.documents, after.documents), _places(after.documents, before.documents)
    other = _there(ranks[1], met[0]), _there(ranks[0], met[1])
    most, least = (
        tuple(
            _ordered(lists.documents, rank, by, length, k, alike=alike, reverse=not alike and last)
            for lists, rank, by, last in (
                (before, ranks[0], other[0], False),
                (after, ranks[1], other[1], True),
            )
        )
        for alike in (True, False)
    )
    figures = [_figures(one, two, length) for one, two in (least, most)]
    changed = [
        [(one[:, :1] != two[:, :1]).any(axis=1), (one != two).any(axis=1)]
        for one, two in (most, least)
    ]
    cut = before.cut | after.cut
    bounds = {"overlap": (0, 1), "jaccard": (0, 1), "rbo": (0, 1), "tau": (-1, 1)}
    ranges = {}
    for name, (low, high) in bounds.items():
        # Lists with more in common may still have a smaller τ.
        ranges[name] = np.sort(np.stack([figures[0][name], figures[1][name]], axis=1), axis=1)
        ranges[name][cut] = low, high
    turned = [np.stack([c[n] for c in changed], axis=1) for n in (0, 1)]
    for one in turned:
        one[cut] = False, True
    return Agreement(
        k,
        usable,
        **ranges,
        top1_changed=turned[0],
        order_changed=turned[1],
        before=most[0],
        after=most[1],
    )


def _buckets(lists: Neighbours) -> Index:
    """Return the buckets, with a number above all others where a list has ended."""
    return np.where(lists.documents < 0, np.iinfo(np.intp).max, lists.buckets)


def _places(documents: Listed, others: Listed) -> Index:
    """Return where each document stands in the other list of its row; -1 where it does not."""
    same = (documents[:, :, None] == others[:, None, :]) & (documents >= 0)[:, :, None]
    if not same.shape[2]:
        return np.full(documents.shape, -1, dtype=np.intp)
    return np.where(same.any(axis=2), same.argmax(axis=2), -1)


def _there(ranks: Index, places: Index) -> Index:
    """Return the rank that the other list gives, one beyond all others where it has none."""
    beyond = np.iinfo(np.intp).max
    if not ranks.shape[1]:
        return np.full(places.shape, beyond, dtype=np.intp)
    found = np.take_along_axis(ranks, np.maximum(places, 0), axis=1)
    return np.where(places < 0, beyond, found)


def _ordered(
    documents: Listed,
    ranks: Index,
    others: Index,
    length: Index,
    k: int,
    *,
    alike: bool,
    reverse: bool,
) -> Listed:
    """Return the first k, ties broken as the other list has them, or the other way round.

    What ties in both lists stands by row, in one of the two by row from the end where they shall
    not agree.
    """
    rows = -documents if reverse else documents
    order = np.lexsort((rows, others if alike else -others, ranks), axis=-1)[:, :k]
    found = np.full((len(documents), k), -1, dtype=np.int32)
    found[:, : order.shape[1]] = np.take_along_axis(documents, order, axis=1)
    found[np.arange(k) >= length[:, None]] = -1
    return found


def _figures(one: Listed, two: Listed, length: Index) -> dict[str, Floats]:
    k = one.shape[1]
    depths = np.arange(1, k + 1)
    places = np.where((found := _places(one, two)) < 0, k, found)
    # A document that both have is shared from the deeper of its two places on.
    shared_from = np.maximum(places, np.arange(k))
    shared_from[one < 0] = k
    shared = (shared_from[:, :, None] < depths).sum(axis=1)
    total = shared[:, -1].astype(np.float64)
    size = np.maximum(length, 1)
    powers = PERSISTENCE**depths
    terms = np.where(depths <= length[:, None], shared / depths * powers, 0.0)
    return {
        "overlap": total / size,
        "jaccard": total / (2 * size - total),
        "rbo": total / size * PERSISTENCE**size
        + (1 - PERSISTENCE) / PERSISTENCE * terms.sum(axis=1),
        "tau": _tau(one, two, places),
    }


def _tau(one: Listed, two: Listed, places: Index) -> Floats:
    """Return concordant less discordant pairs over all pairs of the documents of both lists."""
    rows, k = one.shape
    missing = _places(two, one) < 0
    alone = missing & (two >= 0)
    at = np.broadcast_to(np.arange(k), (rows, k))
    in_one = np.concatenate([at, np.full((rows, k), k)], axis=1)
    in_two = np.concatenate([places, at], axis=1)
    there = np.concatenate([one >= 0, alone], axis=1)
    signs = [np.sign(p[:, :, None] - p[:, None, :]).astype(np.int8) for p in (in_one, in_two)]
    both = signs[0] * signs[1] * (there[:, :, None] & there[:, None, :])
    documents = there.sum(axis=1)
    pairs = documents * (documents - 1)
    same: npt.NDArray[np.float64] = (one == two).all(axis=1).astype(np.float64)
    return np.where(pairs > 0, both.sum(axis=(1, 2)) / np.maximum(pairs, 1), same)
