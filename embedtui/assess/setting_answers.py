"""What one look tells of one setting: does it drift, is it exact, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedtui.assess.answers import Answer, Entry, State
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.noise import brief_effect
from embedtui.assess.retrieval import RANDOM_WEIGHTS, TOP, Retrieval
from embedtui.assess.tolerance import Outcome, Verdict, judge
from embedtui.common.wording import percent, text_count
from embedtui.plan.scenarios import METRIC_NAMES, Scenario
from embedtui.results.results import SettingResults
from embedtui.results.usual_error import BEYOND, usual_error

STATES: dict[Outcome, State] = {
    "holds": "good",
    "borderline": "open",
    "falls short": "bad",
    "no limit": "open",
    "not measured": "open",
}


@dataclass(frozen=True)
class SettingAnswers:
    """One setting in three lines."""

    drift: Answer
    exact: Answer
    why: Answer


def answer_setting(entry: Entry, use: Scenario, causes: Sequence[Diagnosis]) -> SettingAnswers:
    """Answer for one setting, from what was measured of it so far."""
    setting = entry.setting
    if entry.fault:
        fault = f"{entry.label}: fault: {entry.fault}"
        means = "no distance means anything until that is fixed"
        return _alike(("bad", fault), ("open", means), ("open", _why(entry, causes)))
    if not setting.unbatched.count:
        reason = setting.reason or "not yet"
        failed: State = "bad" if setting.status in {"failed", "refused"} else "open"
        return _alike(
            (failed, f"{entry.label}: not measured: {reason}"),
            ("open", "not measured"),
            ("open", "not measured"),
        )
    verdicts = entry.verdicts or judge(entry.results, setting, use)
    drift, exact = verdicts.consistent, verdicts.exact
    said = _drift(entry, drift, use) + _so_far(entry)
    return _alike(
        (STATES[drift.outcome], f"{entry.label}: {said}"),
        (STATES[exact.outcome], _exact(entry, exact, use)),
        ("open", _why(entry, causes)),
    )


def _alike(
    drift: tuple[State, str], exact: tuple[State, str], why: tuple[State, str]
) -> SettingAnswers:
    return SettingAnswers(Answer("DRIFT", *drift), Answer("EXACT", *exact), Answer("WHY", *why))


def _drift(entry: Entry, one: Verdict, use: Scenario) -> str:
    setting = entry.setting
    if one.outcome == "not measured":
        if not setting.batched:
            return "not measured in batches" + ("" if _is_over(entry) else " yet")
        return f"not measured{': ' if one.reason else ''}{one.reason}"
    where = _where(setting)
    if one.identical:
        same = f"none{where}: {text_count(one.texts)} identical"
        return same + (f", but {_again(one, use)}" if one.again else "")
    if one.noise:
        return f"none beyond noise{where}: {_far(one, use)} at most, as when run again"
    return _beside_limit(one, use, brief_effect(setting)) + _lists(entry.lists)


def _exact(entry: Entry, one: Verdict, use: Scenario) -> str:
    if one.outcome == "not measured":
        if one.reason:
            return f"not measured: {one.reason}"
        return "not measured" + ("" if _is_over(entry) else " yet")
    if one.reason:
        return f"{_far(one, use)} from float64: {one.reason}"
    if one.identical:
        return "identical to float64"
    return _beside_limit(one, use, "") + _lists(entry.error_lists)


def _beside_limit(one: Verdict, use: Scenario, effect: str) -> str:
    far = f"{_far(one, use)}{effect}"
    match one.outcome:
        case "holds":
            return f"within the limit: {far}"
        case "borderline":
            return f"borderline: {far}; another {text_count(one.texts)} may exceed the limit"
        case "no limit":
            return f"{far}; {use.name.lower()} sets no limit"
        case _ if use.bitwise:
            return f"not identical: {far}"
        case _ if one.worst <= use.tolerance:
            return f"{far}, but {_again(one, use)}"
        case _:
            return f"{far}, {_times(one.worst / use.tolerance)} the limit"


def _far(one: Verdict, use: Scenario) -> str:
    return f"{METRIC_NAMES[use.metric]} {one.worst:.1e}"


def _again(one: Verdict, use: Scenario) -> str:
    return f"{METRIC_NAMES[use.metric]} {one.again:.1e} when run again"


def _times(factor: float) -> str:
    return (
        f"{factor:.1f}×" if factor < 10 else f"{factor:.0f}×" if factor < 1e5 else f"{factor:.0e}×"
    )


def _where(setting: SettingResults) -> str:
    sizes = setting.batched
    span = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
    orders = f", {setting.orders} orders" if setting.orders > 1 else ""
    return f" at batch size {span}{orders}"


def _lists(found: Retrieval | None) -> str:
    """Say what a search would notice, once that is known."""
    if found is None:
        return ""
    if found.random_weights:
        return f"; {RANDOM_WEIGHTS}"
    changed, top1 = found.order_changed[0], found.top1_changed[0]
    said = f"; top-{TOP} order changed: {percent(changed, found.queries)}"
    return said + (f", top-1 changed: {top1}" if top1 else "")


def _so_far(entry: Entry) -> str:
    setting = entry.setting
    if setting.status == "finished":
        return ""
    how = " so far" if setting.status == "running" else f", {setting.status}"
    return f" · {setting.unbatched.count} of {len(entry.results.plan.pack)} texts{how}"


def _is_over(entry: Entry) -> bool:
    return entry.results.status != "running"


def _why(entry: Entry, causes: Sequence[Diagnosis]) -> str:
    """Name the causes; without any, say whether the error is the dtype's usual one."""
    told = [one for one in causes if one.cause != "none"]
    if told:
        return "; also ".join(_cause(one) for one in told)
    error = entry.setting.largest_error(entry.results.reference)
    if entry.fault or error is None:
        return "no drift to explain" if causes else "not known"
    said = "no drift; " if causes else ""
    dtype = entry.setting.effective.dtype or "the dtype"
    if error <= BEYOND * usual_error(entry.setting):
        return f"{said}an error of {dtype}'s usual size (L2 {error:.1e})"
    return f"{said}an error larger than {dtype}'s usual one (L2 {error:.1e})"


def _cause(one: Diagnosis) -> str:
    fix = "" if one.fix.startswith("nothing") else f"; fix: {one.fix}"
    return f"{one.name}, {one.confidence}{fix}; seen: {one.evidence}"
