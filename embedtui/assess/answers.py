"""The three answers that one look must give: does it drift, does it matter, what to serve with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from embedtui.assess.noise import brief_effect, is_noise
from embedtui.assess.retrieval import RANDOM_WEIGHTS, Retrieval
from embedtui.assess.tolerance import ToleranceResult, judge
from embedtui.common.wording import percent
from embedtui.engine.serve_command import serve_command
from embedtui.measure import largest_finite
from embedtui.plan.plan import FIRST
from embedtui.plan.scenarios import METRIC_NAMES, Metric, Scenario
from embedtui.results.results import Results, SettingResults

State = Literal["good", "bad", "open"]

ABOUT_EQUAL = 1.25
"""Speeds within this factor of the best are not told apart: the next run may turn them round."""


@dataclass(frozen=True)
class Entry:
    """A setting as a screen lists it; several runs may stand side by side."""

    label: str
    results: Results
    setting: SettingResults
    fault: str = ""
    """What makes its distances meaningless, where something does."""
    lists: Retrieval | None = None
    """What its worst batches do to lists of neighbours, once that is known."""


@dataclass(frozen=True)
class Answer:
    """One question answered in one line."""

    question: str
    state: State
    text: str


@dataclass(frozen=True)
class Answers:
    """What a person wants to know at one look."""

    drift: Answer
    matters: Answer
    serve: Answer
    command: str = ""
    """What to start the recommended setting with; empty where nothing can be recommended."""
    recommended: int | None = None
    """Place of the recommended entry."""


def answer(entries: Sequence[Entry], use: Scenario, metric: Metric) -> Answers:
    """Answer from what was measured so far, and from nothing else."""
    judged = [(entry, judge(entry.setting, use)) for entry in entries]
    chosen = _cheapest(judged)
    serve, command = _serve(judged, chosen)
    return Answers(
        Answer("Does it drift?", *_drift(judged, metric)),
        Answer("Does it matter?", *_matters(judged, use)),
        Answer("Serve with", *serve),
        command,
        None if chosen is None else list(entries).index(chosen),
    )


def largest_drift(setting: SettingResults, metric: Metric) -> float | None:
    """Return the largest drift at any batch size; 0 for equal bits, None for nothing measured."""
    found = (
        largest_finite(getattr(setting.drift_in_any_order(size), metric))
        for size in setting.batched
    )
    return max((one for one in found if one is not None), default=None)


def fastest(setting: SettingResults) -> tuple[int, float] | None:
    """Return the batch size that gave the most texts per second, and how many.

    A batch size of which a part is still to come counts only while none is through: the first
    batches of a pass may be shorter texts than the rest.
    """
    speeds = [
        (one.count == len(one.done), speed, size)
        for (size, pass_key), one in setting.passes.items()
        if pass_key == FIRST and (speed := one.texts_per_second) is not None
    ]
    if not speeds:
        return None
    _, speed, size = max(speeds)
    return size, speed


def model_of(results: Results) -> str:
    """Return what tells a run's model: errors of different models are no ranks of one list."""
    return results.plan.model_hash or results.plan.model


_Judged = Sequence[tuple[Entry, ToleranceResult]]


def _drift(judged: _Judged, metric: Metric) -> tuple[State, str]:
    faulty = [entry for entry, _ in judged if entry.fault]
    if faulty:
        return "bad", f"fault in {_names(faulty)}: {faulty[0].fault}"
    known = [(entry, one) for entry, one in judged if one.holds is not None]
    if not known:
        return "open", "not measured yet"
    still = [entry for entry, one in known if one.identical and not one.again]
    unsteady = [entry for entry, one in known if one.identical and one.again]
    noisy = [entry for entry, one in known if not one.identical and is_noise(entry.setting)]
    moving = [
        (drift, entry)
        for entry, one in known
        if not one.identical and entry not in noisy
        if (drift := largest_drift(entry.setting, metric)) is not None
    ]
    said = [
        f"{entry.label} {drift:.1e}{brief_effect(entry.setting)}"
        for drift, entry in sorted(moving, key=_first)[::-1]
    ]
    said += [f"{_names(noisy)} within noise"] if noisy else []
    said += [f"{_names(still)} identical to the bit"] if still else []
    said += [f"{_names(unsteady)} identical, but not when run again"] if unsteady else []
    head = f"yes, {METRIC_NAMES[metric]} up to: " if moving else "no: "
    return ("bad" if moving else "good"), head + " · ".join(said)


def _matters(judged: _Judged, use: Scenario) -> tuple[State, str]:
    told = [(entry, one) for entry, one in judged if one.holds is not None]
    head = f"{use.short} bears {use.limit}"
    if not told:
        return "open", head
    failing = [(entry, one) for entry, one in told if not one.holds]
    holding = [entry for entry, one in told if one.holds]
    said = [f"✗ {entry.label} {one.worst:.1e}" for entry, one in failing]
    said += [f"✔ {_names(holding)}"] if holding else []
    found = _lists([entry for entry, _ in told])
    return ("bad" if failing else "good"), f"{found}{head}: {' · '.join(said)}"


def _lists(entries: Sequence[Entry]) -> str:
    """Say of which setting a search would notice most; nothing before that is known."""
    trained = [entry for entry in entries if not entry.results.plan.random_weights]
    known = [(entry, entry.lists) for entry in trained if entry.lists is not None]
    if not known:
        return "" if trained or not entries else f"{RANDOM_WEIGHTS}; "
    entry, worst = max(known, key=lambda pair: pair[1].order_changed)
    if not worst.order_changed[0]:
        return "no list changes; "
    order = percent(worst.order_changed[0], worst.queries)
    top1 = f", {worst.top1_changed[0]} other top 1" if worst.top1_changed[0] else ""
    return f"{entry.label}: {order} other top 10{top1}; "


def _cheapest(judged: _Judged) -> Entry | None:
    """Return the fastest setting that holds.

    Of about equally fast ones the most precise, and of those about equally precise the fastest. One
    whose precision was not measured is not taken for the most precise.
    """
    able = []
    for entry, one in judged:
        speed = fastest(entry.setting)
        setting = entry.setting.setting
        served = setting.is_server or serve_command(setting, 1)
        if one.holds and speed and not entry.fault and served:
            able.append((speed[1], entry))
    if not able:
        return None
    best = max(speed for speed, _ in able)
    near = [(speed, entry) for speed, entry in able if speed * ABOUT_EQUAL >= best]
    if len({model_of(one.results) for _, one in near}) > 1:
        return max(near, key=_first)[1]  # each is held against float64 of its own
    errors = [one.setting.largest_error(one.results.reference) for _, one in near]
    least = min((error for error in errors if error is not None), default=None)
    precise = [
        pair
        for pair, error in zip(near, errors, strict=True)
        if least is None or (error is not None and error <= ABOUT_EQUAL * least)
    ]
    return max(precise, key=_first)[1]


def _serve(judged: _Judged, chosen: Entry | None) -> tuple[tuple[State, str], str]:
    if not any(one.holds is not None for _, one in judged):
        return ("open", "press run to measure"), ""
    if chosen is None:
        return ("bad", "none of the measured settings holds: try float32 or another scenario"), ""
    found = fastest(chosen.setting)
    assert found is not None
    size, speed = found
    said = f"{chosen.label}: {speed:.0f} texts/s at batch size {size}"
    error = chosen.setting.largest_error(chosen.results.reference)
    if error is not None:
        said += f", L2 {error:.1e} from the float64 reference"
    elif chosen.results.reference.reason:
        said += ", its error not measured"
    if chosen.setting.status == "running":
        said += ", so far"
    pooling = chosen.setting.effective.pooling
    return ("good", said), serve_command(chosen.setting.setting, size, pooling=pooling) or ""


def _first(pair: tuple[float, Entry]) -> float:
    return pair[0]


def _names(entries: Sequence[Entry]) -> str:
    return ", ".join(entry.label for entry in entries)
