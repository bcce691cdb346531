"""Reports, their types and their documentation say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import (
    Any,
    NotRequired,
    TypedDict,
)

import pytest

from embedtui.assess.check_result import check
from embedtui.plan.scenarios import scenario
from embedtui.report import check_report, run_report, sweep_report
from embedtui.report.report_types import RunReport
from embedtui.report.report_types_sweep import ChecksReport, SweepReport
from embedtui.storage import library, run_file
from tests import json_schema
from tests.json_docs import PAGES, documented, fields, filled, types
from tests.json_types import problems
from tests.recorded import Record
from tests.storage.test_run_file import RUNS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", RUNS)
def test_every_report_is_of_its_type(record: Record, name: str) -> None:
    assert problems(record(*RUNS[name]).report, RunReport) == []


@pytest.mark.parametrize("name", ["h100-layers", "h100-neighbours", "h200-restarts"])
def test_so_are_reports_sweeps_and_checks_of_what_was_recorded(name: str) -> None:
    results = run_file.read(library.recordings()[name])
    assert problems(run_report.build(results), RunReport) == []
    assert problems(sweep_report.build("recorded", [results], scenario("rag")), SweepReport) == []
    one = check(results, scenario("rag"), confidence=0.95, golden=results)
    assert problems(check_report.as_object([one]), ChecksReport) == []


def test_the_schema_has_the_switches_of_the_table() -> None:
    text = json_schema.PATH.read_text("utf-8")
    assert json_schema.filled(text) == text, "`make docs` writes it"
    assert json.loads(text)["$defs"]["setting"] == json_schema.schema_of_setting()


class Small(TypedDict):
    count: int
    share: float | None
    further: NotRequired[dict[str, list[str]]]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"count": 1, "share": 1.0, "further": {"a": ["b"]}}, []),
        ({"count": 1, "share": None}, []),
        ({"count": 1}, [".share: missing"]),
        ({"count": 1, "share": 0.5, "more": 1}, [".more: unknown"]),
        ({"count": True, "share": 0.5}, [".count: bool, not int"]),
        ({"count": 1.0, "share": 0.5}, [".count: float, not int"]),
        ({"count": 1, "share": 0.5, "further": {"a": [1]}}, [".further.*[]: int, not str"]),
    ],
)
def test_what_is_not_of_a_type_is_told(value: dict[str, Any], said: list[str]) -> None:
    assert problems(value, Small) == said


@pytest.mark.parametrize("page", PAGES)
def test_the_documentation_has_the_tables_of_the_types(page: str) -> None:
    """After a change of the types: `make docs`."""
    text = (DOCS / page).read_text("utf-8")
    assert filled(text, types()) == text


def test_every_type_is_documented_and_every_key_explained() -> None:
    known = types()
    assert {"RunReport", "SweepReport", "ChecksReport", "LayersReport"} <= set(known)
    pages = [documented((DOCS / page).read_text("utf-8")) for page in PAGES]
    assert set().union(*pages) == set(known)
    for one in known.values():
        for kind, meaning in fields(one).values():
            assert kind
            assert meaning
