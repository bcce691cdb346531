"""A check: does what was measured hold for a use, and do kept vectors still stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from embedtui.assess.answer_cache import cached_in_words
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.confidence import RandomOrders, claim, fallen_short, random_orders
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.finding import Finding
from embedtui.assess.findings import Faults, all_faults, find
from embedtui.assess.golden import Golden, compare_with
from embedtui.assess.noise import is_open
from embedtui.assess.tolerance import Verdicts, judge
from embedtui.common.wording import text_count
from embedtui.plan.scenarios import Scenario
from embedtui.results.mismatch import text_errors
from embedtui.results.results import Results, SettingResults

Outcome = Literal["holds", "inconclusive", "falls short", "fault", "failed"]
"""From the best to the worst. Inconclusive is what was measured but cannot decide."""

_WORST_FIRST: tuple[Outcome, ...] = ("failed", "fault", "falls short", "inconclusive")
_TOLD = {"none", "noise", "rounding-order"}
"""Causes that belong to drift which is judged anyway."""
_NOT_OF_VECTORS = {"cached"}
"""Faults of how vectors came, which say nothing against them."""


def worst_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of several outcomes; `holds` where there are none."""
    found = set(outcomes)
    return next((one for one in _WORST_FIRST if one in found), "holds")


@dataclass(frozen=True)
class CheckResult:
    """One setting and what came of its check."""

    setting: SettingResults
    outcome: Outcome
    verdicts: Verdicts
    summary: str
    """Why, in a sentence or two."""
    random_orders: tuple[RandomOrders, ...]
    """The random orders that the texts went through, by batch size."""
    cause: Diagnosis | None
    golden: Golden | None

    @property
    def label(self) -> str:
        """The setting's name."""
        return self.setting.setting.label

    @property
    def claims_orders(self) -> bool:
        """Whether it holds in random orders, of which something is claimed then."""
        return self.outcome == "holds" and self.verdicts.binding == "consistent"

    @property
    def orders(self) -> int:
        """Random orders that every batch size was tried in, at least."""
        return min((one.tried for one in self.random_orders), default=0)


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
        return worst_of(one.outcome for one in self.settings)


def check(
    results: Results,
    use: Scenario,
    *,
    confidence: float,
    golden: Results | None = None,
    left_out: Sequence[Finding] = (),
) -> Check:
    """Judge a run for a use, and against recorded vectors where there are some.

    Faults come first: where there is one, no distance means anything, and it is told as itself.
    What was `left_out` of the plan from the start is told as a warning.

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
    skipped = tuple(
        Finding("skipped", "warning", f"{label} was not checked: {reason}")
        for label, reason in results.plan.skipped
    )
    return Check(results, use, confidence, settings, (*warnings, *left_out, *skipped))


def what_binds(verdicts: Verdicts) -> str:
    """Return what the verdict is on that the situation depends on."""
    return "batch drift" if verdicts.binding == "consistent" else "distance from float64"


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
    orders = random_orders(setting, use)
    outcome, said = _fault(results, setting, faults[setting.number]) or _judged(
        setting, verdicts, use, found, orders
    )
    if outcome == "holds":
        if why := _undecided(results, setting, orders):
            outcome, said = "inconclusive", why
        elif verdicts.binding == "consistent":
            said = f"{said}; {claim(confidence, orders)}"
    if golden is not None and outcome in {"holds", "inconclusive", "falls short"}:
        outcome = outcome if golden.holds else "falls short"
        said = f"{said}; {golden.describe(use)}"
    return CheckResult(setting, outcome, verdicts, said, orders, cause, golden)


def _fault(
    results: Results, setting: SettingResults, faults: Sequence[Finding]
) -> tuple[Outcome, str] | None:
    """Return what is wrong with the vectors themselves, whatever batches do to them."""
    broken = [fault for fault in faults if fault.kind not in _NOT_OF_VECTORS]
    if broken:
        return "fault", broken[0].message
    errors = text_errors(setting, results.reference)
    if errors is not None and errors.wrong.any():
        return (
            "fault",
            f"{int(errors.wrong.sum())} of {text_count(len(errors.rows))} have vectors that are "
            f"not the model's own: L2 up to {errors.l2.max():.1e} from float64, which no rounding "
            "explains",
        )
    return None


def _judged(
    setting: SettingResults,
    verdicts: Verdicts,
    use: Scenario,
    found: Sequence[Diagnosis],
    orders: Sequence[RandomOrders],
) -> tuple[Outcome, str]:
    """Return whether what was measured is within the limit, by the verdict that binds."""
    if setting.status == "refused":
        return "inconclusive", f"it was not measured: {setting.reason}"
    if setting.status != "finished":
        return "failed", setting.reason or setting.status
    decisive = verdicts.decisive
    said = [f"{what_binds(verdicts)} {decisive.summary(use)}"]
    if decisive.outcome != "falls short":
        return ("holds" if decisive.outcome == "holds" else "inconclusive"), said[0]
    if short := fallen_short(orders):
        said.append(short)
    if is_open(setting):
        said.append("in passes that nobody repeated, so drift or rare noise")
    elif decisive.drift and not setting.company_repeats and not decisive.identical:
        said.append("in company that cannot be repeated: other requests of the same moment")
    if cause := next((one.name for one in found if one.cause != "none"), ""):
        said.append(f"cause: {cause}")
    return "falls short", "; ".join(said)


def _undecided(results: Results, setting: SettingResults, orders: Sequence[RandomOrders]) -> str:
    """Return why figures within the limit decide nothing; empty where they do."""
    cached = cached_in_words(results, setting)
    if cached:
        return f"{cached}; switch the cache off, or check behind it"
    left = setting.unbatched.count
    refused = set(map(int, setting.effective.too_large))  # told as a warning, and not claimed
    untried = sorted(set(setting.batched) - {one.batch_size for one in orders} - refused)
    if untried:
        sizes = ", ".join(map(str, untried))
        return f"no random orders at batch size {sizes}: {text_count(left)} went through"
    return _unknown_error(results, setting)


def _unknown_error(results: Results, setting: SettingResults) -> str:
    """Return that an error which was asked for is not known of every text; empty if it is."""
    if not results.plan.reference:
        return ""
    found = setting.precision_error(results.reference)
    missing = setting.unbatched.count - (0 if found is None else len(found[0]))
    if not missing:
        return ""
    why = results.reference.reason or "no float64 vector to hold it against"
    return f"the error against float64 was not measured of {text_count(missing)}: {why}"
