"""The grid of a sweep as a heat map for a terminal: settings down, batch sizes across."""

from __future__ import annotations

import math
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtui.assess.pareto_front import Step, describe_step
from embedtui.cli.output import unicode_works
from embedtui.common.printable import printable
from embedtui.common.wording import percent
from embedtui.report.report_types_sweep import (
    ChangedListsReport,
    FrontReport,
    LargestReport,
    RowReport,
    ScenarioReport,
    SweepReport,
)

_HEAT = ((1e-6, "green"), (1e-4, "yellow"), (1e-2, "dark_orange"), (math.inf, "red"))
"""The largest L2 of each colour; the figure itself is always there as well."""


def show(grid: SweepReport, console: Console, use: str) -> None:
    """Print the grid, what could not be had, a verdict for each scenario, and what to serve."""
    console.print()
    orders = max((row["orders"] for row in grid["rows"]), default=0)
    tried = f"; the largest batches in {orders} orders" if orders > 1 else ""
    console.print(Text(f"largest L2 of any text, batched against unbatched{tried}", style="dim"))
    if any(row["retrieval"] for row in grid["rows"]):
        what = "top-1, order: queries with another nearest neighbour, or order in the top 10"
        console.print(Text(what, style="dim"))
    for run in dict.fromkeys((row["model"], row["texts"]) for row in grid["rows"]):
        rows = [row for row in grid["rows"] if (row["model"], row["texts"]) == run]
        measured = [s for s in grid["batch_sizes"] if any(str(s) in row["drift"] for row in rows)]
        console.print(_table(", ".join(run), rows, measured, console))
    if grid["skipped"]:
        console.print(Text("Not available here:", style="bold"))
        # Settings that differ in another switch are refused for the same reason.
        for reason in dict.fromkeys(one["reason"] for one in grid["skipped"]):
            console.print(Text(f"  {printable(reason, 300)}"))
        console.print()
    _front(grid["pareto_front"]["precision_error"], "precision error", console)
    _front(grid["pareto_front"]["drift"], "batch drift", console)
    several = len({(one["model"], one["texts"]) for one in grid["scenarios"]}) > 1
    console.print(Text("What holds for which use:", style="bold"))
    for one in grid["scenarios"]:
        _scenario(one, console, several=several)
    console.print()
    for chosen in (one for one in grid["scenarios"] if one["scenario"] == use):
        _verdict(chosen, console)


def _verdict(chosen: ScenarioReport, console: Console) -> None:
    """Print what to serve one model with."""
    head, serve = f"{printable(chosen['model'])} for {chosen['name']}", printable(chosen["serve"])
    if not chosen["command"]:
        console.print(Text.assemble(("Verdict: ", "bold"), f"{head}: {serve}"))
        return
    console.print(Text.assemble(("Verdict: ", "bold"), f"serve {head} with {serve}"))
    # One line whatever its length: it is there to be copied.
    console.print(Text(f"  {printable(chosen['command'])}"), soft_wrap=True)


def _table(model: str, rows: list[RowReport], sizes: list[int], console: Console) -> Table:
    batched = [size for size in sizes if size > 1]
    table = Table(
        title=Text(printable(model), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD if unicode_works(console) else box.ASCII,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )
    table.add_column("setting", overflow="fold")
    # Where there is no room for every batch size the largest ones tell most.
    room = max((console.width - 76) // 9, 1)
    first = batched[:1] if room > 1 else []
    shown = batched if len(batched) <= room else first + batched[len(batched) - room + len(first) :]
    for size in shown:
        table.add_column(f"@{size}", justify="right", no_wrap=True)
    for name in ("top-1", "order", "precision", "texts/s", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        speed, memory = row["texts_per_second"], row["memory_bytes"]
        table.add_row(
            Text(printable(row["short_label"]) + (f" ✗ {row['fault']}" if row["fault"] else "")),
            *(_cell(row["drift"].get(str(size))) for size in shown),
            _share(row["retrieval"], "top1_changed"),
            _share(row["retrieval"], "order_changed"),
            _cell(row["precision_error"], same="0"),
            f"{speed:.0f}" if speed else "",
            f"{memory / 1e6:.0f}" if memory else "",
        )
    return table


def _front(steps: list[FrontReport], words: str, console: Console) -> None:
    """Print what each step from the fastest setting to the nearest costs."""
    if len(steps) < 2:
        return
    console.print(Text(f"Cost of lower {words}, from the fastest setting on:", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column("setting", overflow="fold")
    table.add_column("texts/s", justify="right", no_wrap=True)
    table.add_column("L2", justify="right", no_wrap=True)
    table.add_column("step", overflow="fold")
    for one in steps:
        step = Step(0, one["times_slower"], one["times_nearer"])
        table.add_row(
            Text(f"  {printable(one['label'])}"),
            f"{one['texts_per_second']:.0f} texts/s",
            f"L2 {one['l2_max']:.1e}" if one["l2_max"] else "identical",
            Text(describe_step(step, words), style="dim"),
        )
    console.print(table)
    console.print()


def _cell(figures: LargestReport | None, same: str = "same") -> Text:
    if figures is None or figures["l2_max"] is None:
        return Text("-" if figures is None else "none", style="dim")
    if figures["identical"] == figures["texts"]:
        return Text(same, style="green")
    value = figures["l2_max"]
    style = next(style for most, style in _HEAT if value <= most)
    return Text(f"{value:.1e}", style=style)


def _share(
    found: ChangedListsReport | None, what: Literal["top1_changed", "order_changed"]
) -> Text:
    """Return which share of queries finds something else."""
    if found is None:
        return Text("-", style="dim")
    changed = found[what][0]
    return Text(percent(changed, found["queries"]), style="yellow" if changed else "green")


def _scenario(one: ScenarioReport, console: Console, *, several: bool) -> None:
    model = f", {printable(one['model'])}" if several else ""
    line = Text(f"  {one['name']} ({one['limit']}){model}: ")
    rest = [
        f"{word} {printable(', '.join(labels), 400)}"
        for word, labels in (
            ("borderline", one["borderline"]),
            ("not", one["falls_short"]),
            ("not measured", one["not_measured"]),
        )
        if labels
    ]
    count = sum(len(one[key]) for key in ("holds", "borderline", "falls_short"))
    if not count:
        line.append("not measured")
    elif not one["holds"]:
        line.append("none for sure" if one["borderline"] else "none of them", style="red")
    else:
        some = f"{len(one['holds'])} of {count}" if rest else f"all {count}"
        line.append(some, style="yellow" if rest else "green")
        if one["recommended"]:
            line.append(f", cheapest {printable(one['recommended'])}")
    if rest and count:
        line.append(f"; {'; '.join(rest)}", style="dim")
    console.print(line)
