"""`embedtui storage`: what storing and sending vectors costs, with drift on the same axes."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from embedtui.assess.retrieval import RANDOM_WEIGHTS
from embedtui.assess.storage_comparison import Row, Source, compare_storage, source_of
from embedtui.cli import output
from embedtui.cli.fit_columns import fit_columns, plain_table
from embedtui.cli.group import Command
from embedtui.cli.parameter_types import SideRef, run_file_of
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.shared_options import json_option
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.common.wording import percent, text_count
from embedtui.measure import summarize
from embedtui.report.figures_report import distribution
from embedtui.report.retrieval_report import compared
from embedtui.results.results import Results
from embedtui.storage import library, run_file

_COLUMNS = ("bytes", "L2 max", "L2 p50", "top 1", "order", "overlap", "nDCG@10")
_EXPENDABLE = ("L2 p50", "overlap", "nDCG@10", "bytes", "top 1")
_STYLES = {"drift": "bold", "storage": "", "dimensions": "", "wire": "dim"}
_SIGNS = {"drift": "drift", "storage": "store", "dimensions": "cut", "wire": "wire"}


@click.command("storage", cls=Command)
@click.argument("run", metavar="[RUN[#SETTING]]", default=library.LAST, type=SideRef())
@json_option()
@with_search_progress
def command(run: str, as_json: bool) -> ExitCode:
    """Show drift in proportion: beside float16, int8 or binary storage, and beside the wire.

    One table by size: how far vectors move and how many lists of neighbours change by batches, by
    the dtype, by what an index stores, by cutting dimensions and by how vectors are sent. Formats
    take vectors of the setting that is nearest to float64, each text alone, or of SETTING or
    SETTING@BATCH, its number in the run or its label with commas. RUN is a file, a recording or
    last, the newest run in the data folder.
    """
    ref, _, which = run.rpartition("#") if "#" in run else (run, "", "")
    results = run_file.read(run_file_of(ref))
    source = source_of(results, which)
    rows = compare_storage(results, source)
    if as_json:
        side = source.side
        of = {"setting": side.setting.setting.label, "batch_size": side.batch_size}
        output.write_json(
            "storage/1", formats_of=of | {"why": source.why}, rows=[_as_dict(row) for row in rows]
        )
    else:
        _show(results, source, rows, output.out())
    return ExitCode.DONE


def _show(results: Results, source: Source, rows: list[Row], console: Console) -> None:
    plan = results.plan
    first = next((row.retrieval for row in rows if row.retrieval), None)
    console.print(
        Text.assemble(
            (printable(plan.model_name), "bold"),
            f" · {text_count(len(plan.pack))} ({printable(plan.pack.name)})",
        )
    )
    said = source.told
    if first is not None:
        what = "queries" if first.sides.labelled else "texts"
        said += f"; top 1, order: {what} of {first.queries} with another nearest, or ten nearest"
    console.print(Text(printable(said, 400), style="dim"))
    if plan.random_weights:
        console.print(Text(RANDOM_WEIGHTS, style="yellow"))

    def made(left_out: set[str]) -> Table:
        table = plain_table(console)
        table.add_column("", no_wrap=True)
        table.add_column("what", overflow="fold")
        for name in _COLUMNS:
            if name not in left_out:
                table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            cells = dict(zip(_COLUMNS, _cells(row), strict=True))
            kept = [cells[name] for name in _COLUMNS if name not in left_out]
            table.add_row(_SIGNS[row.kind], printable(row.name), *kept, style=_STYLES[row.kind])
        return table

    judged = first is not None and first.quality_after is not None
    never: set[str] = set() if judged else {"nDCG@10"}
    console.print(fit_columns(console, _EXPENDABLE, lambda left_out: made(left_out | never)))


def _cells(row: Row) -> list[str]:
    summary = summarize(row.distances)
    size = "" if row.bytes_per_vector is None else f"{row.bytes_per_vector:.0f}"
    if not summary.pairs:
        l2 = ["none", ""]
    else:
        l2 = [f"{summary['l2'][key]:.1e}" if summary["l2"][key] else "0" for key in ("max", "p50")]
    found = row.retrieval
    if found is None:
        return [size, *l2, "", "", "", ""]
    quality = found.quality_after
    return [
        size,
        *l2,
        percent(found.top1_changed[0], found.queries),
        percent(found.order_changed[0], found.queries),
        f"{found.mean('overlap')[0]:.4f}",
        f"{quality.mean('nDCG@10')[0]:.4f}" if quality else "",
    ]


def _as_dict(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "setting": row.side.setting.setting.label,
        "batch_size": row.side.batch_size,
        "order": str(row.pass_key),
        "bytes_per_vector": row.bytes_per_vector,
        "distances": distribution(summarize(row.distances)),
        "retrieval": compared(row.retrieval) if row.retrieval else None,
    }
