"""The sweep's screen: the grid, what steps cost, choosing a sweep, going on with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedtui.config import Config
from embedtui.plan.sweep import load_sweep
from embedtui.storage import run_file
from embedtui.tui import start
from embedtui.tui.app import Explorer
from embedtui.tui.app.choosing_sweep import choices_of, plan_files
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.screenshot import text_of
from tests.fakes import FakeEngines, Script
from tests.tui.conftest import Make, ran, told, until, view_of

PLAN = """description = "two dtypes, and what no CPU can do"
batch_sizes = "1,2,4"
[[settings]]
dtype = ["float16", "float32"]
[[settings]]
dtype = "bfloat16"
batch_invariant = true
"""
WIDE, NARROW = (120, 40), (80, 24)


@pytest.fixture
def plan_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan file in the working folder, beside a file that is none."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\n')
    path = folder / "mine.toml"
    path.write_text(PLAN)
    return path


def label_in_hand(app: Explorer) -> str:
    line = view_of(app).focus
    return line.label if line is not None else ""


async def shown(pilot: Any, *parts: str) -> None:
    await until(pilot, lambda: all(part in text_of(pilot.app) for part in parts))


async def test_the_grid_shows_every_setting_and_batch_size(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await shown(pilot, "largest batch drift, 1 - cos", "@2", "@4", "◂")
        rows = [line for line in text_of(app).splitlines() if "bfloat16" in line]
        assert any("5.5e-07" in row and "5.7e-07" in row for row in rows)
        assert "identical identical" in text_of(app)


async def test_h_shows_the_error_by_batch_size_instead(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("h")
        await shown(pilot, "largest error vs float64, 1 - cos", "alone", "speed against error")
        await pilot.press("h")
        await shown(pilot, "largest batch drift, 1 - cos")


async def test_o_goes_through_the_charts_to_the_cost_and_the_reasons(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await shown(pilot, "speed against batch drift")
        for title in (
            "largest drift by batch size",
            "by position in batch",
            "by tokens",
            "cost of lower batch drift",
        ):
            await pilot.press("o")
            await shown(pilot, title)
        await shown(pilot, "serve with: vllm serve")
        await pilot.press("o")
        await shown(pilot, "rounding order, below the dtype's own error (likely)", "Seen  ")
        await pilot.press("down")
        await until(pilot, lambda: label_in_hand(app) == "float32")
        await shown(pilot, "no drift (certain)")


async def test_where_there_is_little_room_o_shows_one_chart_after_the_other(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        await shown(pilot, "drift per text")
        assert "speed against" not in text_of(app)
        await pilot.press("o")
        await shown(pilot, "speed against batch drift", "texts/s")
        await pilot.press(*"ooooo", "o")
        await shown(pilot, "drift per text")


async def test_a_plan_file_is_chosen_run_and_shown(make_app: Make, plan_file: Path) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("S")
        await shown(
            pilot, "mine.toml: two dtypes, and what no CPU can do", "precision:", "serving:"
        )
        lines = text_of(app).split("\n")
        order = [n for name in ("serving:", "precision:", "h200:", "mine.toml:")
                 for n, line in enumerate(lines) if name in line]  # fmt: skip
        assert order == sorted(order)  # the smallest first, then one's own
        await shown(pilot, "up to ", " settings × 5 batch sizes")
        assert "pyproject" not in text_of(app)
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.session.runs and not app.session.busy)
        await shown(pilot, "float16", "float32", "batch_invariant=on cannot be had")
        assert app.session.runs[-1].plan.sweep == "mine"


async def test_a_sweep_that_cannot_be_run_here_says_why(make_app: Make, plan_file: Path) -> None:
    plan_file.write_text('[[settings]]\ndtype = "float16"\nkernel_precision = "ieee"\n')
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("S", "end", "enter")
        await until(pilot, lambda: "none of the settings can be had here" in told(app))


def test_a_sweep_over_models_is_a_run_for_each(
    tmp_path: Path, model_folder: Path, plan_file: Path, texts_file: Path
) -> None:
    plan_file.write_text(f'models = ["{model_folder}", "/no/such", "{model_folder}"]\n' + PLAN)
    session = Session(FakeEngines(Script(), logs=tmp_path))
    base = Config(texts=str(texts_file)).choices()
    plans = choices_of(load_sweep(str(plan_file)), base)
    assert [one.model for one in plans] == [str(model_folder), "/no/such", str(model_folder)]
    assert session.run(*plans)
    session.wait(30)
    assert not session.busy
    assert [run.status for run in session.runs] == ["finished", "finished"]
    assert "/no/such" in session.problem


def test_one_that_was_cut_off_goes_on_in_its_file(
    tmp_path: Path, model_folder: Path, plan_file: Path, texts_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    base = Config(texts=str(texts_file), model=str(model_folder)).choices()
    (choices,) = choices_of(load_sweep(str(plan_file)), base)
    engines = FakeEngines(Script(), logs=tmp_path)
    first = Session(engines, start.open_recorder)

    def on_job(count: int) -> None:
        if count == 20:
            first.cancel()

    engines.script.on_job = on_job
    first.run(choices)
    first.wait(30)
    cut = first.run_path
    assert cut is not None
    done = engines.jobs
    again = FakeEngines(Script(), logs=tmp_path)
    second = Session(again, start.open_recorder)
    second.run(choices)
    second.wait(30)
    assert second.run_path == cut
    results = run_file.read(cut)
    assert results.status == "finished"
    batches = sum(one.batches for setting in results.settings for one in setting.passes.values())
    assert done + again.jobs == batches


def test_plan_files_of_the_config_folder_are_offered(
    tmp_path: Path, plan_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config/embedtui/sweeps"
    folder.mkdir(parents=True)
    (folder / "kept.toml").write_text(PLAN)
    assert [path.name for path in plan_files()] == ["mine.toml", "kept.toml"]


async def test_keys_that_come_faster_than_frames_all_count(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        app.action_next_setting()
        app.action_next_setting()
        await until(pilot, lambda: view_of(app).focus is view_of(app).lines[2])
