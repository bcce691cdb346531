"""`embedtui layers`: in which layers error and batch drift arise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from embedtui.cli import output
from embedtui.cli.measure import measure, started_engines
from embedtui.engine.settings import parse_overrides
from embedtui.errors import EngineError
from embedtui.printable import printable
from embedtui.record import exports, report
from embedtui.record.layer_report import COLUMNS_EXPLAINED, figures
from embedtui.study.choices import Choices, plan_of
from embedtui.study.layers import refuse_layers

_COLUMNS = ("error", "growth", "adds", "share", "drift", "equal", "exact")
_EXPENDABLE = ("growth", "equal")
"""Columns that a narrow terminal does without, the first of them first."""


@click.command(
    "layers",
    epilog="\b\nExamples:\n"
    "  embedtui layers                              minilm in float16\n"
    "  embedtui layers ./my-model --dtype bfloat16 --limit 16\n"
    "  embedtui layers --dtype bfloat16 --setting cpu_isa=avx512 --under 5e-3\n",
)
@click.argument("model", default="minilm")
@click.option(
    "--dtype",
    default="float16",
    show_default=True,
    type=click.Choice(["auto", "float16", "bfloat16", "float32"]),
    help="Precision to load the model in.",
)
@click.option(
    "--setting", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a switch."
)
@click.option(
    "--texts",
    default="passages",
    show_default=True,
    metavar="PACK|FILE",
    help="A text pack or a file.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    metavar="N",
    help="Take the first N texts only.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Texts per step, held against each alone.",
)
@click.option("--prompt", default="", metavar="NAME|TEXT", help="Put before every text.")
@click.option(
    "--under",
    type=click.FloatRange(0, min_open=True),
    metavar="L2",
    help="Find the fewest layers that in float32 bring every text's error under this.  "
    "[default: half of what it is]",
)
@click.option("--no-truth", is_flag=True, help="Batch drift by layer alone.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The run file to write.  [default: one in the data folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (docs/report.md).")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def command(
    model: str,
    dtype: str,
    assignments: tuple[str, ...],
    texts: str,
    limit: int,
    batch_size: int,
    prompt: str,
    under: float | None,
    no_truth: bool,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show in which layers of MODEL its error and its batch drift arise.

    The states between layers are read in vLLM itself, from each text alone and in a batch, and
    held against a float64 model. What each part adds to the final error is followed to the end in
    float64; the fewest layers that would need float32 are predicted from that, and tried with
    vLLM's own kernels in all the others.
    """
    choices = Choices(
        model=model,
        texts=texts,
        limit=limit,
        chosen=(parse_overrides([f"dtype={dtype}", *assignments]),),
        batch_sizes=(batch_size,),
        repeats=0,
        shuffles=0,
        truth=not no_truth,
        prompt=prompt,
        layers=limit,
        layers_under=under,
    )
    console = output.err()
    plan, weights_bytes = plan_of(
        choices, lambda what: None if quiet else console.print(what, soft_wrap=True)
    )
    for setting in plan.settings:
        refuse_layers(setting)
    with started_engines() as engines:
        measured = measure(plan, weights_bytes, engines, out, quiet=quiet)
    if measured.failure is not None and not measured.results.settings[0].unbatched.count:
        raise measured.failure
    made = report.build(measured.results)
    if as_json:
        output.write(exports.to_json(made))
    else:
        for one in made["settings"]:
            show(one, output.out())
    if not quiet:
        measured.tell_path()
    code = measured.ended()
    if code == 0 and not any(s.layers.there for s in measured.results.settings):
        raise EngineError(measured.results.settings[0].layers.reason or "no layers were looked at")
    return code


def show(setting: dict[str, Any], console: Console) -> None:
    """Print what a report has of one setting's layers."""
    found = setting["layers"]
    console.print()
    console.print(Text(printable(setting["label"]), style="bold"))
    if found is None or "places" not in found:
        reason = printable(found["reason"]) if found else "its layers were not looked into"
        console.print(Padding(Text(reason), (0, 0, 0, 2)))
        return
    console.print(
        Padding(
            Text(
                COLUMNS_EXPLAINED,
                style="dim",
            ),
            (0, 0, 0, 2),
        )
    )
    console.print(_fitting(found, console))
    console.print(Padding(Text(printable(found["verdict"])), (0, 0, 0, 2)))
    if found["sum_gap"] is not None:
        console.print(
            Padding(
                Text(
                    f"The parts sum to the precision error within {found['sum_gap']:.0e} of it; "
                    f"their squares to {found['independence']:.2f} times its square: 1 would be "
                    "errors that know nothing of each other.",
                    style="dim",
                ),
                (0, 0, 0, 2),
            )
        )


def _fitting(found: dict[str, Any], console: Console) -> Table:
    """Return the widest table that the console has room for: a figure is never cut."""
    unlimited = console.options.update_width(1000)
    for left_out in range(len(_EXPENDABLE) + 1):
        table = _table(found, console, set(_EXPENDABLE[:left_out]))
        if console.measure(table, options=unlimited).maximum <= console.width:
            break
    return table


def _table(found: dict[str, Any], console: Console, left_out: set[str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD if output.unicode_works(console) else box.ASCII,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )
    table.add_column("after", overflow="fold")
    shown = [name for name in _COLUMNS if name not in left_out]
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True, overflow="fold")
    for place in found["places"]:
        cells = figures(place, found)
        table.add_row(place["name"], *(cells[name] for name in shown))
    return table
