"""`embedtui compare RUN#SETTING RUN#SETTING`: one setting's index, another's queries."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from embedtui.assess import cross_setting_search
from embedtui.assess.cross_setting_search import Mixed, Side
from embedtui.cli import output
from embedtui.cli.fit_columns import plain_table
from embedtui.cli.neighbour_tables import quality_table, table
from embedtui.cli.parameter_types import run_file_of
from embedtui.common.errors import ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.common.wording import percent
from embedtui.measure import summarize
from embedtui.report.figures_report import distribution
from embedtui.report.retrieval_report import compared
from embedtui.results.results import Results
from embedtui.storage import run_file


def mix(index: str, queries: str | None, *, as_json: bool) -> ExitCode:
    """Print what a search finds in an index of one setting with queries of another.

    Each is RUN#SETTING, or RUN#SETTING@BATCH; with a run alone every setting is asked by every
    other.

    Raises:
        InputError: if a run or a setting is not there, or one side names no setting.
    """
    ref, hash_, which = index.rpartition("#") if "#" in index else (index, "", "")
    results = run_file.read(run_file_of(ref))
    if queries is None and not hash_:
        return _every_pair(results, as_json=as_json)
    if queries is None:
        raise InputError(
            f"{printable(index, 80)} is an index alone: give RUN#SETTING of the queries too, or a "
            "run without a setting for all pairs"
        )
    other_ref, _, other = queries.rpartition("#") if "#" in queries else (queries, "", "")
    same = other_ref == ref
    asked = results if same else run_file.read(run_file_of(other_ref))
    found = cross_setting_search.mix(
        cross_setting_search.side_of(results, which, batched=True),
        cross_setting_search.side_of(asked, other, batched=False),
    )
    if as_json:
        output.write_json("mix/1", pairs=[_as_dict(found)])
    else:
        _show(found, output.out())
    return ExitCode.DONE


def _every_pair(results: Results, *, as_json: bool) -> ExitCode:
    usable = [str(s.number + 1) for s in results.settings if s.unbatched.count]
    index = [cross_setting_search.side_of(results, one, batched=True) for one in usable]
    queries = [cross_setting_search.side_of(results, one, batched=False) for one in usable]
    widths = {side.vectors.shape[1] for side in index}
    pairs = [
        [
            cross_setting_search.mix(one, two) if len(widths) == 1 or _alike(one, two) else None
            for two in queries
        ]
        for one in index
    ]
    if as_json:
        found = [_as_dict(one) for row in pairs for one in row if one is not None]
        output.write_json("mix/1", pairs=found)
        return ExitCode.DONE
    console = output.out()
    said = (
        "queries that find another order in the top 10 than where the index's own setting embeds "
        "queries and documents alone"
    )
    console.print(Text(said, style="dim"))
    made = plain_table(console)
    made.add_column("index", no_wrap=True)
    for number in usable:
        made.add_column(f"#{number}", justify="right", no_wrap=True)
    for number, row in zip(usable, pairs, strict=True):
        made.add_row(f"#{number}", *(_cell(one) for one in row))
    console.print(made)
    for number, side in zip(usable, index, strict=True):
        console.print(Text(f"#{number} {printable(side.label)}", style="dim"))
    console.print(Text("rows: documents in these batches; columns: queries alone", style="dim"))
    return ExitCode.DONE


def _alike(one: Side, two: Side) -> bool:
    return bool(one.vectors.shape == two.vectors.shape)


def _cell(one: Mixed | None) -> Text:
    if one is None:
        return Text("-", style="dim")
    order = one.against_index.order_changed[0]
    return Text(percent(order, one.against_index.queries), style="yellow" if order else "green")


def _show(one: Mixed, console: Console) -> None:
    plan = one.index.results.plan
    searched = one.against_index
    console.print(
        Text.assemble(
            (printable(plan.model_name), "bold"),
            f" · {searched.documents} documents by ",
            (printable(one.index.label), "bold"),
            f", {searched.queries} queries by ",
            (printable(one.queries.label), "bold"),
        )
    )
    summary = summarize(one.drift)
    if summary.pairs and not summary.all_identical:
        l2 = summary["l2"]
        said = f"L2 up to {l2['max']:.1e} apart, {l2['p50']:.1e} in the middle"
        console.print(f"The vectors of the same texts are {said}.")
    else:
        console.print("The vectors of the same texts are equal bit for bit.")
    rows = [
        ("index's own", compared(one.against_index)),
        ("queries' own", compared(one.against_queries)),
    ]
    console.print(table(rows, console))
    judged = [(name, found["quality"]) for name, found in rows if found["quality"]]
    if judged:
        console.print(quality_table(judged, console))
    console.print(Text.assemble(("Verdict: ", "bold"), f"{cross_setting_search.describe(one)}."))


def _as_dict(one: Mixed) -> dict[str, Any]:
    finite = one.drift.rows(np.isfinite(one.drift.l2))
    return {
        "index": {"setting": one.index.setting.setting.label, "batch_size": one.index.batch_size},
        "queries": {
            "setting": one.queries.setting.setting.label,
            "batch_size": one.queries.batch_size,
        },
        "drift": distribution(summarize(finite)),
        "against_index": compared(one.against_index),
        "against_queries": compared(one.against_queries),
    }
