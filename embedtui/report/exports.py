"""A report as text for other programs and for people: JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from embedtui.assess.uncertainty import change_of, span_of
from embedtui.common.machine import vllm_of
from embedtui.common.printable import printable
from embedtui.measure import METRICS
from embedtui.report.figures_report import P99_WANTS
from embedtui.report.report_types import FindingReport, RunReport, SettingReport
from embedtui.report.report_types_figures import DistributionReport
from embedtui.report.report_types_retrieval import ListsReport, RetrievalReport

_OF_LISTS = ("top1_changed", "order_changed")
"""What is told of each text's list of neighbours."""
_OBEYED = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Controls, line separators, marks that turn the direction of writing, lone surrogates."""
_FORMULA = {*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20"}
"""What begins a formula, in ASCII and in full width."""
_UNSEEN = r"\xad\u200b-\u200d\u2060-\u2064\ufeff"
"""Joiners and marks that have no width: JSON can write them so that they are seen."""
_IN_JSON = re.compile(f"[{_OBEYED}{_UNSEEN}]")
_IN_CELL = re.compile(rf"[\x00-\x1f{_OBEYED}]")


def to_json(report: RunReport) -> str:
    """Return the whole report; floats are written so that they read back to the same bits."""
    return dump(report)


def dump(value: Any) -> str:
    """Return JSON that every parser takes and no terminal obeys.

    JSON itself escapes the control characters below U+0020; here those above go the same way,
    direction overrides, what has no width, and lone surrogates, which have no UTF-8.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return _IN_JSON.sub(_escape_sequence, text) + "\n"


def to_csv(report: RunReport) -> str:
    r"""Return one row per setting, text and batch size, and one for each precision error.

    A spreadsheet would run a cell that begins with = + - or @ as a formula, also after white space
    and in full width, so an id that does is written with an apostrophe before it; control
    characters in it are written as \u and four digits.
    """
    out = io.StringIO()
    columns = ["setting", "text_id", "tokens", "measure", "batch_size", "identical", *METRICS]
    columns += list(_OF_LISTS)
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for setting in report["settings"]:
        for text in setting["texts"]:
            base = {
                "setting": _cell(setting["label"]),
                "text_id": _cell(text["id"]),
                "tokens": text["tokens"],
            }
            for size, distances in text["drift"].items():
                cells: Mapping[str, object] = distances
                kept = {key: cells[key] for key in ("identical", *METRICS, *_OF_LISTS)}
                writer.writerow(base | {"measure": "batch drift", "batch_size": size} | kept)
            if text["precision_error"]:
                writer.writerow(
                    base | {"measure": "precision error", "batch_size": 1} | text["precision_error"]
                )
    return out.getvalue()


def to_markdown(report: RunReport) -> str:
    """Return the summary that fits an issue or a wiki page: a table per setting, the verdict."""
    plan, environment = report["plan"], report["environment"]
    torch = environment["versions"].get("torch")
    engine = escape(f"vLLM {vllm_of(environment)}, torch {torch}")
    if environment["device"] == "server":
        told: dict[str, Any] = next(
            (s["effective_config"] for s in report["settings"] if s["effective_config"]), {}
        )
        engine = escape(f"{told.get('server', 'unknown')} {told.get('version', '')}".strip())
    lines = [
        f"# {escape(plan['model_name'])}: embedding drift",
        "",
        f"{plan['texts']['count']} texts ({escape(plan['texts']['name'])}) on "
        f"{escape(environment['machine'])}; {engine}; {escape(report['started_at'])}; "
        f"{escape(report['status'])}.",
        "",
        f"**{escape(report['verdict'])}**",
    ]
    for setting in report["settings"]:
        lines += ["", f"## {escape(setting['label'])}", "", escape(setting["verdict"])]
        if setting["batches"]:
            lines += ["", *_table(setting)]
            lines += ["", f"{P99_WANTS}."] if _lacks_p99(setting) else []
        if setting["retrieval"]:
            lines += ["", *_neighbours(setting["retrieval"])]
    if report["findings"]:
        lines += ["", "## Findings", ""]
        lines += [
            f"- {finding['severity']}: {_where(report, finding)}{escape(finding['message'])}"
            for finding in report["findings"]
        ]
    return "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[RunReport], str]] = {
    "json": to_json,
    "csv": to_csv,
    "markdown": to_markdown,
}
"""What `embedtui export --to` can write."""


def _table(setting: SettingReport) -> list[str]:
    lines = [
        "| what | texts in a step | texts/s | identical | L2 max | L2 p99 | L2 p50 | 1 - cos max |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for batch in setting["batches"]:
        realised = batch["realised"]
        held = f"{realised['min']}-{realised['max']}" if realised["steps"] else "unknown"
        if not realised["steps"] and batch["texts_per_step"] is not None:
            held = f"about {batch['texts_per_step']:.0f}"
        speed = batch["texts_per_second"]
        name = "unbatched" if batch["baseline"] else f"batch size {batch['batch_size']}"
        figures = ["baseline", "", "", "", ""] if batch["baseline"] else _figures(batch["drift"])
        lines.append(_row(name, held, f"{speed:.0f}" if speed else "", *figures))
    further: tuple[tuple[str, DistributionReport | None], ...] = (
        ("noise floor", setting["noise_floor"]),
        ("precision error", setting["precision_error"]),
    )
    for name, found in further:
        if found:
            lines.append(_row(name, "", "", *_figures(found)))
    return lines


def _lacks_p99(setting: SettingReport) -> bool:
    shown = [one["drift"] for one in setting["batches"] if not one["baseline"]]
    return any(one["l2"] is not None and one["l2"]["p99"] is None for one in shown)


def _neighbours(found: RetrievalReport) -> list[str]:
    lines = [
        f"| lists of {found['queries']} queries in {found['documents']} documents | other top 1 "
        f"| other order in top {found['k']} | overlap | RBO | pairs changed | expected | could |",
        "|---|---|---|---|---|---|---|---|",
    ]
    compared: list[tuple[str, ListsReport]]
    compared = [(f"batch size {one['batch_size']}", one) for one in found["batches"]]
    compared += [
        (f"queries alone, documents at batch size {one['batch_size']}", one)
        for one in found["mixed"]
    ]
    if found["precision_error"]:
        compared.append(("unbatched against float64", found["precision_error"]))
    for name, one in compared:
        margins = one["margins"]
        lines.append(
            _row(
                name,
                _share(one["top1_changed"], one["queries"]),
                _share(one["order_changed"], one["queries"]),
                f"{one['overlap'][0]:.4f}",
                f"{one['rbo'][0]:.4f}",
                f"{margins['changed']} of {margins['pairs']}",
                f"{margins['expected']:.1f}",
                str(margins["could_change"]),
            )
        )
    judged = [(name, one["quality"]) for name, one in compared if one["quality"]]
    if judged:
        lines += ["", "| | nDCG@10 | recall@10 | MRR@10 |", "|---|---|---|---|"]
    for name, quality in judged:
        measures = (quality["ndcg_at_10"], quality["recall_at_10"], quality["mrr_at_10"])
        cells = [
            f"{q['before'][0]:.4f} → {q['after'][0]:.4f}: "
            f"{change_of(q['difference'][0], *q['interval'])}"
            for q in measures
        ]
        lines.append(_row(name, *cells))
    return lines


def _share(changed: list[int], queries: int) -> str:
    """Return a count with the interval of its share."""
    return f"{changed[0]} ({span_of(changed[0], queries, changed[1])})"


def _figures(drift: DistributionReport) -> list[str]:
    identical = f"{drift['identical']}/{drift['texts']}"
    if drift["l2"] is None or drift["cosine"] is None:
        return [identical, "", "", "", ""]
    if drift["identical"] == drift["texts"]:
        return [identical, "bitwise identical", "", "", ""]
    l2 = drift["l2"]
    values = (l2["max"], l2["p99"], l2["p50"], drift["cosine"]["max"])
    return [identical, *("" if value is None else f"{value:.1e}" for value in values)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _where(report: RunReport, finding: FindingReport) -> str:
    number = finding["setting"]
    return "" if number is None else f"{escape(report['settings'][number]['label'])}: "


def escape(text: str) -> str:
    """Return a text that Markdown shows as it stands."""
    shown = printable(str(text))
    return "".join("\\" + c if c in "\\`*_[]<>|#" else c for c in shown)


def _escape_sequence(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _cell(text: str) -> str:
    shown = _IN_CELL.sub(_escape_sequence, text)
    return "'" + shown if shown.lstrip()[:1] in _FORMULA else shown
