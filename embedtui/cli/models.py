"""`embedtui models`: what there is to explore, and models of any shape with random weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from embedtui import models, paths
from embedtui.cli import output
from embedtui.errors import EngineError, InputError
from embedtui.models.shape import Shape
from embedtui.printable import printable
from embedtui.record import exports


class _ListUnlessNamed(click.Group):
    """A group whose `list` needs no name: `embedtui models ./folder` lists what is there."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` before anything that is no command of this group."""
        if not args or args[0] not in {*self.commands, "--help", "-h"}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("models", cls=_ListUnlessNamed)
def group() -> None:
    """List the models that can be explored, or make one.

    Without a command it lists: the alias, the models made here, those in the local hub cache, and
    those in the folders that are named.
    """


@group.command("list")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_models(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the models that can be explored here.

    The alias, the models made by `embedtui models make`, those in the local hub cache, and those in
    FOLDERs. Nothing is loaded and the network is not asked; `vLLM` says whether the installed vLLM
    would embed with the model.
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
            "random",
            "prompts",
            "embeds",
            "reason",
        )
        listed = [{key: getattr(info, key) for key in keys} for info in found]
        output.write(exports.dump(listed))
        return
    console = output.out()
    for info in found:
        console.print(_lines(info), soft_wrap=True)


@group.command("make")
@click.option(
    "--arch",
    type=click.Choice(["bert", "xlm-roberta", "qwen3"]),
    default="bert",
    show_default=True,
    help="The architecture; qwen3 is a decoder.",
)
@click.option("--layers", type=click.IntRange(1, 200), default=6, show_default=True)
@click.option(
    "--width",
    type=click.IntRange(32, 16_384),
    default=384,
    show_default=True,
    help="Length of a hidden state; a multiple of 64, or 32.",
)
@click.option(
    "--pooling",
    type=click.Choice(["mean", "cls", "last"]),
    help="How the model pools.  [default: mean; last for qwen3]",
)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option(
    "--positions",
    type=click.IntRange(16, 131_072),
    default=512,
    show_default=True,
    help="Tokens of the longest text.",
)
@click.option(
    "--tokenizer",
    default="minilm",
    show_default=True,
    metavar="MODEL",
    help="The model whose tokenizer is taken.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to write it.  [default: the data folder, where its name finds it]",
)
def make(
    arch: str,
    layers: int,
    width: int,
    pooling: str | None,
    seed: int,
    positions: int,
    tokenizer: str,
    out: Path | None,
) -> int:
    """Make a model of a chosen depth and width with seeded random weights.

    For what-ifs about size: rounding does not ask what weights mean. What the model says of texts
    means nothing. The same options give the same model.
    """
    if width % 64 and width != 32:
        raise InputError(f"--width {width} cannot be shared out to heads: give a multiple of 64")
    source = models.resolve(tokenizer)
    if source.folder is None or not source.has_tokenizer:
        raise InputError(
            f"the tokenizer of {printable(tokenizer)} is not here: give --tokenizer a model that is"
        )
    pooling = pooling or ("last" if arch == "qwen3" else "mean")
    usual = pooling == ("last" if arch == "qwen3" else "mean")
    name = f"random-{arch}-{layers}x{width}"
    name += "" if usual else f"-{pooling}"
    name += "" if positions == 512 else f"-{positions}"
    name += "" if seed == 7 else f"-seed{seed}"
    folder = out or paths.models_folder() / name
    if folder.exists():
        raise InputError(f"{printable(str(folder))} exists: remove it, or give another --out")
    _write(
        folder,
        Shape(
            folder="",
            tokenizer=str(source.folder),
            arch=arch,
            layers=layers,
            width=width,
            pooling=pooling,
            seed=seed,
            positions=positions,
        ),
    )
    ref = str(folder) if out else name
    output.out().print(_lines(models.resolve(ref)), soft_wrap=True)
    return 0


def _write(folder: Path, shape: Shape) -> None:
    """Write the model beside its place first: what was cut off must not look like a model."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        said = printable(str(folder.parent))
        raise InputError(f"{said} cannot be written: {error.strerror}") from error
    try:
        request = json.dumps(asdict(shape) | {"folder": str(beside)})
        command = [sys.executable, "-P", "-m", "embedtui.engine.random_model", request]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EngineError(f"the model could not be made: {printable(last, 200)}")
        beside.chmod(0o755)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _lines(info: models.ModelInfo) -> Text:
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
    if info.random:
        facts.append("random weights")
    mark, style = {"yes": ("✔ ", "green"), "no": ("✗ ", "red")}.get(info.embeds, ("? ", "yellow"))
    return Text.assemble(
        (printable(info.ref), "bold"),
        "\n  ",
        printable(" · ".join(facts)),
        "\n  ",
        (f"{mark}vLLM: {info.embeds}", style),
        f", {printable(info.reason)}" if info.reason else "",
    )
