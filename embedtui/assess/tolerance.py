"""Whether a setting's batch drift is fit for a use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

    def said(self, scenario: Scenario) -> str:
        """Return the figures in a few words."""
        if self.holds is None:
            return "not measured"
        if self.identical:
            return "identical"
        if scenario.bitwise:
            return f"{METRIC_NAMES[scenario.metric]} {self.worst:.1e}, not equal bits"
        sign = "≤" if self.holds else ">"
        return f"{METRIC_NAMES[scenario.metric]} {self.worst:.1e} {sign} {scenario.tolerance:.0e}"


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
    holds = identical if use.bitwise else worst <= use.tolerance
    return ToleranceResult(holds, worst, identical)
