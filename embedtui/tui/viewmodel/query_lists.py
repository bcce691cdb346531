"""One query's lists before and after, made ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from embedtui.assess.retrieval import TOP, Retrieval
from embedtui.measure import Neighbours
from embedtui.texts import Labels

Fate = Literal["same", "up", "down", "new", "gone"]
Order = Literal["stable", "may swap", "swapped", "tied"]
"""Of a document and the one behind it: whether they swapped, or may swap; or a tie."""


@dataclass(frozen=True)
class QueryPlace:
    """A document at its place in a list."""

    rank: int
    """From 1."""
    row: int
    """In the pack."""
    score: float
    fate: Fate
    moved: int
    """By how many places; 0 for one that is on one list only."""
    gap: float | None
    """To the score of the next; None after the last, and in the list after."""
    order: Order | None
    relevant: bool
    """Whether somebody judged it to be relevant to the query."""


@dataclass(frozen=True)
class Query:
    """What a query finds before and after."""

    row: int
    usable: bool
    top1_changed: bool
    order_changed: bool
    before: tuple[QueryPlace, ...]
    after: tuple[QueryPlace, ...]


def query_of(found: Retrieval, place: int, labels: Labels | None = None) -> Query:
    """Return the lists of a query by its place among the queries."""
    row = int(found.sides.queries[place])
    judged = labels.qrels if labels is not None else ()
    relevant = {one.document for one in judged if one.query == row and one.grade > 0}
    agreed = found.agreement
    one, two = ([int(d) for d in side[place] if d >= 0] for side in (agreed.before, agreed.after))
    return Query(
        row,
        bool(agreed.usable[place]),
        bool(agreed.top1_changed[place, 0]),
        bool(agreed.order_changed[place, 0]),
        tuple(_places(found, place, one, two, found.before, relevant, margins=True)),
        tuple(_places(found, place, two, one, found.after, relevant, margins=False)),
    )


def changed_queries(found: Retrieval) -> npt.NDArray[np.intp]:
    """Return the places of the queries that find something else for certain."""
    agreed = found.agreement
    return np.flatnonzero(agreed.usable & agreed.order_changed[:, 0])


def _places(
    found: Retrieval,
    place: int,
    listed: list[int],
    other: list[int],
    lists: Neighbours,
    relevant: set[int],
    *,
    margins: bool,
) -> list[QueryPlace]:
    known = {
        int(d): float(s)
        for d, s in zip(lists.documents[place], lists.scores[place], strict=True)
        if d >= 0
    }
    places = []
    for at, document in enumerate(listed):
        fate: Fate = "gone" if margins else "new"
        moved = 0
        if document in other:
            now = other.index(document)
            moved = abs(now - at)
            # Up and down are told on the list after; before, where the document will go.
            higher = now < at if margins else at < now
            fate = "same" if now == at else "up" if higher else "down"
        gap, order = _margin(found, place, at) if margins else (None, None)
        row = found.row_of(document)
        places.append(
            QueryPlace(at + 1, row, known[document], fate, moved, gap, order, row in relevant)
        )
    return places


def _margin(found: Retrieval, place: int, at: int) -> tuple[float | None, Order | None]:
    one = found.margins
    if at >= TOP or at + 1 >= found.before.counts[place]:
        return None, None
    gap = float(one.gap[place, at])
    if not np.isfinite(gap):
        return None, "tied"
    if one.did[place, at]:
        return gap, "swapped"
    return gap, "may swap" if one.could[place, at] else "stable"
