"""Whether a setting's batch drift is fit for a use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.measure import Distances, largest_finite
from embedtui.plan.scenarios import METRIC_NAMES, Scenario
from embedtui.results.results import SettingResults


@dataclass(frozen=True)
class ToleranceResult:
    """Whether a setting's batch drift is within a scenario's tolerance, and by which figures."""

    holds: bool | None
    """None as long as nothing batched was measured, or where a fault forbids an answer."""
    worst: float
    """Largest drift of any text at any batch size, in any order, in the scenario's metric."""
    identical: bool
    """Whether every text was equal bit for bit at every batch size and in every order."""
    again: float = 0.0
    """Largest difference between repeats, in the scenario's metric; 0 only for equal bits.

    Kept vectors and cache keys meet those of another run, so repeats have to hold as well."""

    def describe(self, scenario: Scenario) -> str:
        """Return the figures in a few words."""
        if self.holds is None:
            return "not measured"
        if self.identical:
            return "identical" + self._but_again(scenario)
        name = METRIC_NAMES[scenario.metric]
        if scenario.bitwise:
            return f"{name} {self.worst:.1e}, not equal bits"
        if self.worst <= scenario.tolerance < self.again:
            return f"{name} {self.worst:.1e}{self._but_again(scenario)}"
        sign = "≤" if self.holds else ">"
        return f"{name} {self.worst:.1e} {sign} {scenario.tolerance:.0e}"

    def _but_again(self, scenario: Scenario) -> str:
        if not self.again:
            return ""
        return f", but {METRIC_NAMES[scenario.metric]} {self.again:.1e} when run again"


def judge(setting: SettingResults, use: Scenario) -> ToleranceResult:
    """Hold a setting's batch drift against a scenario's tolerance."""
    worst, pairs, identical = 0.0, 0, True
    for size in setting.batched:
        distances = setting.drift_in_any_order(size)
        values = getattr(distances, use.metric)
        finite = np.isfinite(values)
        if not finite.all():
            return ToleranceResult(None, float("nan"), identical=False)
        pairs += len(distances)
        identical = identical and bool(distances.identical.all())
        worst = max(worst, float(values.max(initial=0.0)))
    if not pairs:
        return ToleranceResult(None, 0.0, identical=False)
    repeated = setting.noise()
    again = _largest(repeated[1], use) if repeated else 0.0
    holds = identical and not again if use.bitwise else max(worst, again) <= use.tolerance
    return ToleranceResult(holds, worst, identical, again)


def _largest(distances: Distances, use: Scenario) -> float:
    """Return the largest distance; other bits are more than 0 even where directions are equal."""
    if distances.identical.all():
        return 0.0
    largest = largest_finite(getattr(distances, use.metric))
    return max(float(np.finfo(np.float64).tiny), largest or 0.0)
