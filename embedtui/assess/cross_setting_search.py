"""An index of documents of one setting, asked with queries of another: what search lives with.

A corpus is embedded once, in large batches, by the server of that day; queries come for years, one
by one, from whatever is served then. Both settings may be good, and their vectors still not mix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.assess.retrieval import (
    RANDOM_WEIGHTS,
    TOP,
    QueryDocSplit,
    Retrieval,
    compare_lists,
    only,
    with_direction,
)
from embedtui.assess.uncertainty import at_most, span_of
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.common.wording import percent
from embedtui.measure import Distances, compare
from embedtui.measure.distances import Vectors
from embedtui.results.results import Results, SettingResults


@dataclass(frozen=True, eq=False)
class Side:
    """Vectors of one setting in batches of one size."""

    results: Results
    setting: SettingResults
    batch_size: int

    @property
    def label(self) -> str:
        """The setting, and what its batches held."""
        how = "alone" if self.batch_size == 1 else f"@{self.batch_size}"
        return f"{self.setting.setting.label} {how}"

    @property
    def vectors(self) -> Vectors:
        """Texts x width; NaN for texts that were not embedded."""
        pass_ = self.setting.pass_of(self.batch_size)
        return only(pass_.vectors, pass_.done)


@dataclass(frozen=True, eq=False)
class Mixed:
    """Lists of an index of one side asked by the other, against the lists of each alone."""

    index: Side
    queries: Side
    drift: Distances
    """How far the vectors of the same texts are apart."""
    against_index: Retrieval
    """From all vectors of the index's side, to its documents asked by the other's queries."""
    against_queries: Retrieval
    """From all vectors of the queries' side, to its queries asking the other's documents."""


def side_of(results: Results, which: str, *, batched: bool) -> Side:
    """Return the side that `which` names: a setting, and after @ a batch size.

    A setting is its number in the run, from 1, or its label with commas for what is between its
    parts; it may be left out in a run of one. Without a size the largest batches, or no batches.

    Raises:
        InputError: if the run has no such setting or batch size.
    """
    name, _, size = which.partition("@")
    known = {_key(setting): setting for setting in results.settings if setting.unbatched.count}
    numbered = {str(setting.number + 1): setting for setting in known.values()}
    listed = ", ".join(f"{n} {label}" for n, label in zip(numbered, known, strict=True))
    if not name and len(known) == 1:
        name = next(iter(known))
    setting = known.get(_plain(name)) or numbered.get(name)
    if setting is None:
        raise InputError(
            f"the run has no setting '{printable(name, 60)}'{suggest(_plain(name), known)}: "
            f"give one of {printable(listed, 600)}"
        )
    sizes = [1, *setting.batched]
    chosen = sizes[-1] if batched else 1
    if size:
        if not size.isdecimal() or int(size) not in sizes:
            raise InputError(
                f"{setting.setting.label} was not measured at '{printable(size, 20)}': "
                f"give a batch size of {', '.join(map(str, sizes))}"
            )
        chosen = int(size)
    return Side(results, setting, chosen)


def mix(index: Side, queries: Side) -> Mixed:
    """Ask an index of one side with queries of the other.

    Raises:
        InputError: if the two are of other models or texts, or nothing can be compared.
    """
    one, two = index.results.plan, queries.results.plan
    for what, before, after in (
        ("model", one.model_hash, two.model_hash),
        ("texts", one.pack.sha256, two.pack.sha256),
        ("prompts", one.inputs, two.inputs),
    ):
        if before != after:
            raise InputError(f"the two differ in their {what}: vectors of such do not mix")
    stored, asked = index.vectors, queries.vectors
    if stored.shape != asked.shape:
        raise InputError("vectors of different widths cannot be searched in one index")
    there = with_direction(stored) & with_direction(asked)
    if not there.any():
        raise InputError("no text has vectors on both sides")
    stored, asked = only(stored, there), only(asked, there)
    sides = QueryDocSplit.of_plan(one)
    pure_index, pure_queries = sides.nearest(stored, TOP + 1), sides.nearest(asked, TOP + 1)
    mixed = sides.nearest_mixed(asked, stored, TOP + 1)
    together = sides.split(asked)[0], sides.split(stored)[1]
    to_index = compare_lists(one, (pure_index, mixed), sides.split(stored), together)
    to_queries = compare_lists(one, (pure_queries, mixed), sides.split(asked), together)
    if to_index is None or to_queries is None:
        raise InputError("too few texts have vectors on both sides to be searched")
    rows = np.flatnonzero(there)
    return Mixed(index, queries, compare(asked[rows], stored[rows]), to_index, to_queries)


def describe(one: Mixed) -> str:
    """Say what the mixture does to a search, against its index alone."""
    found = one.against_index
    if found.random_weights:
        return RANDOM_WEIGHTS
    (top1, _), (order, possible), count = found.top1_changed, found.order_changed, found.queries
    nouns = "queries" if found.sides.labelled else "texts"
    if not possible:
        return (
            f"the two mix: all {count} {nouns} find what they would find in either alone (at most "
            f"{at_most(count)} of such {nouns} would not, with 95 % confidence)"
        )
    return (
        f"{top1} of {count} {nouns} find another first document than with queries of the "
        f"index's own setting, {order} another order in the top {TOP}: {percent(order, count)} "
        f"({span_of(order, count, possible)})"
    )


def _key(setting: SettingResults) -> str:
    return _plain(setting.setting.label)


def _plain(label: str) -> str:
    return ",".join(part.strip() for part in label.replace("·", ",").split(","))
