"""What drift does to retrieval: lists of neighbours before and after, margins, quality by labels.

Pure functions of the results. Finding neighbours is the slow part, so what was found is kept until
more vectors come; a screen may ask as often as it draws.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from embedtui.assess import ranking_quality
from embedtui.measure import Neighbours, nearest
from embedtui.measure.distances import Bools, Floats, Vectors
from embedtui.measure.forecast import Forecast, forecast
from embedtui.measure.margins import Margins, expected, margins
from embedtui.measure.ranking import Agreement, agreement
from embedtui.measure.repeated_rows import are_firsts, first_alike
from embedtui.plan.plan import FIRST, PassKey, Plan
from embedtui.results.reference_vectors import ReferenceVectors
from embedtui.results.results import Identity, Pass, Results, SettingResults

TOP = 10
"""Documents that a list is taken to have: what a page shows, and a prompt holds."""

RANDOM_WEIGHTS = "random weights: says nothing about retrieval"
"""In random weights all texts are near to each other: their lists tell of no trained model."""

Rows = npt.NDArray[np.intp]
OnStage = Callable[[float], None]
Compared = Callable[[Results, SettingResults, int, PassKey], "Retrieval | None"]
"""Compares what batches of a size and an order find with what texts alone do."""


_told: ContextVar[OnStage | None] = ContextVar("told", default=None)


@contextmanager
def reporting_progress(tell: OnStage) -> Iterator[None]:
    """Have every search in here tell how far it is; what `tell` raises ends the search.

    Reports and verdicts search where they need lists: who waits for them knows how to say so.
    """
    before = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(before)


@dataclass(frozen=True, eq=False)
class QueryDocSplit:
    """Which rows of the pack ask and which are searched."""

    queries: Rows
    documents: Rows
    labelled: bool
    """Without labels every text is searched in all others, and both are all rows."""

    @classmethod
    def of_plan(cls, plan: Plan) -> QueryDocSplit:
        """Return the sides of a plan's texts."""
        labels = plan.pack.labels
        every = np.arange(len(plan.pack))
        if labels is None:
            return cls(every, every, labelled=False)
        queries = np.asarray(labels.queries, dtype=np.intp)
        return cls(queries, np.setdiff1d(every, queries), labelled=True)

    def nearest(self, vectors: Vectors, k: int, tell: OnStage | None = None) -> Neighbours:
        """Return the k nearest documents of every query, as numbers of `documents`."""
        tell = tell or _told.get()
        if not self.labelled:
            return nearest(vectors, None, k, tell=tell)
        return nearest(vectors[self.queries], vectors[self.documents], k, tell=tell)

    def nearest_mixed(self, queries: Vectors, index: Vectors, k: int) -> Neighbours:
        """Return the k nearest documents in an index that other vectors make than the queries.

        Without labels a text is no neighbour of itself in here either.
        """
        asked, searched = self.split(queries)[0], self.split(index)[1]
        if self.labelled:
            return nearest(asked, searched, k)
        found = nearest(asked, searched, k + 1)
        own = found.documents == np.arange(len(asked))[:, None]
        # A text that is not on its own list makes room at its end instead.
        own[~own.any(axis=1), -1] = True
        kept = np.flatnonzero(~own.ravel())
        shape = (len(asked), found.documents.shape[1] - 1)
        documents, scores = (
            side.ravel()[kept].reshape(shape) for side in (found.documents, found.scores)
        )
        return Neighbours(k, documents, scores, found.cut, found.tie)

    def split(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """Return the vectors of queries and those of documents."""
        if not self.labelled:
            return vectors, vectors
        return vectors[self.queries], vectors[self.documents]


@dataclass(frozen=True, eq=False)
class Retrieval:
    """The lists of one set of vectors held against those of another, of the same texts."""

    sides: QueryDocSplit
    agreement: Agreement
    before: Neighbours
    after: Neighbours
    margins: Margins
    quality_before: ranking_quality.Quality | None
    """None without labels, and without the library that computes it."""
    quality_after: ranking_quality.Quality | None
    documents: int
    """How many documents there were to be found: those that have a vector on both sides."""
    alike: Rows
    """For each query the first that is the same, in content or bit for bit."""
    random_weights: bool = False
    """Whether the weights were drawn at random: then nothing is said and nothing forecast."""

    @cached_property
    def counted(self) -> Bools:
        """Which queries count: those that have lists on both sides and repeat no earlier one."""
        return self.agreement.usable & are_firsts(self.alike)

    @property
    def queries(self) -> int:
        """How many different queries have lists on both sides."""
        return int(self.counted.sum())

    @property
    def top1_changed(self) -> tuple[int, int]:
        """Queries whose first document is another: for certain, and with ties broken at worst."""
        return self._count(self.agreement.top1_changed)

    @property
    def order_changed(self) -> tuple[int, int]:
        """Queries with another document or another order among the first ones."""
        return self._count(self.agreement.order_changed)

    def mean(self, figure: str) -> tuple[float, float]:
        """Return the mean of overlap, jaccard, rbo or tau over queries, least and most."""
        values: Floats = getattr(self.agreement, figure)[self.counted]
        low, high = values.mean(axis=0) if len(values) else (1.0, 1.0)
        return float(low), float(high)

    @cached_property
    def expected_pairs(self) -> float:
        """How many neighbouring pairs are to be expected to change places."""
        return float(expected(self.margins).sum())

    @cached_property
    def forecast(self) -> Forecast | None:
        """What the same drift is to be expected to do in a larger corpus; None where unknown.

        With queries of their own, intervals held less often than they say.
        """
        if self.random_weights or self.sides.labelled:
            return None
        return forecast(self.margins, self.documents)

    @cached_property
    def differences(self) -> dict[str, ranking_quality.Difference]:
        """How much each measure by judgements changed; empty without any."""
        before, after = self.quality_before, self.quality_after
        if before is None or after is None:
            return {}
        names = ranking_quality.MEASURES
        return {name: ranking_quality.difference(before, after, name, self.alike) for name in names}

    def row_of(self, document: int) -> int:
        """Return the row in the pack of a document of the lists."""
        return int(self.sides.documents[document])

    def _count(self, changed: Bools) -> tuple[int, int]:
        certain, possible = changed[self.counted].sum(axis=0)
        return int(certain), int(possible)


def compare_retrieval(
    plan: Plan,
    before: Vectors,
    after: Vectors,
    lists: tuple[Neighbours, Neighbours] | None = None,
    tell: OnStage | None = None,
) -> Retrieval | None:
    """Hold the lists that one set of vectors gives against those of another; None without any.

    Both are texts x width; the widths may differ, where an index keeps fewer dimensions, and then
    margins are those of vectors filled up with zeros. Rows that have no direction in either are in
    no list.
    """
    sides = QueryDocSplit.of_plan(plan)
    there = with_direction(before) & with_direction(after)
    if lists is None:
        one, two = only(before, there), only(after, there)
        lists = sides.nearest(one, TOP + 1, tell), sides.nearest(two, TOP + 1, tell)
    width = max(before.shape[1], after.shape[1])
    one, two = (only(_wide(side, width), there) for side in (before, after))
    return compare_lists(plan, lists, sides.split(one), sides.split(two))


def compare_lists(
    plan: Plan,
    lists: tuple[Neighbours, Neighbours],
    before: tuple[Vectors, Vectors],
    after: tuple[Vectors, Vectors],
) -> Retrieval | None:
    """Hold lists against each other that were found already; None where no query has two.

    `before` and `after` are the queries and the documents that gave them.
    """
    agreed = agreement(*lists, TOP)
    if not agreed.usable.any():
        return None
    sides, labels = QueryDocSplit.of_plan(plan), plan.pack.labels
    judged = [
        ranking_quality.quality(one, labels, sides.documents)
        if labels and ranking_quality.available()
        else None
        for one in lists
    ]
    return Retrieval(
        sides,
        agreed,
        before=lists[0],
        after=lists[1],
        margins=margins(before, after, lists[0], TOP),
        quality_before=judged[0],
        quality_after=judged[1],
        alike=first_alike(
            np.asarray(plan.pack.firsts)[sides.queries], before[0], with_direction(before[0])
        ),
        documents=int((with_direction(before[1]) & with_direction(after[1])).sum()),
        random_weights=plan.random_weights,
    )


def batch_retrieval(
    results: Results, setting: SettingResults, size: int, pass_key: PassKey = FIRST
) -> Retrieval | None:
    """Return what batches of a size do to the lists of unbatched vectors; None without any."""
    pass_, baseline = setting.pass_of(size, pass_key), setting.unbatched
    if not pass_.count or not baseline.count:
        return None
    return _compared(
        results,
        (setting.number, 1, FIRST),
        (setting.number, size, pass_key),
        baseline,
        pass_,
    )


def worst_of_orders(
    results: Results, setting: SettingResults, size: int, compared: Compared = batch_retrieval
) -> tuple[PassKey, Retrieval] | None:
    """Return the order of the texts in which batches of a size change the most lists.

    Every order that was tried is looked at: drift that only one of them shows is drift. Of orders
    that change as many, the one that is to be expected to, and of those the first.
    """
    orders = [pass_key for pass_key, _, _ in setting.drifts(size)]
    found = [(order, compared(results, setting, size, order)) for order in orders]
    known = [(order, one) for order, one in found if one is not None]
    return max(known, key=lambda pair: harm(pair[1]), default=None)


def precision_retrieval(results: Results, setting: SettingResults) -> Retrieval | None:
    """Return how a setting's unbatched lists differ from the reference's; None without any."""
    reference, pass_ = results.reference, setting.unbatched
    width = pass_.vectors.shape[1]
    if not reference.done.any() or not pass_.count or width > reference.vectors.shape[1]:
        return None
    if width < reference.vectors.shape[1] and width != setting.setting.dimensions:
        return None
    return _compared(results, ("reference", width), (setting.number, 1, FIRST), reference, pass_)


def worst_of_batches(
    results: Results, setting: SettingResults, compared: Compared = batch_retrieval
) -> tuple[int, Retrieval] | None:
    """Return the batch size that changes the most lists, and the lists of its worst order.

    Of sizes that change as many, the one that is to be expected to, and of those the smallest.
    """
    found = [(size, worst_of_orders(results, setting, size, compared)) for size in setting.batched]
    known = [(size, one[1]) for size, one in found if one is not None]
    return max(known, key=lambda pair: harm(pair[1]), default=None)


def most_changed(*found: Retrieval | None) -> Retrieval | None:
    """Return the lists of which the largest share has another order; none of random weights."""
    known = [one for one in found if one is not None and not one.random_weights]
    return max(known, key=lambda one: one.order_changed[0] / max(one.queries, 1), default=None)


def harm(one: Retrieval) -> tuple[float, ...]:
    """Return what tells which of several comparisons changes more, as something to compare."""
    return (*one.order_changed, *one.top1_changed, one.expected_pairs)


Found = TypeVar("Found")


class KeptLists:
    """What was found for the passes of one run, each thing once.

    Threads that ask for the same wait for the one that searches it; others do not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Held to look something up, never while something is searched."""
        self._found: dict[Any, tuple[Any, Any]] = {}
        self._searched: dict[Any, threading.Lock] = {}
        self._needs: dict[Any, frozenset[Any]] = {}

    def get(self, key: Any, stamp: Any, make: Callable[[], Found]) -> Found:
        """Return what was made for a key, made anew where its stamp has changed."""
        with self._lock:
            searched = self._searched.setdefault(key, threading.Lock())
        _wait_for(searched)
        try:
            with self._lock:
                known = self._found.get(key)
            if known is None or known[0] != stamp:
                known = stamp, make()
                with self._lock:
                    self._found[key] = known
            return cast(Found, known[1])
        finally:
            searched.release()

    def need(self, key: Any, needed: frozenset[Any]) -> None:
        """Say which other keys one is made of; what none is made of any more is let go.

        A pass that grows has new lists with every batch, and nothing asks for the old ones again.
        """
        with self._lock:
            before = self._needs.get(key, frozenset())
            self._needs[key] = needed
            for one in before.difference(*self._needs.values()):
                self._found.pop(one, None)
                self._searched.pop(one, None)

    def __len__(self) -> int:
        return len(self._found)


def _wait_for(lock: threading.Lock) -> None:
    """Wait until a lock is free; who waits is told of, and may so end it."""
    tell = _told.get()
    while not lock.acquire(timeout=_PATIENCE):
        if tell is not None:
            tell(0.0)


_PATIENCE = 0.1
"""Seconds after which who waits for another's search may say that nobody waits any more."""
_runs: WeakKeyDictionary[Identity, KeptLists] = WeakKeyDictionary()
_runs_lock = threading.Lock()


def kept_of(results: Results) -> KeptLists:
    """Return what was found for a run so far."""
    with _runs_lock:
        return _runs.setdefault(results.identity, KeptLists())


def _compared(
    results: Results, one: Any, other: Any, before: Pass | ReferenceVectors, after: Pass
) -> Retrieval | None:
    kept = kept_of(results)

    def make() -> Retrieval | None:
        width = after.vectors.shape[1]
        first, second = before.vectors[:, :width], after.vectors
        there = _there(before, width) & _there(after, width)
        keys = [(side, there.tobytes()) for side in (one, other)]
        kept.need((one, other), frozenset(keys))

        def lists_of(key: Any, side: Pass | ReferenceVectors, vectors: Vectors) -> Neighbours:
            def search() -> Neighbours:
                return QueryDocSplit.of_plan(results.plan).nearest(only(vectors, there), TOP + 1)

            return kept.get(key, _stamp(side), search)

        lists = lists_of(keys[0], before, first), lists_of(keys[1], after, second)
        return compare_retrieval(results.plan, only(first, there), only(second, there), lists)

    return kept.get((one, other), (_stamp(before), _stamp(after)), make)


def _stamp(side: Pass | ReferenceVectors) -> int:
    return side.chunks if isinstance(side, ReferenceVectors) else side.batches


def _there(side: Pass | ReferenceVectors, width: int) -> Bools:
    return side.done & with_direction(side.vectors[:, :width])


def with_direction(vectors: Vectors) -> Bools:
    """Return which rows are finite and not zero."""
    return np.asarray(np.isfinite(vectors).all(axis=1) & vectors.any(axis=1), dtype=np.bool_)


def only(vectors: Vectors, there: Bools) -> Vectors:
    """Return vectors with NaN in the rows that shall be in no list."""
    if there.all():
        return vectors
    return np.where(there[:, None], vectors, np.nan).astype(vectors.dtype)


def _wide(vectors: Vectors, width: int) -> Vectors:
    return np.pad(vectors, ((0, 0), (0, width - vectors.shape[1])))
