"""The report: one documented object made from a run's results (docs/report.md explains it).

`embedtui run --json` and `embedtui export --to json` print the same object, from the same code,
so that a figure never depends on when it was asked for.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from embedtui.assess import findings, verdict
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.retrieval import Retrieval, batch_retrieval, precision_retrieval
from embedtui.assess.systematic_error import systematic_error_of
from embedtui.assess.tolerance import judge, not_judged
from embedtui.assess.trends import Trend, trend_of
from embedtui.measure import (
    Distances,
    finite,
    noise_test,
    summarize,
    systematic_error,
)
from embedtui.measure.lengths import summarize_lengths
from embedtui.plan.plan import PassKind, Plan
from embedtui.plan.scenarios import Scenario, scenario
from embedtui.report import layer_report, retrieval_report
from embedtui.report.figures_report import distribution, speed_report
from embedtui.report.report_types import (
    BatchReport,
    DiagnosisReport,
    DistancesReport,
    EnvironmentReport,
    NoiseReport,
    NoiseTestReport,
    NormsReport,
    PlanReport,
    RunReport,
    ServerReport,
    SettingReport,
    ShuffledReport,
    SystematicErrorReport,
    TextReport,
    TrendReport,
)
from embedtui.report.report_types_figures import DistributionReport
from embedtui.report.verdict_report import verdicts_report
from embedtui.results.results import Pass, Results, SettingResults
from embedtui.results.speeds import speed_of

SCHEMA = "embedtui.report/2"
"""The last part goes up when a field changes its meaning or goes; new fields leave it alone."""


def build(
    results: Results, faults: findings.Faults | None = None, use: Scenario | None = None
) -> RunReport:
    """Return the report as plain dicts, lists, strings and numbers, ready for JSON.

    Who has looked for `faults` already passes them on: it is the slow part.
    """
    faults = findings.all_faults(results) if faults is None else faults
    use = use or scenario("rag")
    return {
        "schema": SCHEMA,
        "status": results.status,
        "reason": results.reason,
        "started_at": results.started_at,
        "plan": _plan(results.plan),
        "environment": cast(EnvironmentReport, results.environment),
        "settings": [_setting(results, setting, faults, use) for setting in results.settings],
        "servers": _servers(results),
        "findings": [
            {
                "kind": finding.kind,
                "severity": finding.severity,
                "setting": finding.setting,
                "message": finding.message,
                "texts": list(finding.texts),
            }
            for finding in findings.find(results, faults)
        ],
        "verdict": verdict.run_verdict(results, faults, use),
    }


def _plan(plan: Plan) -> PlanReport:
    """Return what was asked for; the run file keeps it under keys of its own."""
    pack, labels = plan.pack, plan.pack.labels
    return {
        "model": plan.model,
        "model_name": plan.model_name,
        "model_hash": plan.model_hash,
        "settings": [setting.as_dict() for setting in plan.settings],
        "batch_sizes": list(plan.batch_sizes),
        "texts": {
            "name": pack.name,
            "source": pack.source,
            "count": len(pack),
            "sha256": pack.sha256,
            "labels": None
            if labels is None
            else {
                "queries": list(labels.queries),
                "qrels": [list(one) for one in labels.qrels],
            },
            "sample": None
            if pack.sample is None
            else {"seed": pack.sample.seed, "whole": pack.sample.whole},
        },
        "reference": plan.reference,
        "repeats": plan.repeats,
        "shuffles": plan.shuffles,
        "shuffle_every_size": plan.shuffle_every_size,
        "order_seed": plan.order_seed,
        "restarts": plan.restarts,
        "too_long": plan.too_long,
        "prompt": plan.prompt,
        "query_prompt": plan.query_prompt,
        "sweep": plan.sweep,
        "skipped": [{"label": label, "reason": reason} for label, reason in plan.skipped],
        "max_length": plan.max_length,
        "against": plan.against,
        "default_prompt": plan.default_prompt,
        "similarity": plan.similarity,
        "differs": list(plan.differs),
        "layers": plan.layers,
        "layers_under": plan.layers_under,
        "random_weights": plan.random_weights,
    }


def _setting(
    results: Results, setting: SettingResults, faults: findings.Faults, use: Scenario
) -> SettingReport:
    wrong = faults[setting.number]
    judged = not_judged(use, wrong[0].kind) if wrong else judge(results, setting, use)
    return {
        "label": setting.setting.label,
        "setting": setting.setting.as_dict(),
        "effective_config": setting.effective.to_dict(),
        "status": setting.status,
        "reason": setting.reason,
        "noise_floor": _noise(results.plan.repeats, setting),
        "noise_test": _noise_test(setting),
        "restart_noise": _noise(results.plan.restarts, setting, "restart"),
        "shuffled": _shuffled(setting),
        "precision_error": _precision(results, setting),
        "systematic_error": _systematic(results, setting),
        "retrieval": None if wrong else retrieval_report.section(results, setting),
        "no_retrieval": f"fault: {wrong[0].kind}" if wrong else "",
        "trend": _trend(setting),
        "batches": [
            _batch(setting, size)
            for size in results.plan.batch_sizes
            if setting.pass_of(size).count
        ],
        "texts": _texts(results, setting, searched=not wrong),
        "diagnosis": [diagnosis(one) for one in diagnose(results, setting, faults[setting.number])],
        "layers": layer_report.build(results, setting),
        "verdicts": verdicts_report(judged, use),
        "verdict": verdict.setting_verdict(results, setting, faults, use),
    }


def diagnosis(one: Diagnosis) -> DiagnosisReport:
    """Return a cause and what speaks for it."""
    return {
        "cause": one.cause,
        "name": one.name,
        "evidence": one.evidence,
        "explanation": one.explanation,
        "confidence": one.confidence,
        "fix": one.fix,
    }


def _noise(times: int, setting: SettingResults, why: PassKind = "repeat") -> NoiseReport | None:
    found = setting.noise(why)
    if found is None:
        return None
    passes, distances = found
    return {
        "repeats": times,
        "batch_sizes": sorted({size for size, _ in passes}),
        **distribution(summarize(distances, _different(setting))),
    }


def _different(setting: SettingResults) -> int:
    return setting.different(np.flatnonzero(setting.unbatched.done))


def _noise_test(setting: SettingResults) -> NoiseTestReport | None:
    found = setting.noise_test()
    if found is None:
        return None
    effect = found.effect
    return {
        "outcome": found.outcome,
        "level": noise_test.LEVEL,
        "p": found.p,
        "texts": found.texts,
        "untied": found.untied,
        "nearest": found.nearest,
        "passes": found.passes,
        "company_repeats": found.company_repeats,
        "effect": None
        if effect is None
        else {
            "median": finite(effect.median),
            "low": finite(effect.low),
            "high": finite(effect.high),
        },
    }


def _shuffled(setting: SettingResults) -> ShuffledReport | None:
    found = setting.shuffled()
    if found is None:
        return None
    return {
        "orders": setting.orders - 1,
        "batch_size": setting.batched[-1],
        **distribution(summarize(found, _different(setting))),
    }


def _servers(results: Results) -> list[ServerReport]:
    """Return how far the unbatched vectors of a server are from those of the other settings."""
    measured = [setting for setting in results.settings if setting.unbatched.count]
    one = next((setting for setting in measured if setting.setting.is_server), None)
    if one is None:
        return []
    return [
        {
            "server": one.number,
            "other": other.number,
            **distribution(summarize(pair[1], one.different(pair[0]))),
        }
        for other in measured
        if other is not one and (pair := one.between(1, other)) is not None and len(pair[0])
    ]


def _trend(setting: SettingResults) -> TrendReport | None:
    trend = trend_of(setting)
    if trend is None:
        return None
    return {
        "batch_size": trend.batch_size,
        "by_position": trend.by_position,
        "by_position_interval": _ends(trend, trend.by_position),
        "by_tokens": trend.by_tokens,
        "by_tokens_interval": _ends(trend, trend.by_tokens),
    }


def _ends(trend: Trend, correlation: float | None) -> list[float] | None:
    if correlation is None:
        return None
    found = trend.interval(correlation)
    return [found.low, found.high]


def _precision(results: Results, setting: SettingResults) -> DistributionReport | None:
    found = setting.precision_error(results.reference)
    return distribution(summarize(found[1], setting.different(found[0]))) if found else None


def _systematic(results: Results, setting: SettingResults) -> SystematicErrorReport | None:
    found = systematic_error_of(results, setting)
    if found is None:
        return None
    return {
        "bias_share": found.bias_share,
        "affine_share": found.affine_share,
        "biased": found.biased,
        "width": found.width,
        "level": systematic_error.LEVEL,
    }


def _vector_lengths(pass_: Pass) -> NormsReport | None:
    found = summarize_lengths(pass_.vectors[pass_.done])
    if found is None:
        return None
    return {"least": found.least, "median": found.median, "largest": found.largest}


def _batch(setting: SettingResults, size: int) -> BatchReport:
    pass_ = setting.pass_of(size)
    rows, drift = setting.drift(size)
    summary, realised = summarize(drift, setting.different(rows)), pass_.realised
    speed = speed_of(setting, size)
    return {
        "batch_size": size,
        "baseline": size == 1,
        "texts": pass_.count,
        "realised": {
            "min": realised["min"],
            "max": realised["max"],
            "steps": realised["steps"],
        },
        "split_steps": pass_.split_steps,
        "texts_per_step": pass_.per_step,
        "texts_per_second": speed.median if speed else None,
        "speed": speed_report(speed),
        "identical": summary.identical,
        "drift": distribution(summary),
        "norms": _vector_lengths(pass_),
    }


def _texts(results: Results, setting: SettingResults, *, searched: bool) -> list[TextReport]:
    if setting.prepared is None:
        return []
    sizes = [size for size in results.plan.batch_sizes if size > 1]
    by_size = {
        size: _with_lists(
            _by_row(*setting.drift(size)),
            batch_retrieval(results, setting, size) if searched else None,
        )
        for size in sizes
    }
    error = setting.precision_error(results.reference)
    lists = precision_retrieval(results, setting) if searched else None
    errors = _with_lists(_by_row(*error) if error else {}, lists)
    listed = []
    for row, text in enumerate(results.plan.pack.texts):
        entry: TextReport = {
            "id": text.id,
            "tokens": setting.prepared.tokens[row],
            "drift": {},
            "precision_error": errors.get(row),
        }
        if row in setting.prepared.truncated:
            entry["tokens_before_truncation"] = setting.prepared.truncated[row]
        if row in setting.prepared.refused:
            entry["refused"] = setting.prepared.refused[row]
        entry["drift"] = {
            str(size): _at_place(by_size[size][row], int(setting.pass_of(size).position[row]))
            for size in sizes
            if row in by_size[size]
        }
        listed.append(entry)
    return listed


def _at_place(distances: DistancesReport, position: int) -> DistancesReport:
    distances["position"] = position
    return distances


def _by_row(rows: Any, distances: Distances) -> dict[int, DistancesReport]:
    return {
        int(row): {
            "cosine": finite(distances.cosine[i]),
            "l2": finite(distances.l2[i]),
            "max_abs": finite(distances.max_abs[i]),
            "relative_l2": finite(distances.relative_l2[i]),
            "bits": finite(distances.bits[i]),
            "identical": bool(distances.identical[i]),
            # Null for a text that is no query or has no list.
            "top1_changed": None,
            "order_changed": None,
        }
        for i, row in enumerate(rows)
    }


def _with_lists(
    by_row: dict[int, DistancesReport], found: Retrieval | None
) -> dict[int, DistancesReport]:
    """Add whether each text's list of neighbours changed."""
    if found is None:
        return by_row
    agreed = found.agreement
    for place in np.flatnonzero(agreed.usable):
        row = int(found.sides.queries[place])
        if row in by_row:
            by_row[row]["top1_changed"] = bool(agreed.top1_changed[place, 0])
            by_row[row]["order_changed"] = bool(agreed.order_changed[place, 0])
    return by_row
