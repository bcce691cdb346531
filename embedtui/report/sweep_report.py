"""The grid of a sweep: one object made from the results of its runs, one run per model.

`embedtui run --sweep … --json` prints it; docs/report.md explains it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from embedtui.assess import findings, retrieval
from embedtui.assess.answers import Entry, answer, largest_drift, model_of
from embedtui.assess.finding import Finding
from embedtui.assess.pareto_front import Candidate, pareto_front
from embedtui.assess.tolerance import Outcome, judge
from embedtui.engine.serve_command import serve_command
from embedtui.measure import Distances, largest_finite, summarize
from embedtui.plan.scenarios import Scenario, scenarios
from embedtui.report import run_report
from embedtui.report.report_types_sweep import (
    ChangedListsReport,
    FrontReport,
    LargestReport,
    NotMeasuredReport,
    RowReport,
    ScenarioReport,
    SweepReport,
)
from embedtui.results.results import Results, SettingResults
from embedtui.results.speeds import fastest

SCHEMA = "embedtui.sweep/2"


def build(
    name: str, runs: list[Results], use: Scenario, *, with_reports: bool = True
) -> SweepReport:
    """Return rows, what could not be had, and for each scenario what holds and what to serve."""
    faults = [findings.all_faults(run) for run in runs]
    entries = [
        Entry(_name(runs, run, setting), run, setting, _first_fault(known[setting.number]))
        for run, known in zip(runs, faults, strict=True)
        for setting in run.settings
        if setting.unbatched.count
    ]
    return {
        "schema": SCHEMA,
        "sweep": name,
        "batch_sizes": sorted({size for run in runs for size in run.plan.batch_sizes}),
        "rows": [_row(entry) for entry in entries],
        "skipped": [one for run in runs for one in _skipped(run)],
        "pareto_front": {
            "precision_error": _front(entries, _error, by_model=True),
            "drift": _front(entries, _drift),
        },
        "scenarios": [
            _scenario(replace(one, situation=use.situation), group)
            for one in scenarios().values()
            for group in _groups(entries)
        ],
        "runs": [run_report.build(run, known, use) for run, known in zip(runs, faults, strict=True)]
        if with_reports
        else [],
    }


def _front(
    entries: list[Entry], distance: Callable[[Entry], float | None], *, by_model: bool = False
) -> list[FrontReport]:
    """Return the settings that can be served and that no other beats, the fastest first."""
    weighed = []
    for entry in entries:
        speed, far = fastest(entry.setting), distance(entry)
        served = serve_command(entry.setting.setting, 1) is not None
        if speed and far is not None and served and not entry.fault:
            model = model_of(entry.results) if by_model else ""
            noise = _noise_floor(entry.setting)
            weighed.append(Candidate(entry.label, speed[1].median, far, model, noise))
    return [
        {
            "label": weighed[step.place].label,
            "texts_per_second": weighed[step.place].speed,
            "l2_max": weighed[step.place].distance,
            "times_slower": step.slower,
            "times_nearer": step.nearer,
        }
        for step in pareto_front(weighed)
    ]


def _noise_floor(setting: SettingResults) -> float:
    """Return the largest difference between repeats, L2; 0 where there is none."""
    found = setting.noise()
    return (largest_finite(found[1].l2) or 0.0) if found else 0.0


def _error(entry: Entry) -> float | None:
    return entry.setting.largest_error(entry.results.reference)


def _drift(entry: Entry) -> float | None:
    return largest_drift(entry.setting, "l2")


def _name(runs: list[Results], run: Results, setting: SettingResults) -> str:
    """Name a setting with what tells its run from the others: the model, or the texts too."""
    label = setting.setting.short_label
    if len(runs) == 1:
        return label
    plan = run.plan
    packs = {other.plan.pack.sha256 for other in runs if other.plan.model_name == plan.model_name}
    texts = f", {_texts(run)}" if len(packs) > 1 else ""
    return f"{plan.model_name}{texts}: {label}"


def _texts(run: Results) -> str:
    return f"{len(run.plan.pack)} {run.plan.pack.name}"


def _first_fault(found: list[Finding]) -> str:
    return found[0].kind if found else ""


def _row(entry: Entry) -> RowReport:
    setting = entry.setting
    speed = fastest(setting)
    error = setting.precision_error(entry.results.reference)
    noise = setting.noise()
    return {
        "model": entry.results.plan.model_name,
        "texts": _texts(entry.results),
        "label": setting.setting.label,
        "short_label": setting.setting.short_label,
        "status": setting.status,
        "fault": entry.fault,
        "dtype": setting.effective.dtype,
        "drift": {
            str(size): _figures(setting.drift_in_any_order(size))
            for size in entry.results.plan.batch_sizes
            if size > 1 and setting.pass_of(size).count
        },
        "orders": setting.orders,
        "noise_floor": _figures(noise[1]) if noise else None,
        "precision_error": _figures(error[1]) if error else None,
        "retrieval": None if entry.fault else _retrieval(entry),
        "texts_per_second": speed[1].median if speed else None,
        "fastest_batch_size": speed[0] if speed else None,
        "memory_bytes": setting.effective.memory_bytes,
    }


def _retrieval(entry: Entry) -> ChangedListsReport | None:
    """Return what the worst batch size does to lists of neighbours."""
    found = retrieval.worst_of_batches(entry.results, entry.setting)
    if found is None:
        return None
    size, one = found
    return {
        "batch_size": size,
        "queries": one.queries,
        "top1_changed": list(one.top1_changed),
        "order_changed": list(one.order_changed),
    }


def _figures(distances: Distances) -> LargestReport:
    summary = summarize(distances)
    return {
        "texts": summary.pairs,
        "identical": summary.identical,
        "l2_max": largest_finite(distances.l2),
    }


def _skipped(run: Results) -> list[NotMeasuredReport]:
    model = run.plan.model_name
    found = [(label, reason) for label, reason in run.plan.skipped]
    found += [
        (setting.setting.label, setting.reason)
        for setting in run.settings
        if not setting.unbatched.count and setting.status in {"refused", "failed"}
    ]
    return [{"model": model, "label": label, "reason": reason} for label, reason in found]


def _groups(entries: list[Entry]) -> list[list[Entry]]:
    """Return the entries by model and texts: a verdict has one of each."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        key = model_of(entry.results), entry.results.plan.pack.sha256
        groups.setdefault(key, []).append(entry)
    return list(groups.values())


def _scenario(use: Scenario, entries: list[Entry]) -> ScenarioReport:
    found = answer(entries, use)
    judged = [
        (entry.label, judge(entry.results, entry.setting, use))
        for entry in entries
        if not entry.fault
    ]
    chosen = None if found.recommended is None else entries[found.recommended]

    def labels(outcome: Outcome) -> list[str]:
        return [label for label, one in judged if one.outcome == outcome]

    return {
        "scenario": use.key,
        "name": use.name if use.situation == "one-server" else f"{use.name} ({use.situation})",
        "situation": use.situation,
        "model": entries[0].results.plan.model_name,
        "texts": _texts(entries[0].results),
        "limit": use.limit,
        "holds": labels("holds"),
        "borderline": labels("borderline"),
        "falls_short": labels("falls short"),
        "not_measured": labels("not measured"),
        "serve": found.serve.text,
        "recommended": chosen.label if chosen else None,
        "command": found.command,
    }
