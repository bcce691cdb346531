"""Tables that leave columns out rather than cut a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from embedtui.cli.output import unicode_works


def fit_columns(
    console: Console, expendable: Sequence[str], made: Callable[[set[str]], Table], indent: int = 0
) -> Table:
    """Return the widest table that the console has room for, without the first of `expendable`.

    `made` makes the table without the columns that it is given.
    """
    unlimited = console.options.update_width(1000)
    for left_out in range(len(expendable) + 1):
        table = made(set(expendable[:left_out]))
        if console.measure(table, options=unlimited).maximum + indent <= console.width:
            break
    return table


def plain_table(console: Console) -> Table:
    """Return an empty table with a rule below its heading, in what the console can show."""
    return Table(
        box=box.SIMPLE_HEAD if unicode_works(console) else box.ASCII,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )
