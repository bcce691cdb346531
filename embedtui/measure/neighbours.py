"""The nearest texts of every text, exactly: by cosine in float64, with ties told as ties.

Nearly all pairs are far from being neighbours, which float32 shows as well as float64 and twice
as fast. So scores are computed in float32 first, in blocks, and only pairs that could belong to a
list in spite of the rounding are scored in float64. None is lost: for unit vectors less their mean,
q and d, a float32 product of n terms is off by no more than e = γₙ‖q‖‖d‖ in whatever order it is
summed (γₙ = nu / (1 - nu); Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section
3.1). Where k documents have a product of p or more, the k-th best score is p - e at least, so that
a document below p - 2e is not among the k best. The mean is taken off because embeddings often lie
close together, and what they have in common would only blow up the bound.

The score of a pair is then computed from its own two rows alone, so that it does not depend on the
block that they were in, and texts with equal vectors have equal scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Floats, Vectors, unit

Index = npt.NDArray[np.intp]
Listed = npt.NDArray[np.int32]
Matrix = npt.NDArray[np.floating]
OnStage = Callable[[float], None]
"""Hears the share that is done, 0 to 1, some times a second; what it raises ends the search."""

_U32, _U64 = 2.0**-24, 2.0**-53
_BLOCK = 2048
"""Rows of a block: 17 MB of float32 scores."""
_HELD = 2**25
"""Elements of float64 unit vectors that are kept at hand; beyond, they are made as needed."""
_SCORED = 2**21
"""Elements that are gathered at a time to be scored."""
_PENDING = 2**22
"""Pairs that may wait before the hopeless ones among them are thrown out."""
_MOST_TIED = 128
"""Documents listed at most beyond k because they tie with the last."""
_CROWDED = 64
"""Pairs to a query, beyond its k, from which on float32 tells too little apart to be of use."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For each of q queries its documents, the nearest first, and all that tie with the k-th."""

    k: int
    documents: Listed
    """q x depth, rows of documents; -1 where a list has ended. Ties stand in order of their row."""
    scores: Floats
    """q x depth, cosines; NaN where a list has ended."""
    cut: Bools
    """q; whether more documents tie with the last than are listed."""
    tie: float
    """Scores that differ by no more are equal: rounding alone could have put either first."""

    @property
    def counts(self) -> Index:
        """How many documents each list has; 0 for a query that has no direction."""
        return np.asarray((self.documents >= 0).sum(axis=1), dtype=np.intp)

    @property
    def buckets(self) -> Index:
        """Number of the tie that each place belongs to, from 0; places after the end go on.

        Neighbouring scores within `tie` share one, so that a list is a bucket order (Fagin, Kumar,
        Mahdian, Sivakumar and Vee, Comparing and Aggregating Rankings with Ties, PODS 2004).
        """
        found = np.zeros(self.documents.shape, dtype=np.intp)
        with np.errstate(invalid="ignore"):
            apart = ~(self.scores[:, :-1] - self.scores[:, 1:] <= self.tie)
        np.cumsum(apart, axis=1, out=found[:, 1:])
        return found


def tie_width(width: int) -> float:
    """Return how far two computed scores of one query may be apart where the exact ones are equal.

    Of each unit vector the length is off by (n/2 + 1)u relatively and every element by u more, the
    product by nu (Higham, as above, sections 3.1 and 3.5); |scores| are at most 1, and the query's
    length is common to both. That makes (3n/2 + 4)u for each of the two.
    """
    return (3 * width + 8) * _U64


def nearest(
    queries: Vectors, documents: Vectors | None, k: int, *, tell: OnStage | None = None
) -> Neighbours:
    """Find the k nearest documents of every query, and those that tie with the last of them.

    Both are n x width in any precision and of any length; cosines are compared. Without documents
    the queries are searched in each other, a text never being its own neighbour. Rows with a NaN,
    an infinity or nothing but zeros are in no list and have none. Lists are shorter than k where
    there are not so many documents.

    Memory is bounded: float32 copies of both and a few hundred MB, however many there are.

    Raises:
        ValueError: if the widths differ, or k is below 1.
    """
    if k < 1 or queries.ndim != 2:
        raise ValueError(f"cannot find {k} neighbours of vectors of {queries.shape}")
    if documents is not None and queries.shape[1:] != documents.shape[1:]:
        raise ValueError(f"cannot search {queries.shape} in {documents.shape}")
    asked = _with_direction(queries)
    there = asked if documents is None else _with_direction(documents)
    one = _Points(_picked(queries, asked))
    other = None if documents is None else _Points(_picked(documents, there))
    search = _Search(one, other, k, tell or (lambda _share: None))
    found = search.run(np.float32) or search.run(np.float64)
    assert found is not None
    return _placed(_scored(one, other or one, *found, k), len(queries), asked, there)


def scores_of(queries: Vectors, documents: Vectors, listed: npt.NDArray[np.integer]) -> Floats:
    """Return the cosine of each query with the documents that are listed for it.

    `listed` is q x depth, rows of documents; a score is NaN where it has -1, or where a vector has
    no direction. A score depends on its own two rows alone, to the bit.
    """
    return _pair_scores(_Points(queries), _Points(documents), listed)


class _Points:
    """Vectors of length one, made as they are needed where there are too many to be kept."""

    def __init__(self, vectors: Vectors) -> None:
        self.count, self.width = vectors.shape
        self._vectors = vectors
        self._units = unit(vectors) if vectors.size <= _HELD else None

    def rows(self, index: Index | slice) -> Floats:
        """Return unit vectors, NaN where a row has no direction."""
        return unit(self._vectors[index]) if self._units is None else self._units[index]

    def blocks(self) -> Iterator[slice]:
        """Return blocks of rows that are about equally long."""
        for start, stop in _spans(self.count):
            yield slice(start, stop)


class _Search:
    """Finds the pairs that may belong to a list; what is certain is that no other does."""

    def __init__(self, queries: _Points, documents: _Points | None, k: int, tell: OnStage) -> None:
        self._queries, self._documents, self._k, self._tell = queries, documents, k, tell
        searched = queries if documents is None else documents
        self._mean = _mean(searched)
        self._tie = tie_width(queries.width)

    def run(self, dtype: type[np.floating]) -> tuple[Index, Index, Bools] | None:
        """Return queries and documents of the pairs, by query, and the queries with too many.

        None where the dtype leaves too many pairs undecided.
        """
        exact = dtype is np.float64
        one = _Prepared(self._queries, self._mean, dtype)
        other = one if self._documents is None else _Prepared(self._documents, self._mean, dtype)
        # Products of width + 2 terms, each factor of which was rounded once, or computed.
        rounding = 1.01 * (self._queries.width + 8) * (_U64 if exact else _U32)
        bound = rounding * (one.lengths * other.reach + one.offset + other.offset) + self._tie
        pairs = _Pairs(self._k, len(one.lengths), 2 * bound, cap=exact)
        visit = self._within if self._documents is None else self._across
        for share in visit(one.rows, other.rows, pairs):
            if pairs.crowded and not exact:
                return None
            self._tell(share)
        pairs.settle()
        return None if pairs.crowded and not exact else pairs.all()

    def _within(self, one: Matrix, other: Matrix, pairs: _Pairs) -> Iterator[float]:
        """Search a set in itself: each block of scores serves the texts on both its sides."""
        spans = _spans(len(one))
        blocks = [(n, n) for n in range(len(spans))]
        # Those of one block come first: they tell how near a neighbour must be at the least.
        blocks += [(n, m) for n in range(len(spans)) for m in range(n + 1, len(spans))]
        for done, (n, m) in enumerate(blocks, 1):
            (start, stop), (first, last) = spans[n], spans[m]
            scores = one[start:stop] @ _turned(other[first:last]).T
            if n == m:
                np.fill_diagonal(scores, -np.inf)
                pairs.begin(start, scores)
            else:
                pairs.add(scores, first, start, across=True)
            pairs.add(scores, start, first)
            yield done / len(blocks)

    def _across(self, one: Matrix, other: Matrix, pairs: _Pairs) -> Iterator[float]:
        """Search queries in documents."""
        spans, against = _spans(len(one)), _spans(len(other))
        blocks = [(n, m) for n in range(len(spans)) for m in range(len(against))]
        for done, (n, m) in enumerate(blocks, 1):
            (start, stop), (first, last) = spans[n], against[m]
            scores = one[start:stop] @ _turned(other[first:last]).T
            if not m:
                pairs.begin(start, scores)
            pairs.add(scores, start, first)
            yield done / len(blocks)


class _Prepared:
    """Unit vectors less a mean, with two columns more for what the mean adds to their cosines.

    With q = m + q' and d = m + d', q·d = m·m + m·q' + m·d' + q'·d'. The two columns hold m·q' and
    1, and with them exchanged on one side the product lacks m·m only, which all scores share.
    """

    def __init__(self, points: _Points, mean: Floats, dtype: type[np.floating]) -> None:
        width = points.width
        self.rows: Matrix = np.empty((points.count, width + 2), dtype=dtype)
        self.lengths = np.zeros(points.count)
        """Of each vector less the mean."""
        self.offset = 0.0
        """The most that the mean adds."""
        for rows in points.blocks():
            moved = points.rows(rows) - mean
            along = moved @ mean
            self.offset = max(self.offset, float(np.abs(along).max(initial=0.0)))
            self.lengths[rows] = np.linalg.norm(moved, axis=1)
            self.rows[rows, :width] = moved
            self.rows[rows, width] = along
            self.rows[rows, width + 1] = 1.0
        self.reach = float(self.lengths.max(initial=0.0))
        """The longest of them."""


def _turned(rows: Matrix) -> Matrix:
    """Return rows with their last two columns exchanged."""
    turned = rows.copy()
    turned[:, -2:] = rows[:, :-3:-1]
    return turned


class _Pairs:
    """Pairs that may still belong to a list, and how low a score a list may still take."""

    def __init__(self, k: int, queries: int, slack: Floats, *, cap: bool) -> None:
        self._k, self._slack, self._cap = k, slack, cap
        self._least = np.full(queries, -np.inf)
        self._parts: list[tuple[Index, Index, Floats]] = []
        self._waiting = 0
        self._cut = np.zeros(queries, dtype=np.bool_)
        self._most = queries * (k + _CROWDED)
        self.crowded = False
        """Whether more pairs are left than are worth being scored one by one."""

    def begin(self, start: int, scores: Matrix) -> None:
        """Learn from the first scores of some queries how low their lists may reach."""
        rows = slice(start, start + len(scores))
        if scores.shape[1] >= self._k:
            at = scores.shape[1] - self._k
            best = np.partition(scores, at, axis=1)[:, at].astype(np.float64)
            self._least[rows] = best - self._slack[rows]

    def add(self, scores: Matrix, start: int, first: int, *, across: bool = False) -> None:
        """Take in a block of scores of the queries from `start` and the documents from `first` on.

        Queries stand in its rows; `across` says that they stand in its columns.
        """
        count = scores.shape[across]
        least = self._least[start : start + count].astype(scores.dtype)
        # Rounded down, so that a list's last is not lost by how its limit is written; and above
        # minus infinity, with which a text is marked as no neighbour of itself.
        least = np.nextafter(least, -np.inf, dtype=scores.dtype)
        least = np.maximum(least, np.finfo(scores.dtype).min)
        at = np.flatnonzero(scores >= (least if across else least[:, None]))
        row, column = np.divmod(at, scores.shape[1])
        query, document = (column, row) if across else (row, column)
        found = scores.reshape(-1)[at].astype(np.float64)
        self._parts.append((query + start, document + first, found))
        self._waiting += len(at)
        if self._waiting > _PENDING:
            self.settle()

    def settle(self) -> None:
        """Throw out the pairs that cannot belong to a list any more."""
        if not self._parts:
            return
        queries, documents, scores = (
            np.concatenate(part) for part in zip(*self._parts, strict=True)
        )
        order = np.lexsort((documents, -scores, queries))
        queries, documents, scores = queries[order], documents[order], scores[order]
        begins = np.searchsorted(queries, np.arange(len(self._least)))
        place = np.arange(len(queries)) - begins[queries]
        last = place == self._k - 1
        asked = queries[last]
        self._least[asked] = np.maximum(self._least[asked], scores[last] - self._slack[asked])
        keep = scores >= self._least[queries]
        if self._cap:
            beyond = keep & (place >= self._k + _MOST_TIED)
            self._cut[queries[beyond]] = True
            keep &= ~beyond
        self._parts = [(queries[keep], documents[keep], scores[keep])]
        self._waiting = 0
        self.crowded = int(keep.sum()) > self._most

    def all(self) -> tuple[Index, Index, Bools]:
        """Return queries and documents of what is left, by query, and the queries with too many."""
        if not self._parts:
            nobody = np.zeros(0, dtype=np.intp)
            return nobody, nobody, self._cut
        queries, documents, _ = self._parts[0]
        return queries, documents, self._cut


def _scored(
    one: _Points, other: _Points, queries: Index, documents: Index, cut: Bools, k: int
) -> Neighbours:
    """Score the pairs in float64 and order them."""
    counts = np.bincount(queries, minlength=one.count)
    depth = int(counts.max(initial=1))
    listed = np.full((one.count, depth), -1, dtype=np.int32)
    place = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
    listed[queries, place] = documents
    scores = _pair_scores(one, other, listed)
    order = np.lexsort((listed, np.where(listed < 0, np.inf, -scores)), axis=-1)
    listed = np.take_along_axis(listed, order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    tie = tie_width(one.width)
    if depth > k:
        with np.errstate(invalid="ignore"):
            beyond = scores < scores[:, k - 1 : k] - tie
        listed[beyond], scores[beyond] = -1, np.nan
        depth = max(int((listed >= 0).sum(axis=1).max(initial=0)), k)
        listed, scores = listed[:, :depth].copy(), scores[:, :depth].copy()
    return Neighbours(k, listed, scores, cut, tie)


def _pair_scores(one: _Points, other: _Points, listed: npt.NDArray[np.integer]) -> Floats:
    depth = listed.shape[1]
    scores = np.full(listed.shape, np.nan)
    rows = max(1, _SCORED // max(1, depth * one.width))
    for start in range(0, len(listed), rows):
        block = slice(start, start + rows)
        wanted = np.maximum(listed[block], 0)
        if not wanted.size or not other.count:
            continue
        near = other.rows(wanted.reshape(-1)).reshape(*wanted.shape, other.width)
        found = np.einsum("qw,qdw->qd", one.rows(block), near)
        scores[block] = np.where(listed[block] >= 0, found, np.nan)
    return scores


def _placed(found: Neighbours, count: int, asked: Index, there: Index) -> Neighbours:
    """Put the lists of the rows that have a direction where those rows stand among all."""
    documents = np.full((count, found.documents.shape[1]), -1, dtype=np.int32)
    scores = np.full(documents.shape, np.nan)
    cut = np.zeros(count, dtype=np.bool_)
    listed = found.documents >= 0
    numbers = np.where(listed, there[np.maximum(found.documents, 0)] if len(there) else -1, -1)
    documents[asked], scores[asked], cut[asked] = numbers, found.scores, found.cut
    return Neighbours(found.k, documents, scores, cut, found.tie)


def _with_direction(vectors: Vectors) -> Index:
    """Return the rows that have finite elements alone, and one that is not zero."""
    usable = [
        np.isfinite(vectors[start:stop]).all(axis=1) & vectors[start:stop].any(axis=1)
        for start, stop in _spans(len(vectors))
    ]
    return np.flatnonzero(np.concatenate(usable)) if usable else np.zeros(0, dtype=np.intp)


def _picked(vectors: Vectors, rows: Index) -> Vectors:
    return vectors if len(rows) == len(vectors) else vectors[rows]


def _mean(points: _Points) -> Floats:
    total = np.zeros(points.width)
    for rows in points.blocks():
        total += points.rows(rows).sum(axis=0)
    return np.asarray(total / max(1, points.count), dtype=np.float64)


def _spans(count: int) -> list[tuple[int, int]]:
    """Cut rows into blocks of about equal length: a short one would know no neighbours."""
    blocks = -(-count // _BLOCK)
    ends = [count * (n + 1) // blocks for n in range(blocks)]
    return list(zip([0, *ends], ends, strict=False))
