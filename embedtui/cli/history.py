"""`embedtui check --history`: drift over time, from the checks that were recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtui import charts
from embedtui.cli import output
from embedtui.cli.fit_columns import plain_table
from embedtui.cli.group import Choice
from embedtui.cli.shared_options import Asked, refuse
from embedtui.common.errors import ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.plan.scenarios import scenarios
from embedtui.storage import check_history
from embedtui.storage.check_history import Row
from embedtui.storage.repeated_checks import added_up

_COLOURS = ("green", "cyan", "magenta", "blue", "yellow", "red", "white", "bright_green")
_INKS = {"axis": "dim", "label": "", "tolerance": "yellow", "blank": ""}
_HEIGHT = 14
_WIDEST = 120
_MEASURES = {"drift": "drift_l2", "golden": "golden_l2", "error": "error_l2"}
_WORDS = {
    "drift": "batch drift",
    "golden": "distance from the golden vectors",
    "error": "precision error",
}


_OWN = ("history", "measure", "last")
_SHARED = {*_OWN, "target", "history_file", "as_json"}


def history_options(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Give `check` the options that show earlier checks instead of making one."""

    @functools.wraps(function)
    def called(
        *, history: bool, measure: str | None, last: int, asked: Asked, **further: Any
    ) -> ExitCode:
        if not history:
            refuse(asked.given, _OWN, "it is for --history")
            return function(asked=asked, **further)
        others = {param.name or "" for param in click.get_current_context().command.params}
        refuse(asked.given, sorted(others - _SHARED), "--history shows checks and makes none")
        if further["as_json"]:
            refuse(asked.given, _OWN[1:], "--json prints every figure of every check")
        model, path = further["target"], further["history_file"]
        return _show(model, path, measure, last, as_json=further["as_json"])

    made: Callable[..., ExitCode] = called
    for option in (
        click.option("--last", type=click.IntRange(1), default=20, show_default=True, metavar="N",
                     help="With --history: rows of the table."),
        click.option("--of", "measure", type=Choice(list(_MEASURES)),
                     help="With --history: what to draw.  [default: golden where there is any, "
                     "else drift]"),
        click.option("--history", is_flag=True,
                     help="Show what earlier checks came to, as a chart and a table, of the models "
                     "whose name has MODEL in it."),
    ):  # fmt: skip
        made = option(made)
    return made


def _show(
    model: str | None, path: Path | None, measure: str | None, last: int, *, as_json: bool
) -> ExitCode:
    """Print a chart of what checks came to over time, and the last of them as a table.

    Below it stands what repeated checks claim together: random orders of the same texts on the same
    engine add up, a seed that came again does not.

    Raises:
        InputError: if there is no check of such a model.
    """
    rows = check_history.read(path or check_history.default_path())
    models = {row.model for row in rows}
    rows = [row for row in rows if model is None or model.lower() in row.model.lower()]
    if not rows:
        near = suggest(model or "", models)
        raise InputError(
            f"no check of '{printable(model, 60)}' was recorded{near}" if model else "no checks yet"
        )
    if as_json:
        together = [vars(one) for one in added_up(rows)]
        output.write_json("history/1", checks=[vars(row) for row in rows], together=together)
        return ExitCode.DONE
    console = output.out()
    wanted = measure or ("golden" if any(row.golden_l2 is not None for row in rows) else "drift")
    _chart(rows, wanted, console)
    console.print(_table(rows[-last:], console))
    for one in added_up(rows):
        console.print(Text(printable(one.said, 600), style="dim"))
    return ExitCode.DONE


def _chart(rows: Sequence[Row], wanted: str, console: Console) -> None:
    names = list(dict.fromkeys(row.name for row in rows))[: len(_COLOURS)]
    series = []
    for number, name in enumerate(names, 1):
        points = [
            (datetime.fromisoformat(row.at).timestamp(), value)
            for row in rows
            if row.name == name and (value := getattr(row, _MEASURES[wanted])) is not None
        ]
        series.append(charts.Series(name, f"series-{number}", tuple(points)))
    uses = {row.scenario for row in rows}
    use = scenarios().get(next(iter(uses))) if len(uses) == 1 else None
    limit = None if use is None else use.tolerance_in("l2")
    picture = charts.over_time(
        series,
        width=min(console.width, _WIDEST),
        height=_HEIGHT,
        first=_moment(rows[0].at),
        last=_moment(rows[-1].at),
        tolerance=limit,
        tolerance_label="" if use is None else f"{use.short} limit: {use.limit}",
        unicode=output.unicode_works(console),
    )
    console.print(Text(f"{_WORDS[wanted]}, L2 at most, over time", style="bold"))
    for line in picture.rows:
        console.print(Text.assemble(*((span.text, _style(span.style)) for span in line)))
    for one in series:
        mark = charts.mark_of(one.style, unicode=output.unicode_works(console))
        console.print(Text.assemble((mark, _style(one.style)), f" {printable(one.label)}"))
    console.print()


def _table(rows: Sequence[Row], console: Console) -> Table:
    table = plain_table(console)
    for name in ("when", "setting", "outcome"):
        table.add_column(name, overflow="fold")
    for name in ("drift", "golden", "orders"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("engine", overflow="fold")
    for row in rows:
        style = {"holds": "green", "failed": "yellow", "inconclusive": "yellow"}.get(
            row.outcome, "red"
        )
        table.add_row(
            _moment(row.at),
            Text(printable(row.name)),
            Text(printable(row.outcome), style=style),
            _figure(row.drift_l2),
            _figure(row.golden_l2),
            str(row.orders),
            Text(printable(row.engine)),
        )
    return table


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1e}" if value else "identical"


def _moment(at: str) -> str:
    return printable(at[:16].replace("T", " "))


def _style(ink: str) -> str:
    if ink.startswith("series-"):
        return _COLOURS[int(charts.ink_of(ink).removeprefix("series-")) - 1]
    return _INKS.get(ink, "")
