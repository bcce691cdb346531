"""Vectors of today held against kept ones: what moved, how far, and would search notice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.changes import differing_settings, moved_between
from embedtui.assess.retrieval import RANDOM_WEIGHTS, TOP, compare_retrieval, only
from embedtui.assess.uncertainty import at_most, span_of
from embedtui.common.errors import InputError
from embedtui.common.wording import percent
from embedtui.measure import Distances, compare, join, largest_finite
from embedtui.measure.distances import Vectors
from embedtui.plan.plan import Plan
from embedtui.plan.scenarios import METRIC_NAMES, Scenario
from embedtui.results.results import Results, Rows, SettingResults


@dataclass(frozen=True)
class Golden:
    """One setting beside the one that was recorded."""

    setting: int
    label: str
    recorded: str
    """Label of the setting in the golden file."""
    texts: int
    identical: int
    worst: float
    """In the metric of the scenario; NaN where a vector of either cannot be judged."""
    l2_max: float
    holds: bool
    diagnosis: Diagnosis
    retrieval: str
    unsteady: int = 0
    """Texts that had the recorded bits at first and other ones when they were run again: kept
    vectors meet those of any run, so these count as moved."""

    def describe(self, use: Scenario) -> str:
        """Return what moved, whether it may, and why, in a few sentences."""
        if self.identical == self.texts:
            return f"golden vectors: all {self.texts} have the same bits as recorded"
        sign = "≤" if self.holds else ">"
        far = f"{METRIC_NAMES[use.metric]} {self.worst:.1e} {sign} {use.bound}"
        if use.bitwise:
            far = f"{METRIC_NAMES[use.metric]} up to {self.worst:.1e}, not the same bits"
        moved = self.texts - self.identical
        again = f", {self.unsteady} of them only when run again" if self.unsteady else ""
        return (
            f"golden vectors: {moved} of {self.texts} moved{again}, {far}; "
            f"{self.diagnosis.name}: {self.diagnosis.explanation}; {self.retrieval}"
        )


def compare_with(golden: Results, now: Results, use: Scenario) -> list[Golden]:
    """Hold every measured setting against the recorded one that is most like it.

    Raises:
        InputError: if the texts or the prompt are others, or the golden file holds no vectors.
    """
    for what, one, other in (
        ("texts", golden.plan.pack.sha256, now.plan.pack.sha256),
        ("prompt", _prompts(golden), _prompts(now)),
    ):
        if one != other:
            raise InputError(
                f"the golden file was recorded with another {what}: leave --texts and --prompt "
                "out, and the recorded ones are used"
            )
    recorded = [setting for setting in golden.settings if setting.unbatched.count]
    if not recorded:
        raise InputError("the golden file holds no vectors: record one with --record")
    return [
        _golden(golden, now, _most_alike(recorded, setting), setting, use)
        for setting in now.settings
        if setting.unbatched.count
    ]


def _prompts(run: Results) -> str | tuple[str, str | None]:
    return run.plan.prompt, run.plan.query_prompt


def _most_alike(recorded: list[SettingResults], setting: SettingResults) -> SettingResults:
    return min(
        recorded,
        key=lambda one: (len(differing_settings(one.setting, setting.setting)), one.number),
    )


def _golden(
    golden: Results, now: Results, before: SettingResults, after: SettingResults, use: Scenario
) -> Golden:
    pair = before.between(1, after)
    if pair is None or not len(pair[0]):
        was, width = (one.unbatched.vectors.shape[1] for one in (before, after))
        raise InputError(
            f"{after.setting.label}: vectors have {width} figures, the recorded ones {was}: "
            "it is another model, whose vectors cannot be compared"
        )
    rows, first = pair
    again = [
        compare(before.unbatched.vectors[rows[there]], one.vectors[rows[there]])
        for (size, key), one in after.passes.items()
        if size == 1 and key.kind == "repeat" and (there := one.done[rows]).any()
    ]
    every = join([first, *again])
    values = getattr(every, use.metric)
    whole = bool(np.isfinite(values).all())
    worst = float(values.max()) if whole else float("nan")
    same = bool(every.identical.all())
    largest = largest_finite(every.l2)
    unsteady = _unsteady(before, after, rows[first.identical])
    there = before.unbatched.done & after.unbatched.done
    return Golden(
        after.number,
        after.setting.label,
        before.setting.label,
        len(first),
        int(first.identical.sum()) - unsteady,
        worst,
        float("nan") if largest is None else largest,
        same or (whole and not use.bitwise and worst <= use.tolerance),
        _of_repeats(every)
        if unsteady and first.identical.all()
        else moved_between(golden, now, before, after, first),
        _retrieval(now.plan, *(only(one.unbatched.vectors, there) for one in (before, after))),
        unsteady,
    )


def _unsteady(before: SettingResults, after: SettingResults, rows: Rows) -> int:
    """Return how many of the texts have other bits than the recorded ones in any repeat."""
    kept = before.unbatched.vectors
    others = np.zeros(len(rows), dtype=np.bool_)
    for (size, key), one in after.passes.items():
        if size == 1 and key.kind == "repeat":
            others |= one.done[rows] & (one.vectors[rows] != kept[rows]).any(axis=1)
    return int(others.sum())


def _of_repeats(every: Distances) -> Diagnosis:
    """Return that vectors only stand as recorded in some of the runs."""
    return Diagnosis(
        "noise",
        "noise of running again",
        f"L2 {largest_finite(every.l2) or 0:.1e} at most between the recorded vectors and those of "
        "a repeat, none in the first run",
        "the same engine gives other bits when it is run again",
        "certain",
        "compare with a tolerance, not bit for bit",
    )


def _retrieval(plan: Plan, before: Vectors, after: Vectors) -> str:
    """Say whether the nearest neighbours of the texts are still the same."""
    if plan.random_weights:
        return RANDOM_WEIGHTS
    found = compare_retrieval(plan, before, after)
    if found is None:
        return "no text has a neighbour"
    labelled = found.sides.labelled
    k = min(TOP, found.documents - (not labelled))
    what = "queries" if labelled else "texts"
    first, (order, possible), count = found.top1_changed[0], found.order_changed, found.queries
    if not possible:
        return (
            f"retrieval would not notice: the {k} nearest neighbours of all {count} {what} are the "
            f"same (at most {at_most(count)} of such {what} would change, with 95 % confidence)"
        )
    return (
        f"retrieval would notice: {first} of {count} {what} have another nearest neighbour, "
        f"{order} another order within the {k} nearest: {percent(order, count)} "
        f"({span_of(order, count, possible)})"
    )
