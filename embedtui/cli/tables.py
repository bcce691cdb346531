"""A report as tables for a terminal of 80 columns or more."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from embedtui.cli import neighbour_tables
from embedtui.cli.fit_columns import fit_columns, plain_table
from embedtui.cli.output import unicode_works
from embedtui.common.machine import vllm_of
from embedtui.common.printable import printable
from embedtui.common.wording import text_count
from embedtui.plan.scenarios import METRIC_NAMES, Metric, figure
from embedtui.report.figures_report import P99_WANTS
from embedtui.report.report_types import (
    DiagnosisReport,
    EnvironmentReport,
    FindingReport,
    RunReport,
    SettingReport,
    VerdictsReport,
)
from embedtui.report.report_types_figures import DistributionReport

_COLUMNS = ("texts/s", "identical", "L2 max", "p99", "p50", "1-cos max")
_EXPENDABLE = ("p50", "p99", "1-cos max", "texts/s")
"""Columns that a narrow terminal does without, the first of them first."""
_SAME = ("bitwise", "identical")
"""Said in two columns, so that it needs no column as wide as both."""

_TOLD = {"none", "noise"}
"""Causes that the verdict's own sentence is about."""

_MARKS = {"fault": ("✗ ", "red"), "warning": ("! ", "yellow"), "note": ("· ", "dim")}


def show(report: RunReport, console: Console) -> None:
    """Print the report: what and where, a table per setting, findings, the verdict."""
    plan, environment = report["plan"], report["environment"]
    console.print()
    console.print(
        Text.assemble(
            (printable(plan["model_name"]), "bold"),
            f" · {text_count(plan['texts']['count'])} ({printable(plan['texts']['name'])})"
            f" · {printable(environment['machine'])}"
            f"{_software(environment)}",
        )
    )
    if any(setting["batches"] for setting in report["settings"]):
        console.print(
            Text(
                "L2 between vectors of length one, over texts; identical: equal bit for bit; "
                f"(a..b): texts that the steps held{_on_average(report)}",
                style="dim",
            )
        )
        console.print(Text(_judged_for(report["settings"][0]["verdicts"]), style="dim"))
    for setting in report["settings"]:
        _setting(setting, console)
    if report["servers"]:
        console.print(_side_by_side(report, console))
        _apart(report, console)
    if report["findings"]:
        console.print()
    for finding in report["findings"]:
        _finding(report, finding, console)
    console.print()
    console.print(Text.assemble(("Verdict: ", "bold"), printable(report["verdict"])))
    if report["status"] in {"cancelled", "cut off"}:
        why = f": {printable(report['reason'], 300)}" if report["reason"] else ""
        console.print(f"The run was {report['status']}{why}.")


def _judged_for(verdicts: VerdictsReport) -> str:
    """Say which use the verdicts are for, and which of the two decides."""
    metric = METRIC_NAMES[cast(Metric, verdicts["metric"])]
    limit = f"{metric} ≤ {figure(verdicts['limit'])}" if verdicts["limit"] else "equal bits"
    return (
        f"judged for {printable(verdicts['scenario'])}, {verdicts['situation']}: {limit}, and "
        f"{verdicts['binding']} decides"
    )


def _setting(setting: SettingReport, console: Console) -> None:
    engine = setting["effective_config"]
    in_force = ""
    if engine.get("device") == "server":
        in_force = "  " + printable(_of_server(engine))
    elif engine:
        facts = [engine["attention_backend"], f"{engine['pooling']} pooling", engine["execution"]]
        if setting["setting"]["dtype"] != engine["dtype"]:
            facts.insert(0, engine["dtype"])
        if engine["device"] == "cpu":
            facts.append("1 thread" if engine["threads"] == 1 else f"{engine['threads']} threads")
        facts.append(f"loaded in {engine['load_seconds']:.1f} s")
        in_force = "  " + printable(" · ".join(facts))
    console.print()
    console.print(Text.assemble((printable(setting["label"]), "bold"), (in_force, "dim")))
    probed = _probed(engine)
    if probed:
        console.print(Text(f"  {probed}", style="dim"))
    if setting["batches"]:
        console.print(fit_columns(console, _EXPENDABLE, partial(_table, setting, console)))
        for note in (_timed(setting), _without_p99(setting)):
            if note:
                console.print(Text(f"  {note}", style="dim"))
    lengths = _lengths(setting)
    if lengths:
        console.print(Text(f"  {lengths}", style="dim"))
    _neighbours(setting, console)
    console.print(Padding(Text(printable(setting["verdict"])), (0, 0, 0, 2)))
    for one in setting["diagnosis"]:
        if one["cause"] not in _TOLD:
            console.print(Padding(_diagnosis(one), (0, 0, 0, 2)))


def _neighbours(setting: SettingReport, console: Console) -> None:
    if setting["retrieval"]:
        neighbour_tables.show(setting["retrieval"], console)
    elif setting["no_retrieval"]:
        why = f"nothing is said of neighbours: {setting['no_retrieval']}"
        console.print(Text(f"  {why}", style="dim"))


def _software(environment: EnvironmentReport) -> str:
    """Name the vLLM that computed; which one a server runs stands with its setting."""
    if environment["device"] == "server":
        return ""
    return f" · vLLM {printable(vllm_of(environment))}"


def _of_server(engine: dict[str, Any]) -> str:
    """Say what is known of a server."""
    facts = [f"{engine['server']} {engine['version']}"]
    if engine["server"] == "unknown":
        facts = ["unknown server"]
    facts += [value for key in ("dtype", "execution") if (value := engine[key]) != "unknown"]
    if engine["pooling"] != "unknown":
        facts.append(f"{engine['pooling']} pooling")
    facts.append(f"vectors of {engine['width']}")
    return " · ".join(facts)


def _probed(engine: dict[str, Any]) -> str:
    """Say how far the kernels in use are from float64."""
    parts = [
        f"{name} {engine[key]:.1e}"
        for name, key in (("matmul", "probe_matmul"), ("attention", "probe_attention"))
        if engine.get(key) is not None
    ]
    return f"kernels in use against float64: {', '.join(parts)}" if parts else ""


def _timed(setting: SettingReport) -> str:
    """Say over how many passes speeds are, and how far these are apart."""
    said: dict[int, list[str]] = {}
    for batch in setting["batches"]:
        speed, size = batch["speed"], batch["batch_size"]
        if speed is not None:
            spread = "" if speed["passes"] == 1 else f" {speed['low']:.0f}..{speed['high']:.0f}"
            said.setdefault(speed["passes"], []).append(f"@{size}{spread}")
    parts = [
        f"one pass {' '.join(sizes)}"
        if passes == 1
        else f"median of {passes} warm passes {' '.join(sizes)}"
        for passes, sizes in said.items()
    ]
    return f"texts/s: {'; '.join(parts)}" if parts else ""


def _without_p99(setting: SettingReport) -> str:
    """Say why a table has no p99, where it has none."""
    shown = [one["drift"] for one in setting["batches"] if not one["baseline"]]
    missing = [one for one in shown if one["l2"] is not None and one["l2"]["p99"] is None]
    return P99_WANTS if missing else ""


def _lengths(setting: SettingReport) -> str:
    """Say how long vectors are, at each batch size where that differs; empty where all are 1."""
    said: dict[str, list[str]] = {}
    for batch in setting["batches"]:
        found = batch["norms"]
        if found is not None:
            figures = f"{found['least']:.4g}..{found['largest']:.4g}, median {found['median']:.4g}"
            said.setdefault(figures, []).append(str(batch["batch_size"]))
    if set(said) <= {"1..1, median 1"}:
        return ""
    parts = [f"{figures} @{','.join(sizes)}" for figures, sizes in said.items()]
    return f"lengths of vectors: {'; '.join(parts)}"


def _diagnosis(one: DiagnosisReport) -> Text:
    return Text.assemble(
        (f"Cause, {one['confidence']}: ", "bold"),
        printable(
            f"{one['name']}. Seen: {one['evidence']}. Why: {one['explanation']}. Do: {one['fix']}."
        ),
    )


def _table(setting: SettingReport, console: Console, left_out: set[str]) -> Table:
    table = plain_table(console)
    table.add_column("batch size", overflow="fold")
    for name in _COLUMNS:
        if name not in left_out:
            table.add_column(name, justify="right", no_wrap=True, overflow="fold")

    def add(name: str, speed: str, figures: dict[str, str]) -> None:
        cells = {"texts/s": speed, **figures}
        if "p99" in left_out and cells.get("p99") == _SAME[1]:
            cells["L2 max"] = _SAME[1]
        table.add_row(name, *(cells.get(c, "") for c in _COLUMNS if c not in left_out))

    for batch in setting["batches"]:
        realised, size = batch["realised"], batch["batch_size"]
        low, high = realised["min"], realised["max"]
        speed = batch["texts_per_second"]
        name = "unbatched" if batch["baseline"] else str(size)
        # Said only where a step held another number of texts than was asked for.
        span = f"{low}" if low == high else f"{low}..{high}"
        held = "" if low == high == size or not realised["steps"] else f" ({span})"
        if batch["texts_per_step"] is not None and not realised["steps"]:
            share = batch["texts_per_step"]
            held = f" (~{share:.{0 if share >= 10 else 1}f})"
        figures = {"identical": "baseline"} if batch["baseline"] else _figures(batch["drift"])
        add(name + held, f"{speed:.0f}" if speed else "", figures)
    table.add_section()
    if setting["shuffled"]:
        shuffled = setting["shuffled"]
        add(f"{shuffled['batch_size']} shuffled", "", _figures(shuffled))
    if setting["noise_floor"]:
        add("noise floor", "", _figures(setting["noise_floor"]))
    if setting["restart_noise"]:
        add("after a restart", "", _figures(setting["restart_noise"]))
    if setting["precision_error"]:
        add("precision error", "", _figures(setting["precision_error"]) | {"identical": ""})
    return table


def _on_average(report: RunReport) -> str:
    told = any(b["texts_per_step"] for s in report["settings"] for b in s["batches"])
    return ", (~n): on average, as a server tells it" if told else ""


def _side_by_side(report: RunReport, console: Console) -> Table:
    """Return the largest batch drift of every setting in one table.

    Lists stand beside what is sent at once, and both beside engines of this machine.
    """
    measured = [setting for setting in report["settings"] if setting["batches"]]
    sizes = report["plan"]["batch_sizes"][1:]
    columns: dict[str, list[DistributionReport | None]] = {
        "noise floor": [setting["noise_floor"] for setting in measured],
        "precision": [setting["precision_error"] for setting in measured],
    }
    further = {name: found for name, found in columns.items() if any(found)}
    table = plain_table(console)
    table.title = Text("side by side: L2 at most, by texts at once", style="bold")
    table.title_justify = "left"
    table.add_column("setting", overflow="fold")
    room = max((console.width - 56) // 10, 1)
    shown = sizes if len(sizes) <= room else [sizes[0], *sizes[len(sizes) - room + 1 :]]
    for name in (*(f"@{size}" for size in shown), *further):
        table.add_column(name, justify="right", no_wrap=True)
    for number, setting in enumerate(measured):
        drift = {batch["batch_size"]: batch["drift"] for batch in setting["batches"]}
        cells = [_largest(drift.get(size)) for size in shown]
        cells += [_largest(found[number]) for found in further.values()]
        table.add_row(Text(printable(setting["label"])), *cells)
    return table


def _largest(figures: DistributionReport | None) -> str:
    if figures is None or not figures["texts"]:
        return "-"
    if figures["identical"] == figures["texts"]:
        return "identical"
    return f"{figures['l2']['max']:.1e}" if figures["l2"] else "none"


def _apart(report: RunReport, console: Console) -> None:
    """Say how far a server's unbatched vectors are from those of the other settings."""
    labels = [setting["label"] for setting in report["settings"]]
    for one in report["servers"]:
        far = _largest(one)
        said = "the same bits" if far == "identical" else f"L2 up to {far}"
        changed = one["texts"] - one["identical"]
        console.print(
            Text(
                printable(
                    f"unbatched, {labels[one['server']]} against {labels[one['other']]}: {said}, "
                    f"{changed} of {one['texts']} texts differ"
                )
            )
        )


def _figures(drift: DistributionReport) -> dict[str, str]:
    identical = f"{drift['identical']}/{drift['texts']}"
    if drift["l2"] is None or drift["cosine"] is None:
        return {"identical": identical, "L2 max": "none"}
    if drift["identical"] == drift["texts"]:
        return {"identical": identical, "L2 max": _SAME[0], "p99": _SAME[1]}
    l2 = drift["l2"]
    values = {
        "L2 max": l2["max"],
        "p99": l2["p99"],
        "p50": l2["p50"],
        "1-cos max": drift["cosine"]["max"],
    }
    known = {name: value for name, value in values.items() if value is not None}
    shown = {name: f"{value:.1e}" if value else "0" for name, value in known.items()}
    return {"identical": identical, **shown}


def _finding(report: RunReport, finding: FindingReport, console: Console) -> None:
    mark, style = _MARKS[finding["severity"]]
    number = finding["setting"]
    where = "" if number is None else f"{report['settings'][number]['label']}: "
    word = "" if finding["severity"] == "note" else f"{finding['severity']}: "
    mark = mark if unicode_works(console) else "* "
    message = printable(finding["message"])
    if finding["texts"]:
        ids = ", ".join(printable(name, 20) for name in finding["texts"][:3])
        message += f" [{ids}{', …' if len(finding['texts']) > 3 else ''}]"
    console.print(Text(mark + word + where + message, style=style))
