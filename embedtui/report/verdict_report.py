"""The two verdicts on a setting as JSON has them."""

from __future__ import annotations

from embedtui.assess.tolerance import Verdict, Verdicts
from embedtui.measure import finite
from embedtui.plan.scenarios import Scenario
from embedtui.report.report_types import VerdictReport, VerdictsReport


def verdicts_report(found: Verdicts, use: Scenario) -> VerdictsReport:
    """Return both verdicts, and which of them decides for this use."""
    return {
        "scenario": use.key,
        "situation": use.situation,
        "metric": use.metric,
        "limit": use.tolerance,
        "binding": found.binding,
        "outcome": found.outcome,
        "consistent": _verdict(found.consistent),
        "exact": _verdict(found.exact),
    }


def _verdict(one: Verdict) -> VerdictReport:
    return {
        "outcome": one.outcome,
        "worst": finite(one.worst),
        "texts": one.texts,
        "beyond": one.beyond,
        "share_beyond": one.share_beyond,
        "identical": one.identical,
        "reason": one.reason,
    }
