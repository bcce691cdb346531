"""What a check came to, for programs: JSON, JUnit XML, and Markdown for the page of a CI job."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from embedtui.assess.answers import largest_drift
from embedtui.assess.check_result import Check, CheckResult, worst_of
from embedtui.assess.confidence import share_below
from embedtui.assess.golden import Golden
from embedtui.common.printable import printable
from embedtui.common.wording import text_count
from embedtui.measure import finite
from embedtui.report.exports import dump, escape
from embedtui.report.report_types_sweep import CheckedSettingReport, ChecksReport, GoldenReport
from embedtui.report.run_report import diagnosis
from embedtui.report.verdict_report import verdicts_report

SCHEMA = "embedtui.check/2"


def as_object(checks: Sequence[Check]) -> ChecksReport:
    """Return the checks as plain dicts, lists, strings and numbers; docs/checks.md explains it."""
    return {
        "schema": SCHEMA,
        "outcome": worst(checks),
        "checks": [
            {
                "model": check.results.plan.model,
                "model_name": check.results.plan.model_name,
                "texts": {
                    "name": check.results.plan.pack.name,
                    "count": len(check.results.plan.pack),
                    "sha256": check.results.plan.pack.sha256,
                },
                "started_at": check.results.started_at,
                "scenario": check.use.key,
                "limit": check.use.limit,
                "order_seed": check.results.plan.order_seed,
                "outcome": check.outcome,
                "settings": [_setting(check, one) for one in check.settings],
                "warnings": [
                    {"kind": one.kind, "setting": one.setting, "message": one.message}
                    for one in check.warnings
                ],
            }
            for check in checks
        ],
    }


def worst(checks: Sequence[Check]) -> str:
    """Return the worst outcome of several checks."""
    return worst_of(check.outcome for check in checks)


def to_json(checks: Sequence[Check]) -> str:
    """Return the checks as one JSON object."""
    return dump(as_object(checks))


def to_junit(checks: Sequence[Check]) -> str:
    """Return JUnit XML: a suite for each model, a case for each setting and its golden vectors.

    What falls short is a failure, what could not be measured an error. So is what is inconclusive:
    CI systems count `skipped` as passed, and nothing was shown to hold.
    """
    suites = Xml.Element("testsuites", name="embedtui check")
    for check in checks:
        plan = check.results.plan
        suite = Xml.SubElement(
            suites,
            "testsuite",
            name=printable(f"{plan.model_name}, {text_count(len(plan.pack))} ({plan.pack.name})"),
            timestamp=check.results.started_at,
        )
        cases = [_case(suite, check, one) for one in check.settings]
        cases += [_golden_case(suite, check, one) for one in check.settings if one.golden]
        for name in ("failure", "error"):
            count = sum(case.find(name) is not None for case in cases)
            suite.set({"failure": "failures", "error": "errors"}[name], str(count))
        suite.set("tests", str(len(cases)))
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def to_markdown(checks: Sequence[Check]) -> str:
    """Return what fits the page of a CI job: a table, and every sentence that it is about."""
    marks = {
        "holds": "✔ holds",
        "falls short": "✗ falls short",
        "fault": "✗ fault",
        "inconclusive": "? inconclusive",
    }
    lines = [f"## embedtui check: {worst(checks)}", ""]
    for check in checks:
        plan = check.results.plan
        lines += [
            f"### {escape(plan.model_name)}",
            "",
            f"{text_count(len(plan.pack))} ({escape(plan.pack.name)}), {escape(check.use.name)}: "
            f"{escape(check.use.limit)}; random orders drawn from seed {plan.order_seed}",
            "",
            "| setting | outcome | drift, L2 | golden, L2 | random orders |",
            "|---|---|---|---|---|",
        ]
        for one in check.settings:
            golden = "" if one.golden is None else _figure(one.golden.l2_max)
            mark = marks.get(one.outcome, "! failed")
            drift = _figure(largest_drift(one.setting, "l2"))
            lines.append(f"| {escape(one.label)} | {mark} | {drift} | {golden} | {one.orders} |")
        lines += ["", *(f"- {escape(one.label)}: {escape(one.summary)}" for one in check.settings)]
        lines += [f"- warning: {escape(one.message)}" for one in check.warnings]
        lines.append("")
    return "\n".join(lines)


def _setting(check: Check, one: CheckResult) -> CheckedSettingReport:
    return {
        "label": one.label,
        "setting": one.setting.setting.as_dict(),
        "effective_config": one.setting.effective.to_dict(),
        "outcome": one.outcome,
        "summary": one.summary,
        "verdicts": verdicts_report(one.verdicts, check.use),
        "l2_max": largest_drift(one.setting, "l2"),
        "orders": one.orders,
        "batch_sizes": [
            {
                "batch_size": one_size.batch_size,
                "orders": one_size.tried,
                "fell_short": one_size.fell_short,
                "share_below": share_below(check.confidence, one_size.tried)
                if one.claims_orders
                else None,
            }
            for one_size in one.random_orders
        ],
        "confidence": check.confidence,
        "share_below": share_below(check.confidence, one.orders) if one.claims_orders else None,
        "cause": None if one.cause is None else diagnosis(one.cause),
        "golden": None if one.golden is None else _golden(one.golden),
    }


def _golden(golden: Golden) -> GoldenReport:
    return {
        "recorded": golden.recorded,
        "texts": golden.texts,
        "identical": golden.identical,
        "worst": finite(golden.worst),
        "l2_max": finite(golden.l2_max),
        "holds": golden.holds,
        "retrieval": golden.retrieval,
        "diagnosis": diagnosis(golden.diagnosis),
    }


def _case(suite: Xml.Element, check: Check, one: CheckResult) -> Xml.Element:
    case = Xml.SubElement(
        suite, "testcase", classname=f"embedtui.{check.use.key}", name=printable(one.label)
    )
    short = one.golden is not None and not one.golden.holds and one.verdicts.outcome == "holds"
    if one.outcome in {"failed", "inconclusive"}:
        Xml.SubElement(case, "error", message=printable(one.summary, 1000))
    elif one.outcome != "holds" and not short:
        Xml.SubElement(case, "failure", type=one.outcome, message=printable(one.summary, 1000))
    return case


def _golden_case(suite: Xml.Element, check: Check, one: CheckResult) -> Xml.Element:
    assert one.golden is not None
    case = Xml.SubElement(
        suite, "testcase", classname="embedtui.golden", name=printable(f"{one.label}: golden")
    )
    if not one.golden.holds:
        said = printable(one.golden.describe(check.use), 1000)
        Xml.SubElement(case, "failure", type=one.golden.diagnosis.cause, message=said)
    return case


def _figure(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.1e}" if value else "same bits"
