"""A check: does what was measured hold for a use, and do kept vectors still stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.confidence import claim
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.finding import Finding
from embedtui.assess.findings import Faults, all_faults, find
from embedtui.assess.golden import Golden, compare_with
from embedtui.assess.tolerance import Verdicts, judge
from embedtui.plan.scenarios import Scenario
from embedtui.results.results import Results, SettingResults

Outcome = Literal["holds", "falls short", "fault", "failed"]

_TOLD = {"none", "noise", "rounding-order"}
"""Causes that belong to drift which is judged anyway."""


@dataclass(frozen=True)
class CheckResult:
    """One setting and what came of its check."""

    setting: SettingResults
    outcome: Outcome
    verdicts: Verdicts
    summary: str
    """Why, in a sentence or two."""
    orders: int
    """Random orders of the texts that went through the largest batches."""
    cause: Diagnosis | None
    golden: Golden | None

    @property
    def label(self) -> str:
        """The setting's name."""
        return self.setting.setting.label


@dataclass(frozen=True)
class Check:
    """Everything that one run was checked for."""

    results: Results
    use: Scenario
    confidence: float
    settings: tuple[CheckResult, ...]
    warnings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of any setting."""
        order: tuple[Outcome, ...] = ("failed", "fault", "falls short")
        found = {one.outcome for one in self.settings}
        return next((one for one in order if one in found), "holds")


def check(
    results: Results, use: Scenario, *, confidence: float, golden: Results | None = None
) -> Check:
    """Judge a run for a use, and against recorded vectors where there are some.

    Faults come first: where there is one, no distance means anything, and it is told as itself.

    Raises:
        InputError: if the recorded vectors are not of the same texts.
    """
    faults = all_faults(results)
    compared = {one.setting: one for one in compare_with(golden, results, use)} if golden else {}
    settings = tuple(
        _checked(results, setting, use, confidence, faults, compared.get(setting.number))
        for setting in results.settings
    )
    warnings = tuple(
        one for one in find(results, faults) if one.severity == "warning" and one.kind != "failed"
    )
    left_out = tuple(
        Finding("skipped", "warning", f"{label} was not checked: {reason}")
        for label, reason in results.plan.skipped
    )
    return Check(results, use, confidence, settings, (*warnings, *left_out))


def _checked(
    results: Results,
    setting: SettingResults,
    use: Scenario,
    confidence: float,
    faults: Faults,
    golden: Golden | None,
) -> CheckResult:
    verdicts = judge(results, setting, use)
    found = diagnose(results, setting, faults[setting.number]) if setting.passes else []
    cause = next((one for one in found if one.cause not in _TOLD), None)
    draws = sum(
        size == max(setting.batched, default=0) and pass_key.kind == "shuffle"
        for size, pass_key in setting.passes
    )
    outcome, said = _outcome(
        setting, verdicts, use, confidence, draws, faults[setting.number], found
    )
    if (
        outcome == "holds"
        and results.plan.reference
        and setting.largest_error(results.reference) is None
    ):
        why = results.reference.reason or "no text has a float64 reference to be held against"
        outcome, said = "failed", f"{said}; the error against float64 was not measured: {why}"
    if golden is not None and outcome in {"holds", "falls short"}:
        outcome = outcome if golden.holds else "falls short"
        said = f"{said}; {golden.describe(use)}"
    return CheckResult(setting, outcome, verdicts, said, draws, cause, golden)


def _outcome(
    setting: SettingResults,
    verdicts: Verdicts,
    use: Scenario,
    confidence: float,
    draws: int,
    faults: Sequence[Finding],
    found: Sequence[Diagnosis],
) -> tuple[Outcome, str]:
    if faults:
        return "fault", faults[0].message
    if setting.status != "finished":
        return "failed", setting.reason or setting.status
    what = "batch drift" if verdicts.binding == "consistent" else "distance from float64"
    decisive = verdicts.decisive
    if decisive.outcome == "not measured":
        return "failed", decisive.reason or "nothing batched was measured"
    if decisive.outcome == "holds":
        return "holds", f"{what} {decisive.summary(use)}; {claim(confidence, draws)}"
    why = next((f"; cause: {one.name}" for one in found if one.cause not in {"none"}), "")
    orders = f", in {setting.orders} orders" if setting.orders > 1 else ""
    return "falls short", f"{what} {decisive.summary(use)}{orders}{why}"
