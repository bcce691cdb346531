"""`embedtui texts` and `settings`: what there is to choose from."""

from __future__ import annotations

import click
from rich import box
from rich.table import Table
from rich.text import Text

from embedtui.cli import output
from embedtui.engine.settings import SWITCHES
from embedtui.printable import printable
from embedtui.study.bundles import BUNDLES
from embedtui.texts import describe_packs


@click.command("texts")
def list_texts() -> None:
    """List the text packs that come with embedtui."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("pack", no_wrap=True)
    table.add_column("texts", justify="right")
    table.add_column("what it is for")
    for pack in describe_packs():
        table.add_row(Text(pack.name), str(pack.count), Text(printable(pack.description)))
    output.out().print(table)


@click.command("settings")
def list_settings() -> None:
    """Explain the switches that --dtype and --setting change."""
    console = output.out()
    for switch in SWITCHES:
        values = ", ".join(switch.choices) or "a whole number, or auto"
        only = (
            ""
            if len(switch.devices) > 1
            else f" ({'GPU' if 'cuda' in switch.devices else 'CPU'} only)"
        )
        default = switch.show(switch.default)
        console.print(
            Text.assemble((switch.key, "bold"), f" = {values}  [default: {default}]{only}")
        )
        console.print(Text("    " + switch.help))
    console.print()
    console.print(Text("Bundles, for --bundle and plan files:"))
    for name, one in BUNDLES.items():
        console.print(Text.assemble((name, "bold"), f"  {one.help}"))
