"""What to serve a model with, of the settings that were measured with one set of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from embedtui.assess.retrieval import Retrieval
from embedtui.assess.tolerance import Verdict, Verdicts, judge
from embedtui.assess.uncertainty import span_of
from embedtui.common.wording import percent
from embedtui.engine.serve_command import serve_command
from embedtui.engine.settings import changed
from embedtui.measure import largest_finite
from embedtui.measure.intervals import Spread, about_equal
from embedtui.plan.scenarios import Metric, Scenario
from embedtui.results.results import Results, SettingResults
from embedtui.results.speeds import fastest

State = Literal["good", "bad", "open"]

ABOUT_EQUAL = 1.25
"""Errors within this factor of the least are not told apart: other texts may turn them round."""


@dataclass(frozen=True)
class Entry:
    """A setting as a screen lists it; those of one answer have one model and the same texts."""

    label: str
    results: Results
    setting: SettingResults
    fault: str = ""
    """What makes its distances meaningless, where something does."""
    lists: Retrieval | None = None
    """What its worst batches do to lists of neighbours, once that is known."""
    error_lists: Retrieval | None = None
    """What its precision error does to them."""
    verdicts: Verdicts | None = None
    """Where they are known already, for the use that is answered for."""


@dataclass(frozen=True)
class Answer:
    """One question answered in one line."""

    question: str
    state: State
    text: str


@dataclass(frozen=True)
class Answers:
    """What of a model's settings can be recommended."""

    serve: Answer
    command: str = ""
    """What to start the recommended setting with; empty where nothing can be recommended."""
    recommended: int | None = None
    """Place of the recommended entry."""


def answer(entries: Sequence[Entry], use: Scenario) -> Answers:
    """Recommend by what was measured so far, and by nothing else."""
    judged = [
        _Judged(
            entry,
            entry.verdicts or judge(entry.results, entry.setting, use),
            fastest(entry.setting),
        )
        for entry in entries
    ]
    chosen = _recommended(judged)
    serve, command = _serve(judged, chosen)
    place = None if chosen is None else judged.index(chosen)
    return Answers(Answer("SERVE", *serve), command, place)


def headline(
    verdicts: Verdicts, use: Scenario, lists: Retrieval | None, exact: Retrieval | None
) -> str:
    """Say both verdicts in one line, with what a search would notice of those that do not hold."""
    parts = [
        said
        for one, found, what in (
            (verdicts.consistent, lists, "unbatched ones"),
            (verdicts.exact, exact, "float64's"),
        )
        if one.outcome in {"falls short", "borderline"}
        and (said := one.reason or _noticed(one, found, what, use))
    ]
    return ": ".join([verdicts.both(), "; ".join(parts)]) if parts else verdicts.both()


def undecided(results: Results, setting: SettingResults, verdicts: Verdicts) -> str:
    """Say why the question that decides has no answer, and what to do.

    Empty where it has one, and while it may still get one.
    """
    one = verdicts.decisive
    going_on = "running" in {setting.status, results.status}
    if one.outcome != "not measured" or going_on or not setting.unbatched.count:
        return ""
    if verdicts.binding == "consistent":
        why = one.reason or "no batches to hold against texts alone: give a batch size above 1"
        return f"undecided: batch drift decides, and was not measured: {why}"
    why = one.reason or "no text has a float64 vector"
    if not results.plan.reference:
        server = "give --against with the server's model"
        why += f": {server if setting.setting.is_server else 'run it again with the reference'}"
    return f"undecided: the distance from float64 decides, and was not measured: {why}"


def _noticed(one: Verdict, lists: Retrieval | None, what: str, use: Scenario) -> str:
    """Say which share of lists is another; where that is not known, how far vectors are."""
    if lists is None or lists.random_weights or use.bitwise or not lists.order_changed[0]:
        return one.summary(use)
    certain, possible = lists.order_changed
    share, span = percent(certain, lists.queries), span_of(certain, lists.queries, possible)
    return f"{share} of top-10 orders differ from {what} ({span})"


def largest_drift(setting: SettingResults, metric: Metric) -> float | None:
    """Return the largest drift at any batch size; 0 for equal bits, None for nothing measured."""
    found = (
        largest_finite(getattr(setting.drift_in_any_order(size), metric))
        for size in setting.batched
    )
    return max((one for one in found if one is not None), default=None)


def model_of(results: Results) -> str:
    """Return what tells a run's model: errors of different models are no ranks of one list."""
    return results.plan.model_hash or results.plan.model


@dataclass(frozen=True, eq=False)
class _Judged:
    """A setting, what a use makes of it, and how fast it is."""

    entry: Entry
    verdicts: Verdicts
    fastest: tuple[int, Spread] | None
    """The most texts that a step held at the fastest batch size, and its speed."""

    @property
    def speed(self) -> float:
        """Texts per second there; 0 where nothing was timed."""
        return self.fastest[1].median if self.fastest else 0.0

    @property
    def may_serve(self) -> bool:
        """Whether it may be recommended.

        An error that was asked for and could not be measured never counts as good.
        """
        setting, exact = self.entry.setting, self.verdicts.exact
        asked = self.entry.results.plan.reference
        unknown = asked and not exact.texts and setting.status == "finished"
        served = setting.setting.is_server or serve_command(setting.setting, 1) is not None
        return self.verdicts.fits and served and not self.entry.fault and not unknown

    @property
    def is_both(self) -> bool:
        """Whether it is consistent and exact."""
        verdicts = self.verdicts
        return {verdicts.consistent.outcome, verdicts.exact.outcome} == {"holds"}

    @property
    def switches(self) -> int:
        """What has to be set beside the dtype."""
        return sum(switch.key != "dtype" for switch, _ in changed(self.entry.setting.setting))


def _recommended(judged: Sequence[_Judged], *, exact: bool = False) -> _Judged | None:
    """Return the fastest setting that fits, with `exact` of those that are consistent and exact.

    Of about equally fast ones that with the fewest switches; of those the nearest to float64, of
    which one whose error was not measured is not taken for the nearest.
    """
    able = [
        (one.fastest[1], one)
        for one in judged
        if one.fastest and one.may_serve and (one.is_both or not exact)
    ]
    if not able:
        return None
    best = max((speed for speed, _ in able), key=lambda speed: speed.median)
    near = [one for speed, one in able if about_equal(speed, best)]
    fewest = min(one.switches for one in near)
    near = [one for one in near if one.switches == fewest]
    known = [one for one in near if one.verdicts.exact.texts]
    if known:
        least = min(one.verdicts.exact.worst for one in known)
        near = [one for one in known if one.verdicts.exact.worst <= ABOUT_EQUAL * least]
    return max(near, key=lambda one: one.speed)


def _serve(judged: Sequence[_Judged], chosen: _Judged | None) -> tuple[tuple[State, str], str]:
    if not any(one.verdicts.decisive.judged for one in judged):
        why = (undecided(one.entry.results, one.entry.setting, one.verdicts) for one in judged)
        return ("open", next(filter(None, why), "not measured yet")), ""
    if chosen is None:
        return _nothing_to_serve(judged), ""
    assert chosen.fastest is not None
    held, speed = chosen.fastest
    setting = chosen.entry.setting
    once = " in one pass" if speed.passes == 1 else ""
    said = (
        f"{chosen.entry.label}: {speed.median:.0f} texts/s{once} at batch size {held}, "
        f"{chosen.verdicts.both()}"
    )
    if setting.status == "running":
        said += ", so far"
    said += _not_told_apart(judged, chosen) + _also_exact(judged, chosen)
    pooling = setting.effective.pooling
    return ("good", said), serve_command(setting.setting, held, pooling=pooling) or ""


def _not_told_apart(judged: Sequence[_Judged], chosen: _Judged) -> str:
    """Say which setting was faster here, by so little that another run may turn it round."""
    best = max((one for one in judged if one.may_serve), key=lambda one: one.speed, default=chosen)
    if best.speed <= chosen.speed:
        return ""
    return f"; these timings do not tell {best.entry.label} apart from it ({best.speed:.0f})"


def _also_exact(judged: Sequence[_Judged], chosen: _Judged) -> str:
    """Say what else to serve with where vectors have to be exact as well."""
    best = None if chosen.is_both else _recommended(judged, exact=True)
    if best is None or best.fastest is None:
        return ""
    return f" | also exact: {best.entry.label} {best.fastest[1].median:.0f} texts/s"


def _nothing_to_serve(judged: Sequence[_Judged]) -> tuple[State, str]:
    """Say why nothing can be recommended."""
    holding = [one for one in judged if one.verdicts.outcome == "holds" and not one.entry.fault]
    near = [one.entry for one in judged if one.verdicts.outcome == "borderline"]
    if holding:
        return "bad", f"nothing: {_why_not(holding)}"
    if near:
        return "open", f"nothing for sure: {_names(near)} borderline; more texts decide"
    return "bad", "none of the measured settings holds: try float32 or another use"


def _why_not(holding: Sequence[_Judged]) -> str:
    """Say why a setting that holds is not recommended."""
    for one in holding:
        exact = one.verdicts.exact
        if exact.reason and not exact.texts:
            return f"the error against float64 was not measured: {exact.reason}"
        if exact.reason:
            return f"{one.entry.label}: {exact.reason}"
    return "what holds is a what-if that no server can be asked for"


def _names(entries: Sequence[Entry]) -> str:
    return ", ".join(entry.label for entry in entries)
