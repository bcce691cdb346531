"""The grid of a sweep and the reports in it."""

from __future__ import annotations

from typing import Any

import pytest

from embedtui.assess import findings, vector_faults
from embedtui.plan.scenarios import scenario
from embedtui.report import run_report, sweep_report
from embedtui.results.results import Results, SettingResults
from tests.fakes import Script, broken, plan
from tests.recorded import Record


def test_faults_are_looked_for_once_though_reports_say_them_too(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        record(plan(12, "float32", "float16"), Script(plants=(broken(3, float("nan"), size=4),))),
        record(plan(12, "bfloat16")),
    ]
    apart = [run_report.build(one.results) for one in runs]
    looked: list[int] = []
    faults_of = vector_faults.faults_of

    def counted(results: Results, setting: SettingResults) -> Any:
        looked.append(setting.number)
        return faults_of(results, setting)

    monkeypatch.setattr(findings, "faults_of", counted)
    made = sweep_report.build("few", [one.results for one in runs], scenario("rag"))
    assert looked == [0, 1, 0]
    assert made["runs"] == apart
    assert [row["fault"] for row in made["rows"]] == ["nan", "nan", ""]
    assert [one["kind"] for one in apart[0]["findings"]][:2] == ["nan", "nan"]
