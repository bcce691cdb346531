"""What a setting does to lists of neighbours, as a table for a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from embedtui.assess.retrieval import RANDOM_WEIGHTS
from embedtui.assess.retrieval_sentences import describe_forecast
from embedtui.assess.uncertainty import change_of
from embedtui.cli.fit_columns import fit_columns, plain_table
from embedtui.common.wording import percent
from embedtui.report.report_types_retrieval import (
    ListsReport,
    MeasureReport,
    QualityReport,
    RetrievalReport,
)

_COLUMNS = ("top 1", "order", "overlap", "RBO", "pairs", "expected", "could")
_EXPENDABLE = ("RBO", "overlap", "could", "expected", "pairs")
"""Columns that a narrow terminal does without, the first of them first."""
_TIED: tuple[Literal["top1_changed", "order_changed"], ...] = ("top1_changed", "order_changed")
_WORTH_TELLING = 5e-4
"""Share of queries from which on a forecast is more than a row of zeros."""
_MEASURES = ("nDCG@10", "recall@10", "MRR@10")


def show(found: RetrievalReport, console: Console) -> None:
    """Print a report's `retrieval`: the batch size that changes most, and the reference."""
    compared: list[tuple[str, ListsReport]]
    compared = [
        (f"@{one['batch_size']}", one)
        for one in found["batches"]
        if one["batch_size"] == found["worst_batch_size"]
    ]
    compared += [
        (f"mixed @{one['batch_size']}", one)
        for one in found["mixed"]
        if one["batch_size"] == found["worst_mixed_batch_size"]
    ]
    if found["precision_error"]:
        compared.append(("float64", found["precision_error"]))
    what = "queries" if found["labelled"] else "texts"
    said = (
        f"nearest {found['k']} of {found['documents']} for {found['queries']} {what}, unbatched "
        f"against {', '.join(name for name, _ in compared)}; {what} whose top 1 or order "
        "changed, and neighbouring pairs that did, were expected to and could; mixed: queries "
        "alone, documents batched"
    )
    if any(one[name][1] > one[name][0] for _, one in compared for name in _TIED):
        said += "; tied: these may have changed or not, by how equal scores are sorted"
    console.print(Padding(Text(said, style="dim"), (0, 0, 0, 2)))
    console.print(Padding(table(compared, console, indent=2), (0, 0, 0, 2)))
    console.print(Padding(Text(_crossings(compared), style="dim"), (0, 0, 0, 2)))
    judged = [(name, one["quality"]) for name, one in compared if one["quality"]]
    if judged:
        console.print(Padding(quality_table(judged, console), (0, 0, 0, 2)))
    if found["random_weights"]:
        console.print(Padding(Text(RANDOM_WEIGHTS, style="yellow"), (0, 0, 0, 2)))
    larger = found["forecast"]
    if larger and larger["order_changed"][2] >= _WORTH_TELLING:
        said = describe_forecast(
            larger["documents"], larger["order_changed"], larger["top1_changed"]
        )
        console.print(Padding(Text(said, style="dim"), (0, 0, 0, 2)))


def _crossings(compared: Sequence[tuple[str, ListsReport]]) -> str:
    """Say how many scores come to lie on the other side of a threshold that searches ask for."""
    said = []
    for name, one in compared:
        crossed = [f"{count} cross {limit}" for limit, count in one["crossed"].items() if count]
        said.append(f"{name}: {', '.join(crossed) or 'none'} ({one['scored']} scores)")
    return f"scores on the other side of a threshold: {'; '.join(said)}"


def table(compared: Sequence[tuple[str, ListsReport]], console: Console, indent: int = 0) -> Table:
    """Return how far pairs of lists agree, a row for each pair."""

    def made(left_out: set[str]) -> Table:
        found = plain_table(console)
        found.add_column("neighbours", overflow="fold")
        for name in _COLUMNS:
            if name not in left_out:
                found.add_column(name, justify="right", no_wrap=True)
        for name, one in compared:
            cells = dict(zip(_COLUMNS, _cells(one), strict=True))
            found.add_row(name, *(cells[c] for c in _COLUMNS if c not in left_out))
        return found

    return fit_columns(console, _EXPENDABLE, made, indent)


def _cells(one: ListsReport) -> list[Text | str]:
    margins = one["margins"]
    return [
        _changed(one["top1_changed"], one["queries"]),
        _changed(one["order_changed"], one["queries"]),
        _range(one["overlap"]),
        _range(one["rbo"]),
        str(margins["changed"]),
        f"{margins['expected']:.1f}",
        str(margins["could_change"]),
    ]


def quality_table(judged: list[tuple[str, QualityReport]], console: Console) -> Table:
    """Return how good lists are by judgements before and after, and what the difference tells."""
    made = plain_table(console)
    made.add_column("judgements", overflow="fold")
    made.add_column("", no_wrap=True)
    for name in ("before", "after", "difference"):
        made.add_column(name, justify="right", no_wrap=name != "difference", overflow="fold")
    made.add_column("queries", justify="right", no_wrap=True)
    for name, one in judged:
        measures = (one["ndcg_at_10"], one["recall_at_10"], one["mrr_at_10"])
        for place, (measure, figure) in enumerate(zip(_MEASURES, measures, strict=True)):
            changed = figure["queries_changed"]
            made.add_row(
                "" if place else name,
                measure,
                f"{figure['before'][0]:.4f}",
                f"{figure['after'][0]:.4f}",
                _difference(figure),
                Text(str(changed), style="yellow" if changed else "green"),
            )
    return made


def _difference(one: MeasureReport) -> str:
    """Return how much a mean changed; queries whose figure did not are no proof for all."""
    if not one["queries_changed"]:
        return "none seen"
    return change_of(one["difference"][0], *one["interval"])


def _changed(counts: list[int], queries: int) -> Text:
    certain, possible = counts
    tied = f", {possible - certain} tied" if possible > certain else ""
    said = f"{certain} ({percent(certain, queries)}){tied}"
    return Text(said, style="yellow" if certain else "green")


def _range(figure: list[float]) -> str:
    low, high = figure
    return f"{low:.4f}" if high - low < 5e-5 else f"{low:.3f}..{high:.3f}"
