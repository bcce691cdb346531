"""`embedtui models`, `texts` and `settings`: what there is to choose from."""

from __future__ import annotations

from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from embedtui import models
from embedtui.cli import output
from embedtui.engine.settings import SWITCHES
from embedtui.printable import printable
from embedtui.record import exports
from embedtui.texts import describe_packs


@click.command("models")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_models(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the models that can be explored here.

    The alias, the models in the local hub cache, and those in FOLDERs. Nothing is loaded and the
    network is not asked; `vLLM` says whether the installed vLLM would embed with the model.
    """
    found = models.find_models(folders)
    if as_json:
        keys = (
            "ref",
            "name",
            "architecture",
            "layers",
            "width",
            "pooling",
            "pooling_source",
            "parameters",
            "dtype",
            "bytes_on_disk",
            "max_length",
            "embeds",
            "reason",
        )
        listed = [{key: getattr(info, key) for key in keys} for info in found]
        output.write(exports.dump(listed))
        return
    console = output.out()
    for info in found:
        console.print(_model_lines(info), soft_wrap=True)


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


def _model_lines(info: models.ModelInfo) -> Text:
    facts = [info.architecture or "no architecture"]
    if info.layers and info.width:
        facts.append(f"{info.layers} layers × {info.width}")
    if info.pooling:
        facts.append(f"{info.pooling} pooling")
    if info.parameters:
        facts.append(f"{info.parameters / 1e6:.1f} M parameters")
    if info.bytes_on_disk:
        facts.append(f"{info.bytes_on_disk / 1e6:.1f} MB")
    if info.max_length:
        facts.append(f"{info.max_length} tokens")
    mark, style = {"yes": ("✔ ", "green"), "no": ("✗ ", "red")}.get(info.embeds, ("? ", "yellow"))
    return Text.assemble(
        (printable(info.ref), "bold"),
        "\n  ",
        printable(" · ".join(facts)),
        "\n  ",
        (f"{mark}vLLM: {info.embeds}", style),
        f", {printable(info.reason)}" if info.reason else "",
    )
