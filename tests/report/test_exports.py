from __future__ import annotations

import csv
import io
import json
import re
import struct
import unicodedata
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from embedtui.common.errors import EngineError
from embedtui.measure import METRICS
from embedtui.report import exports
from tests.fakes import Script, broken, pack, plan
from tests.recorded import Record
from tests.storage.test_run_file import NASTY, RUNS


def bits(value: float) -> bytes:
    return struct.pack(">d", value)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def obeyed(text: str) -> set[str]:
    """Return the characters that a terminal could obey or that no UTF-8 can hold."""
    return {
        c
        for c in text
        if (unicodedata.category(c) in {"Cc", "Cs"} and c != "\n") or "\u202a" <= c <= "\u202e"
    }


@pytest.mark.parametrize("name", RUNS)
def test_every_export_is_utf8_that_no_terminal_obeys(record: Record, name: str) -> None:
    report = record(*RUNS[name]).report
    for write in exports.FORMATS.values():
        text = write(report)
        assert obeyed(text) == set()
        assert text.encode("utf-8").endswith(b"\n")


class TestJson:
    @pytest.mark.parametrize("name", RUNS)
    def test_reads_back_as_the_report(self, record: Record, name: str) -> None:
        report = record(*RUNS[name]).report
        assert json.loads(exports.to_json(report)) == report

    def test_keeps_every_bit_of_every_float(self, record: Record) -> None:
        report = record(*RUNS["drift and noise"]).report

        def floats(value: Any) -> list[bytes]:
            if isinstance(value, dict):
                return [f for item in value.values() for f in floats(item)]
            if isinstance(value, list):
                return [f for item in value for f in floats(item)]
            return [bits(value)] if isinstance(value, float) else []

        assert floats(json.loads(exports.to_json(report))) == floats(report)
        assert len(floats(report)) > 500

    def test_has_ids_as_they_are(self, record: Record) -> None:
        report = record(plan(NASTY, "float16", sizes=(1, 3))).report
        read = json.loads(exports.to_json(report).encode("utf-8"))
        assert [text["id"] for text in read["settings"][0]["texts"]] == [
            text.id for text in NASTY.texts
        ]
        assert "日本" in exports.to_json(report)

    def test_has_no_nan(self, record: Record) -> None:
        report = record(*RUNS["faults"]).report
        assert not re.search(r"\b(NaN|Infinity)\b", exports.to_json(report).replace("NaN in", ""))
        with pytest.raises(ValueError, match="not JSON compliant"):
            exports.dump({"value": np.nan})


class TestCsv:
    @pytest.mark.parametrize("name", RUNS)
    def test_has_every_distance_to_the_bit(self, record: Record, name: str) -> None:
        report = record(*RUNS[name]).report
        expected = [
            (setting["label"], measure, size, text["tokens"], distances)
            for setting in report["settings"]
            for text in setting["texts"]
            for measure, size, distances in (
                *(("batch drift", size, found) for size, found in text["drift"].items()),
                *(
                    [("precision error", "1", text["precision_error"])]
                    if text["precision_error"]
                    else []
                ),
            )
        ]
        rows = rows_of(exports.to_csv(report))
        assert len(rows) == len(expected)
        for row, (label, measure, size, tokens, distances) in zip(rows, expected, strict=True):
            assert (row["setting"], row["measure"], row["batch_size"]) == (label, measure, size)
            assert row["tokens"] == str(tokens)
            assert row["identical"] == str(distances["identical"])
            for metric in METRICS:
                if distances[metric] is None:
                    assert row[metric] == ""
                else:
                    assert bits(float(row[metric])) == bits(distances[metric])

    def test_has_one_line_for_each_row(self, record: Record) -> None:
        text = exports.to_csv(record(*RUNS["nasty texts"]).report)
        assert text.count("\n") == len(rows_of(text)) + 1

    @pytest.mark.parametrize(
        "text_id",
        [
            *("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", " =1+1", "\u3000=1"),
            *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)"),
        ],
    )
    def test_has_no_formulas(self, record: Record, text_id: str) -> None:
        made = plan(pack("one", "two", ids=(text_id, "2")), sizes=(1, 2))
        rows = rows_of(exports.to_csv(record(made).report))
        assert rows[0]["text_id"] == "'" + text_id

    @pytest.mark.parametrize(
        ("text_id", "shown"),
        [
            ('a "quoted", id; with | all', 'a "quoted", id; with | all'),
            ("\t=1", r"\u0009=1"),
            ("\r\n=1", r"\u000d\u000a=1"),
            ("\x1b[31mred", r"\u001b[31mred"),
            ("\x9b31mred", r"\u009b31mred"),
            ("\x00", r"\u0000"),
            ("\ud800", r"\ud800"),
            ("e\u0301 \u200d 日本", "e\u0301 \u200d 日本"),
        ],
    )
    def test_has_ids_in_one_cell(self, record: Record, text_id: str, shown: str) -> None:
        made = plan(pack("one", "two", ids=(text_id, "2")), sizes=(1, 2))
        assert rows_of(exports.to_csv(record(made).report))[0]["text_id"] == shown


class TestMarkdown:
    def table(self, text: str) -> list[list[str]]:
        """Return the cells of every line of every table."""
        lines = [line for line in text.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]

    @pytest.mark.parametrize("name", RUNS)
    def test_tables_have_as_many_cells_in_each_row(self, record: Record, name: str) -> None:
        cells = self.table(exports.to_markdown(record(*RUNS[name]).report))
        assert {len(row) for row in cells} <= {8}

    def test_has_a_table_for_each_setting_and_the_verdict(self, record: Record) -> None:
        report = record(plan(9, "float16", "float32", sizes=(1, 4))).report
        text = exports.to_markdown(report)
        assert [line for line in text.splitlines() if line.startswith("## ")] == [
            "## float16",
            "## float32",
        ]
        cells = self.table(text)
        l2 = report["settings"][0]["batches"][1]["drift"]["l2"]
        row = next(row for row in cells if row[0] == "batch size 4")
        assert row[:4] == ["batch size 4", "1-4", "1000", "1/9"]
        assert row[4:7] == [f"{l2['max']:.1e}", "", f"{l2['p50']:.1e}"]
        assert "\np99 wants 299 texts.\n" in text
        assert ["noise floor", "", "", "18/18", "bitwise identical", "", "", ""] in cells
        assert next(row for row in cells if row[0] == "precision error")[4].startswith("5")

    def test_says_identical_and_never_zero(self, record: Record) -> None:
        text = exports.to_markdown(record(plan(8, reference=False)).report)
        assert "bitwise identical" in text
        distances = text[: text.index("| lists of")]
        assert not re.search(r"\| 0(\.0)?(e.00)? \|", distances)

    def test_lists_findings(self, record: Record) -> None:
        script = Script(
            plants=(broken(2, np.nan),),
            failures={("reference", ""): EngineError("no reference today")},
        )
        text = exports.to_markdown(record(plan(9, "float16"), script).report)
        assert "## Findings" in text
        assert "\n- fault: float16: 1 text at batch size 1, 2, 4: NaN" in text
        assert "\n- warning: no reference today" in text

    @pytest.mark.parametrize(
        "name",
        [
            "a|b",
            "\x1b[31mred",
            "**bold**",
            "<img src=x onerror=alert(1)>",
            "[link](http://example.org)",
            "`code`",
            "a\n\n# heading\n| x |",
            "\u202eturned",
            "back\\",
        ],
    )
    def test_names_are_words_and_nothing_else(self, record: Record, name: str) -> None:
        texts = replace(pack("one", "two", ids=(name, "2")), name=name)
        script = Script(failures={("reference", ""): EngineError(f"{name} {name}")})
        made = replace(plan(texts, "float16", sizes=(1, 2)), model_name=name)
        text = exports.to_markdown(record(made, script).report)
        assert obeyed(text) == set()
        assert len([line for line in text.splitlines() if line.startswith("#")]) == 3
        assert {len(row) for row in self.table(text)} == {8}
        assert not re.search(r"(?<!\\)[<>`\[\]]", text)
        title = text.splitlines()[0]
        assert title.endswith(": embedding drift")
        assert not re.search(r"(?<!\\)[*|#]", title[2:])

    def test_a_run_without_figures_has_no_table(self, record: Record) -> None:
        text = exports.to_markdown(record(*RUNS["all failed"]).report)
        assert self.table(text) == []
        assert "nothing was measured" in text
