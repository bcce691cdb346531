"""What the parts of the screen show, and what is chosen in them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.tui.actions import VIEWS
from embedtui.tui.screens.detail import DetailScreen
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.bars import Hints, ProgressStrip, Tabs
from embedtui.tui.widgets.text_table import TextTable
from tests.tui.conftest import (
    NARROW,
    WIDE,
    Make,
    ran,
    said,
    settled,
    shows,
    told,
    until,
    view_of,
)


async def test_before_a_run_it_says_which_key_to_press(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await until(pilot, lambda: "press r to measure 3 settings × 3 batch sizes" in text_of(app))
        rows = [
            line for line in text_of(app).split("\n") if "float" in line and line.count("·") > 3
        ]
    assert len(rows) == 3  # the settings that are chosen, without figures


@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 50), (60, 15)])
async def test_every_part_is_reached_by_its_key(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    parts = {
        "1": "SERVE",
        "2": "tokens",
        "3": "next query",
        "4": "A to B",
        "5": "not measured",
        "L": "weights of float16",
    }
    async with app.run_test(size=size) as pilot:
        await ran(pilot)
        for key, part in parts.items():
            await pilot.press(key)
            await until(pilot, partial(shows, app, part))
            assert all(len(line) <= size[0] for line in text_of(app).split("\n"))


async def test_a_window_that_is_too_small_is_told_politely(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(50, 12)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        assert "embedtui needs 60 columns and 15 lines" in text_of(app)
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: "1 Overview" in text_of(app))


async def test_brackets_select_another_setting_everywhere(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        assert "DRIFT  bfloat16: " in text_of(app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "DRIFT  float32: " in text_of(app))
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: "DRIFT  float16: " in text_of(app))
        await pilot.press("2", "right_square_bracket")
        await until(pilot, lambda: "bfloat16: 12 texts" in text_of(app))


async def test_x_takes_a_setting_off_and_capital_x_puts_it_back(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("x")
        await until(pilot, lambda: len(view_of(app).lines) == 2)
        assert "▶● bfloat16" not in text_of(app)
        await pilot.press("X")
        await until(pilot, lambda: len(view_of(app).lines) == 3)


async def test_v_goes_through_the_metrics_and_is_kept(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        assert "largest batch drift, 1 - cos" in text_of(app)
        await pilot.press("v")
        await until(pilot, lambda: "largest batch drift, max |Δ|" in text_of(app))
        assert app.config.metric == "max_abs"
        await pilot.press("v")
        await until(pilot, lambda: "largest batch drift, L2" in text_of(app))


async def test_comma_and_full_stop_choose_the_batch_size_of_the_histogram(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("full_stop")
        await until(pilot, lambda: "batch size 2" in text_of(app))
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: "batch size 4" in text_of(app))
        await pilot.press("comma", "comma")
        await until(pilot, lambda: "any batch size" in text_of(app))


async def test_a_text_whose_id_looks_like_markup_opens(make_app: Make, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    rows = [{"id": f"[/x{number}]", "text": f"text number {number}"} for number in range(4)]
    texts.write_text("\n".join(json.dumps(row) for row in rows))
    app = make_app(texts=str(texts))
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("2", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await until(pilot, lambda: "[/x1]" in text_of(app))


async def test_enter_on_a_text_opens_it_and_n_goes_on(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("2", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await until(pilot, lambda: "text number 1" in text_of(app))
        assert "by dimension" in text_of(app)
        assert "position 2 of 4" in text_of(app)
        await pilot.press("n")
        await until(pilot, lambda: "text number 2" in text_of(app))
        await pilot.press("p", "p")
        await until(pilot, lambda: "text number 0" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, DetailScreen))
        assert app.screen.query_one("#texts TextTable", TextTable).cursor_row == 0


async def test_slash_filters_and_w_goes_to_the_worst_from_anywhere(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        await pilot.press("slash", *"number 7")
        await until(pilot, lambda: "1 of 12 texts" in text_of(app))
        await pilot.press("escape", "1", "w")
        table = app.query_one("#texts TextTable", TextTable)
        column = table.data.column("@4")
        assert column is not None
        assert table.cursor_row == int(np.nanargmax(column.values))


async def test_two_settings_are_compared_and_changed(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("4")
        await until(pilot, lambda: " A  bfloat16" in text_of(app))
        assert " B  float32" in text_of(app)
        await until(pilot, lambda: "A to B▾" in text_of(app))
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: " B  float16" in text_of(app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: " A  float32" in text_of(app))


async def test_the_log_is_shown_and_filtered(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("L")
        await until(pilot, lambda: "weights of float16 are loaded" in text_of(app))
        for _ in range(4):
            await pilot.press("left")
        await until(pilot, lambda: "second line" in text_of(app))
        await pilot.press("slash", *"imp", "enter")
        await until(pilot, lambda: "second line" not in text_of(app))
        assert "imported" in text_of(app)
        await pilot.press("f")
        await until(pilot, lambda: "following the newest" in text_of(app))


async def test_the_serving_command_is_copied(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "copied" in told(app))
    command = (tmp_path / "copied.txt").read_text()
    assert command.startswith("vllm serve ")
    assert "--dtype float32" in command


async def test_screenshots_say_what_they_show(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("f8", "f9")
        await until(pilot, lambda: told(app).count("saved") == 2)
    svg, text = next(tmp_path.glob("*-overview.svg")), next(tmp_path.glob("*-overview.txt"))
    assert "tiny-bert-bfloat16" in svg.name
    assert "DRIFT" in text.read_text()


async def test_what_is_chosen_is_kept(make_app: Make) -> None:
    app = make_app()
    saved: list[Any] = []
    app.outside.save = saved.append
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("d", "right", "space")
        await until(pilot, lambda: saved)
        await pilot.press("escape", "b", "right", "right", "right", "space")
        await until(
            pilot, lambda: saved[-1].batch_sizes == "1-8*2" or saved[-1].batch_sizes == "1,2,4,8"
        )
    assert saved[-1].settings["dtype"] == ("bfloat16", "float16")


async def test_the_mouse_can_do_what_keys_can(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.click(Hints, offset=(2, 0))
        await until(pilot, lambda: "done in" in said(app))
        await pilot.click("#tabs", offset=(16, 0))
        await until(pilot, lambda: "1 - cos to the text alone" in text_of(app))
        await pilot.click("#tabs", offset=(3, 0))
        await until(pilot, lambda: "DRIFT" in text_of(app))
        await pilot.click("#grid", offset=(5, 2))
        await until(pilot, lambda: "DRIFT  float32: " in text_of(app))
        await pilot.press("a")
        await until(pilot, lambda: app.drawer is not None)
        await pilot.click("#field-use")
        await until(pilot, lambda: "What are the embeddings for?" in text_of(app))


async def test_in_ascii_mode_nothing_beyond_ascii_is_shown(make_app: Make) -> None:
    app = make_app(ascii=True)
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        beyond: dict[str, set[str]] = {}
        for key in ("1", "2", "4", "L", "question_mark", "escape", "a", "escape", "A", "escape"):
            await pilot.press(key)
            await settled(pilot)
            beyond[key] = {character for character in text_of(app) if not character.isascii()}
    assert not any(beyond.values()), beyond


async def test_another_use_has_another_verdict(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("u", *["down"] * 5, "enter")
        await until(pilot, lambda: app.config.scenario == "golden")
        await until(pilot, lambda: "golden limit: identical" in text_of(app))
        await until(pilot, lambda: "DRIFT  bfloat16: not identical" in text_of(app))


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_every_view_opens_by_its_key_and_stands_among_the_tabs(
    make_app: Make, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await ran(pilot)
        tabs = app.query_one(Tabs)
        tabbed = [row for row in VIEWS if row.tab]
        assert [row.tab for row in tabbed] == [title for _, _, title in tabs.tabs]
        for row in VIEWS:
            await pilot.press(row.keys)
            await until(pilot, lambda: tabs.open == row.view)  # noqa: B023
            assert app.query_one(f"#views > #{row.view}").display
        for row in tabbed:
            tabs.post_message(Tabs.Opened(row.view))
            await until(pilot, lambda: tabs.open == row.view)  # noqa: B023
            assert app.query_one(f"#views > #{row.view}").display


async def test_a_tick_after_the_last_screen_finds_nothing_and_says_nothing(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        app.notify("told", timeout=60)
        await app.query_one(ProgressStrip).remove()
        app._tick()
        app._note = "", 0.0
        app._show_progress(view_of(app))
