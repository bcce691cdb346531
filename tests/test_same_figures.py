"""The comparison of reports finds every planted difference, and nothing where there is none."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from embedtui.report import run_report
from embedtui.storage import library, run_file
from tests.same_figures import OF_A_RUN, compare, main

SMALL: dict[str, Any] = {
    "schema": "embedtui.report/1",
    "started_at": "2026-01-01",
    "plan": {"asked": True, "model": "/a"},
    "settings": [{"label": "float32", "drift": [0.0, 1.5e-7, None]}, {"label": "b", "asked": 1}],
}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(SMALL)
    whole: Any = made
    for key in path[:-1]:
        whole = whole[key]
    whole[path[-1]] = value
    return made


def test_a_report_is_the_same_as_itself_whatever_the_order_of_its_keys() -> None:
    again = dict(reversed(copy.deepcopy(SMALL).items()))
    found = compare(SMALL, again)
    assert (found.differing, found.let_pass, found.figures) == ([], [], 3)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("settings", 0, "drift", 1), 1.5000000000000002e-7, "settings[0].drift[1]"),
        (("settings", 0, "drift", 0), -0.0, "settings[0].drift[0]: 0.0 before, -0.0 after"),
        (("settings", 0, "drift", 0), 0, "settings[0].drift[0]: 0.0 before, 0 after"),
        (("settings", 0, "drift", 2), 0.0, "settings[0].drift[2]: None before"),
        (("settings", 0, "drift"), [0.0, 1.5e-7], "settings[0].drift: 3 entries before, 2 after"),
        (("settings", 1, "label"), "c", "settings[1].label"),
        (("settings", 1, "more"), 1, "settings[1].more: only after"),
        (("plan",), {"asked": True}, "plan.model: only before"),
        (("plan", "asked"), 1, "plan.asked: True before, 1 after"),
        (("settings",), {}, "settings: "),
    ],
)
def test_every_difference_is_told(path: tuple[str | int, ...], value: Any, said: str) -> None:
    (found,) = compare(SMALL, changed(path, value)).differing
    assert found.startswith(said)


def test_keys_are_renamed_at_a_place_or_everywhere() -> None:
    after = copy.deepcopy(SMALL)
    after["plan"]["reference"] = after["plan"].pop("asked")
    assert len(compare(SMALL, after).differing) == 2
    assert compare(SMALL, after, renamed={"plan.asked": "reference"}).differing == []
    assert len(compare(SMALL, after, renamed={"asked": "reference"}).differing) == 2
    after["settings"][1]["exact"] = after["settings"][1].pop("asked")
    both = {"asked": "exact", "plan.asked": "reference"}
    assert compare(SMALL, after, renamed=both).differing == []
    after["settings"][1]["exact"] = 2
    assert compare(SMALL, after, renamed=both).differing == ["settings[1].asked: 1 before, 2 after"]


def test_two_keys_never_become_one() -> None:
    found = compare(SMALL, SMALL, renamed={"plan.model": "asked"}).differing
    assert "plan: two keys are renamed to one" in found


def test_what_may_differ_is_listed_and_nothing_else_passes() -> None:
    after = changed(("started_at",), "2027-01-01") | {"schema": "embedtui.report/2"}
    after["plan"]["model"] = "/b"
    found = compare(SMALL, after, may_differ=("schema", *OF_A_RUN))
    assert found.differing == []
    assert [one.partition(":")[0] for one in found.let_pass] == [
        "schema", "started_at", "plan.model",
    ]  # fmt: skip
    found = compare(SMALL, after)
    assert [one.partition(":")[0] for one in found.differing] == ["started_at", "plan.model"]


def test_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    made: Any = run_report.build(run_file.read(library.recordings()["h200-restarts"]))
    before.write_text(json.dumps(made))
    after.write_text(json.dumps(made))
    assert main([str(before), str(after)]) == 0
    assert "figures compared: the same to the bit" in capsys.readouterr().out
    made["settings"][0]["batches"][1]["drift"]["l2"]["max"] *= 1 + 2**-52
    made["started_at"] = "later"
    after.write_text(json.dumps(made))
    assert main([str(before), str(after), "--two-runs"]) == 1
    out = capsys.readouterr().out
    assert "settings[0].batches[1].drift.l2.max: " in out
    assert "may differ: started_at: " in out
    assert "1 differ" in out
    after.write_text("no report")
    assert main([str(before), str(after)]) == 2
