"""`embedtui list`: what there is to choose from."""

from __future__ import annotations

from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from embedtui.cli import output
from embedtui.cli.config import list_themes
from embedtui.cli.group import Group
from embedtui.cli.models import list_models
from embedtui.cli.shared_options import json_option
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.engine.settings import SWITCHES, Switch
from embedtui.plan.bundles import BUNDLES
from embedtui.plan.scenarios import SITUATIONS, scenario_problems, scenarios
from embedtui.texts import PackInfo, describe_packs


@click.group("list", cls=Group)
def group() -> None:
    """List models, texts, settings, scenarios or themes: what there is to choose from."""


group.add_command(list_models)
group.add_command(list_themes)


@group.command("texts")
@json_option()
def list_texts(as_json: bool) -> None:
    """List the text packs that come with embedtui."""
    if as_json:
        output.write_json("texts/1", packs=[_as_dict(pack) for pack in describe_packs()])
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("pack", no_wrap=True)
    table.add_column("texts", justify="right")
    table.add_column("what it is for")
    for pack in describe_packs():
        table.add_row(Text(pack.name), str(pack.count), Text(printable(pack.description)))
    output.out().print(table)


_ONLY = {"cuda": "GPU", "cpu": "CPU", "server": "servers"}


@group.command("settings")
@json_option()
def list_settings(as_json: bool) -> None:
    """Explain the switches that --dtype and --setting change."""
    if as_json:
        bundles = [{"name": name, "help": one.help} for name, one in BUNDLES.items()]
        output.write_json(
            "settings/1", switches=[_switch(one) for one in SWITCHES], bundles=bundles
        )
        return
    console = output.out()
    for switch in SWITCHES:
        values = ", ".join(switch.choices) or (
            "name:value, and + between several, or auto"
            if switch.read
            else "a whole number, or auto"
        )
        only = (
            "" if {"cpu", "cuda"} <= set(switch.devices) else f" ({_ONLY[switch.devices[0]]} only)"
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


def _as_dict(pack: PackInfo) -> dict[str, Any]:
    return {"name": pack.name, "texts": pack.count, "description": pack.description}


def _switch(switch: Switch) -> dict[str, Any]:
    return {
        "key": switch.key,
        "values": list(switch.choices),
        "default": switch.show(switch.default),
        "devices": list(switch.devices),
        "help": switch.help,
    }


@group.command("scenarios")
@json_option()
def list_scenarios(as_json: bool) -> ExitCode:
    """Explain what embeddings are used for, and the drift that each use can bear.

    Your own go into scenarios.toml beside the config file: a table for each, with `metric` (l2,
    cosine, max_abs), `tolerance` (0 for equal bits) and, if you like, `name`, `short`, `reason`,
    `source` and `situation`. The exit code is 2 where that file is wrong.
    """
    problems = scenario_problems()
    code = ExitCode.BAD_INPUT if problems else ExitCode.DONE
    for problem in problems:
        output.err().print(f"embedtui: {printable(problem)}", soft_wrap=True)
    if as_json:
        listed = [vars(one) | {"limit": one.limit} for one in scenarios().values()]
        output.write_json("scenarios/1", scenarios=listed, problems=problems)
        return code
    console = output.out()
    for one in scenarios().values():
        console.print(Text.assemble((printable(one.key), "bold"), f"  {one.name}: {one.limit}"))
        console.print(Text(f"    {one.reason}"))
        console.print(Text(f"    source: {one.source}", style="dim"))
    console.print(Text("What the vectors meet (--situation):", style="bold"))
    for key, said in SITUATIONS.items():
        console.print(Text(f"  {key}: {said}"))
    return code
