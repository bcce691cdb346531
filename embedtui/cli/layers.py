"""`embedtui run --layers-only`: in which layers error and batch drift arise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from embedtui.cli import output
from embedtui.cli.fit_columns import fit_columns, plain_table
from embedtui.cli.recorded_run import measure, started_engines
from embedtui.cli.shared_options import FLAGS, Asked
from embedtui.common.errors import EngineError, ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.options import BY_NAME, model_kind
from embedtui.report import exports, run_report
from embedtui.report.layer_report import COLUMNS_EXPLAINED, figures
from embedtui.report.report_types import SettingReport
from embedtui.report.report_types_layers import LayersReport
from embedtui.run.layer_analysis import refuse_layers

_COLUMNS = ("error", "growth", "adds", "share", "drift", "equal", "exact")
_EXPENDABLE = ("growth", "equal")
"""Columns that a narrow terminal does without, the first of them first."""


def measure_layers(
    asked: Asked, under: float | None, *, out: Path | None, as_json: bool, quiet: bool
) -> ExitCode:
    """Show in which layers of a model its error and its batch drift arise.

    The states between layers are read in vLLM itself, from each text alone and in a batch, and
    held against a float64 model. What each part adds to the final error is followed to the end in
    float64; the fewest layers that would need float32 are predicted from that, and tried with
    vLLM's own kernels in all the others.
    """
    asked = asked.in_mode("layers")
    console = output.err()
    plan, weights_bytes = plan_of(
        _chosen(asked, under),
        lambda what: None if quiet else console.print(what, soft_wrap=True),
    )
    plan = replace(plan, layers=asked.values["limit"] or len(plan.pack))
    for setting in plan.settings:
        refuse_layers(setting)
    with started_engines() as engines:
        measured = measure(plan, weights_bytes, engines, out, quiet=quiet)
    if measured.failure is not None and not measured.results.settings[0].unbatched.count:
        raise measured.failure
    made = run_report.build(measured.results)
    if as_json:
        output.write(exports.to_json(made))
    else:
        for one in made["settings"]:
            show(one, output.out())
    if not quiet:
        measured.print_path()
    code = measured.ended()
    if code == ExitCode.DONE and not any(s.layers.there for s in measured.results.settings):
        raise EngineError(measured.results.settings[0].layers.reason or "no layers were looked at")
    return code


def _chosen(asked: Asked, under: float | None) -> Choices:
    """Return what is looked into, without passes of its own.

    Raises:
        InputError: if the model is a server, or there is not one batch size.
    """
    choices = replace(asked.choices(repeats=0, shuffles=0), layers_under=under)
    if len(set(choices.batch_sizes) - {1}) > 1:
        raise InputError("--batch-sizes: layers are looked into at one batch size; give one")
    if model_kind(choices) != "local":
        raise InputError(f"{FLAGS['layers']}: {BY_NAME['layers'].reason}")
    asked.refuse_unusable("layers", choices)
    return choices


def show(setting: SettingReport, console: Console) -> None:
    """Print what a report has of one setting's layers."""
    found = setting["layers"]
    console.print()
    console.print(Text(printable(setting["label"]), style="bold"))
    if found is None or "sites" not in found:
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
    console.print(fit_columns(console, _EXPENDABLE, partial(_table, found, console)))
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


def _table(found: LayersReport, console: Console, left_out: set[str]) -> Table:
    table = plain_table(console)
    table.add_column("after", overflow="fold")
    shown = [name for name in _COLUMNS if name not in left_out]
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True, overflow="fold")
    for place in found["sites"]:
        cells = figures(place, found)
        table.add_row(place["name"], *(cells[name] for name in shown))
    return table
