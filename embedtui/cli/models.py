"""`embedtui list models` and `make-model`: what there is, and any shape with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from embedtui import models
from embedtui.cli import output
from embedtui.cli.group import Choice, Command
from embedtui.cli.parameter_types import ModelName
from embedtui.cli.shared_options import json_option
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.models.facts import facts_of
from embedtui.models.make import ARCHITECTURES, LAYERS, POOLINGS, POSITIONS, WIDTHS, usual_pooling
from embedtui.models.shape import Shape

_KEYS = (
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
    "random",
    "prompts",
    "default_prompt",
    "similarity",
    "differs",
    "embeds",
    "reason",
)
"""What --json tells of a model."""


@click.command("models", cls=Command)
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@json_option("the list as one JSON object")
def list_models(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the models of this machine, and those in FOLDERs.

    The alias minilm, the models made by `embedtui make-model`, those in the local hub cache, and
    those in FOLDERs. Nothing is loaded and the network is not asked; `vLLM` says whether the
    installed vLLM would embed with the model.
    """
    found = models.find_models(folders)
    if as_json:
        output.write_json("models/1", models=[_as_dict(info) for info in found])
        return
    console = output.out()
    for info in found:
        console.print(_lines(info), soft_wrap=True)


@click.command("make-model", cls=Command)
@click.option(
    "--arch",
    type=Choice(ARCHITECTURES),
    default="bert",
    show_default=True,
    help="The architecture; qwen3, mistral and gemma3 are decoders.",
)
@click.option(
    "--layers",
    type=click.IntRange(LAYERS[0], LAYERS[-1]),
    default=6,
    show_default=True,
    help="How many.",
)
@click.option(
    "--width",
    type=click.IntRange(WIDTHS[0], WIDTHS[-1]),
    default=384,
    show_default=True,
    help="Length of a hidden state; a multiple of 64, or 32.",
)
@click.option(
    "--pooling",
    type=Choice(POOLINGS),
    help="How the model pools.  [default: mean; last for qwen3, mistral]",
)
@click.option(
    "--seed", type=click.IntRange(0), default=7, show_default=True, help="Draws the weights."
)
@click.option(
    "--positions",
    type=click.IntRange(POSITIONS[0], POSITIONS[-1]),
    default=512,
    show_default=True,
    help="Tokens of the longest text.",
)
@click.option(
    "--tokenizer",
    default="minilm",
    show_default=True,
    type=ModelName(),
    metavar="MODEL",
    help="The model whose tokenizer is taken.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to write it.  [default: the data folder, where its name finds it]",
)
@json_option("what was made as one JSON object")
def make(
    arch: str,
    layers: int,
    width: int,
    pooling: str | None,
    seed: int,
    positions: int,
    tokenizer: str,
    out: Path | None,
    as_json: bool,
) -> ExitCode:
    """Make a model of a chosen depth and width with seeded random weights.

    For what-ifs about size: rounding does not ask what weights mean. What the model says of texts
    means nothing. The same options give the same model.
    """
    shape = Shape(
        folder="",
        tokenizer="",
        arch=arch,
        layers=layers,
        width=width,
        pooling=pooling or usual_pooling(arch),
        seed=seed,
        positions=positions,
    )
    made = models.make(shape, models.resolve(tokenizer), out)
    if as_json:
        output.write_json("model/1", model=_as_dict(made))
    else:
        output.out().print(_lines(made), soft_wrap=True)
    return ExitCode.DONE


def _as_dict(info: models.ModelInfo) -> dict[str, Any]:
    return {key: getattr(info, key) for key in _KEYS}


def _lines(info: models.ModelInfo) -> Text:
    facts = [info.architecture or "no architecture", *(one.full for one in facts_of(info))]
    mark, style = {"yes": ("✔ ", "green"), "no": ("✗ ", "red")}.get(info.embeds, ("? ", "yellow"))
    return Text.assemble(
        (printable(info.ref), "bold"),
        "\n  ",
        printable(" · ".join(facts)),
        "\n  ",
        (f"{mark}vLLM: {info.embeds}", style),
        f", {printable(info.reason)}" if info.reason else "",
        *((f"\n  {line}", "yellow") for line in models.notes(info)),
    )
