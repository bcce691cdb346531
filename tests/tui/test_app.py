"""What keys do, told by what the screen then shows and by the messages that it took."""

from __future__ import annotations

import json
import re
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.command import CommandList
from textual.message import Message
from textual.widgets import Static

from embedtui.common import machine
from embedtui.common.errors import EngineError
from embedtui.common.wording import duration
from embedtui.engine.settings import Setting
from embedtui.report import exports, run_report
from embedtui.storage import run_file
from embedtui.tui import start
from embedtui.tui.actions import ACTIONS, BY_ID, VIEWS, clashes, shown
from embedtui.tui.app import Explorer
from embedtui.tui.app.core import Framed
from embedtui.tui.screens.detail import DetailScreen
from embedtui.tui.screens.help import HelpScreen
from embedtui.tui.state.gpu_meter import GpuMeter
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.bars import Hints, ProgressStrip, Tabs
from embedtui.tui.widgets.field import Field
from embedtui.tui.widgets.text_table import TextTable
from tests.fakes import Script, broken
from tests.tui.conftest import Make, ran, settled, shows, told, until, view_of

WIDE = (120, 40)
NARROW = (80, 24)


def hints(app: Explorer) -> dict[str, str]:
    """Return what the last line promises, by action."""
    return {action: label for action, _, label in app.query_one(Hints).hints}


def said(app: Explorer) -> str:
    return app.query_one(ProgressStrip).said


class RunSummary:
    """Engines that stop before a batch until they are let go."""

    def __init__(self, at: int = 5) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.script = Script(on_job=self._on_job)
        self._at = at

    def _on_job(self, count: int) -> None:
        if count == self._at:
            self.reached.set()
            self.go_on.wait(20)


async def begun(pilot: Any, held: RunSummary) -> None:
    app = pilot.app
    await until(pilot, lambda: app.frame is not None)
    await pilot.press("r")
    await until(pilot, held.reached.is_set)
    await until(pilot, lambda: view_of(app).lines)


@pytest.mark.parametrize("key", ["r", "enter", "f5"])
async def test_one_key_gives_a_verdict(make_app: Make, key: str) -> None:
    app = make_app()
    messages: list[Message] = []
    async with app.run_test(size=WIDE, message_hook=messages.append) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press(key)
        await until(pilot, lambda: app.session.runs and not app.session.busy)
        await until(pilot, lambda: view_of(app).version == app.session.version)
        screen = text_of(app)
    assert sum(isinstance(message, Framed) for message in messages) > 2
    assert "yes, L2 up to: bfloat16 1.1e-03" in screen
    assert "RAG bears 1 - cos ≤ 1e-06: ✔ bfloat16, float32, float16" in screen
    assert re.search(r"Serve with       float32: \d+ texts/s", screen)
    assert "◂ serve" in screen


async def test_before_a_run_it_says_which_key_to_press(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.frame is not None)
        screen = text_of(app)
    assert "press r or Enter" in screen
    assert "3 settings × 3 sizes" in screen


@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 50), (60, 15)])
async def test_every_part_is_reached_by_its_key(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    parts = {
        "1": "1 settings",
        "2": "batch drift",
        "3": "by batch size",
        "4": "tokens",
        "5": "A to B",
        "6": "weights of float16",
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
        await until(pilot, lambda: "1 Settings" in text_of(app))


async def test_tabs_follow_the_width(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "1 Explore" in text_of(app))
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: "3 Sizes" in text_of(app))


async def test_esc_stops_after_the_batch_and_the_run_can_go_on(make_app: Make) -> None:
    held = RunSummary()
    app = make_app(held.script)
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, held)
        assert hints(app)["cancel"] == "stop"
        assert "run" not in hints(app)
        await pilot.press("escape")
        await until(pilot, lambda: "stopping after this batch" in said(app))
        assert hints(app)["cancel"] == "kill the engine"
        held.go_on.set()
        await until(pilot, lambda: not app.session.busy)
        await until(pilot, lambda: "stopped, what was measured stays" in said(app))
        assert "cancel" not in hints(app)
        assert " part" in text_of(app)
        await pilot.press("r")
        await until(pilot, lambda: "done in" in said(app))


async def test_a_second_esc_kills_the_engine(make_app: Make) -> None:
    held = RunSummary()
    app = make_app(held.script)
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, held)
        await pilot.press("escape", "escape")
        assert app.session.state == "killing"
        await until(pilot, lambda: "killing the engine" in said(app))
        assert "cancel" not in hints(app)
        held.go_on.set()
        await until(pilot, lambda: not app.session.busy)
        await pilot.press("r")
        await until(pilot, lambda: "done in" in said(app))
        assert app.session.engines.loaded.count(app.session.engines.loaded[0]) == 2  # type: ignore[attr-defined]


class Late(Static):
    """Hands the app a frame when it goes."""

    def on_unmount(self) -> None:
        assert isinstance(self.app, Explorer)
        assert self.app.frame is not None
        self.app.post_message(Framed(self.app.frame))


async def test_a_frame_that_comes_while_the_screen_is_left_is_let_go(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await app.mount(Late())


async def test_a_held_picture_stands_still_while_the_run_goes_on(make_app: Make) -> None:
    held = RunSummary(at=20)
    app = make_app(held.script)
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, held)
        await pilot.press("p")
        before = app.frame
        held.go_on.set()
        await until(pilot, lambda: not app.session.busy)
        await until(pilot, lambda: said(app).startswith("picture held, p goes on"))
        assert app.frame is before
        assert hints(app)["pause"] == "go on"
        await pilot.press("space")
        await until(pilot, lambda: view_of(app).version == app.session.version)
        assert "done in" in said(app)


async def test_quitting_in_mid_run_asks(make_app: Make) -> None:
    held = RunSummary()
    app = make_app(held.script)
    async with app.run_test(size=NARROW) as pilot:
        await begun(pilot, held)
        await pilot.press("q")
        await until(pilot, lambda: "An engine is at work." in text_of(app))
        await pilot.press("s")
        await until(pilot, lambda: "An engine is at work." not in text_of(app))
        assert app.session.busy
        await pilot.press("q")
        await until(pilot, lambda: "An engine is at work." in text_of(app))
        await pilot.press("w")
        held.go_on.set()
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0
    assert app.session.runs[-1].status == "cancelled"


async def test_quitting_at_rest_does_not_ask(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


async def test_a_what_if_computes_only_what_was_changed(make_app: Make) -> None:
    app = make_app(settings={"dtype": ("float32",)})
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        engines: Any = app.session.engines
        assert [setting.dtype for setting in engines.loaded] == ["float32"]
        await pilot.press("d", "space", "r")
        await until(pilot, lambda: "done in" in said(app) and len(app.session.runs) == 2)
        assert [setting.dtype for setting in engines.loaded] == ["float32", "bfloat16"]
        await until(pilot, lambda: len(view_of(app).lines) == 2)


async def test_brackets_speak_of_another_setting_everywhere(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        assert "4 texts, bfloat16" in text_of(app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "4 texts, float32" in text_of(app))
        assert "· float32 ·" in text_of(app).split("\n")[0]
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: "4 texts, float16" in text_of(app))


async def test_x_takes_a_setting_off_and_capital_x_puts_it_back(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("x")
        await until(pilot, lambda: len(view_of(app).lines) == 2)
        assert "bfloat16 1.1e-03" not in text_of(app)
        await pilot.press("X")
        await until(pilot, lambda: len(view_of(app).lines) == 3)


async def test_v_goes_through_the_metrics_and_is_kept(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("v")
        await until(pilot, lambda: "2 batch drift, 1 - cos" in text_of(app))
        assert app.config.metric == "cosine"
        await pilot.press("v")
        await until(pilot, lambda: "2 batch drift, max |Δ|" in text_of(app))


async def test_comma_and_full_stop_choose_the_batch_size_of_the_histogram(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("full_stop")
        await until(pilot, lambda: "at batch size 2" in text_of(app))
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: "at batch size 4" in text_of(app))
        await pilot.press("comma", "comma")
        await until(pilot, lambda: "each text's largest" in text_of(app))


async def test_a_text_whose_id_looks_like_markup_opens(make_app: Make, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    rows = [{"id": f"[/x{number}]", "text": f"text number {number}"} for number in range(4)]
    texts.write_text("\n".join(json.dumps(row) for row in rows))
    app = make_app(texts=str(texts))
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("4", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await until(pilot, lambda: "[/x1]" in text_of(app))


async def test_enter_on_a_text_opens_it_and_n_goes_on(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("4", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await until(pilot, lambda: "text number 1" in text_of(app))
        assert "by dimension" in text_of(app)
        assert "place 2 of 4" in text_of(app)
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
        await pilot.press("5")
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
        await pilot.press("6")
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
    svg, text = next(tmp_path.glob("*-explore.svg")), next(tmp_path.glob("*-explore.txt"))
    assert "tiny-bert-bfloat16" in svg.name
    assert "Does it drift?" in text.read_text()


async def test_a_report_is_written_beside_the_run_while_the_lock_is_another_s(
    make_app: Make,
) -> None:
    app = make_app()
    engines = app.outside.open_session().engines
    app.outside.open_session = lambda: Session(engines, start._recorder)
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        path = app.session.run_path
        assert path is not None
        with app.session.lock:
            await pilot.press("e")
            await until(pilot, lambda: "wrote" in told(app))
    made = run_report.build(run_file.read(path))
    for form, suffix in (("json", "json"), ("csv", "csv"), ("markdown", "md")):
        written = path.with_suffix(f".{suffix}").read_bytes().decode()
        assert written == exports.FORMATS[form](made)


async def test_a_problem_is_one_line_and_the_screen_goes_on(make_app: Make) -> None:
    app = make_app(model="/no/such/folder")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "✗ no such folder" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "no such folder" in said(app))
        assert app.query_one(ProgressStrip).problem
        assert "no such folder" in told(app)
        assert "run" in hints(app)


async def test_a_setting_that_fails_says_why_on_its_line(
    make_app: Make, model_folder: Path
) -> None:
    label = Setting(str(model_folder), "float16").label
    app = make_app(Script(failures={("load", label): EngineError("out of \x1b[31mmemory")}))
    async with app.run_test(size=(200, 50)) as pilot:
        await ran(pilot)
        screen = text_of(app)
    assert "✗ out of \ufffd[31mmemory" in screen
    assert "float32" in screen


async def test_a_fault_is_named_before_any_distance(make_app: Make) -> None:
    app = make_app(Script(plants=(broken(3, np.nan, size=4),)))
    async with app.run_test(size=(200, 50)) as pilot:
        await ran(pilot)
        answer = next(line for line in text_of(app).split("\n") if "Does it drift?" in line)
    assert "fault in" in answer
    assert "NaN" in answer


async def test_what_is_chosen_is_kept(make_app: Make) -> None:
    app = make_app()
    saved: list[Any] = []
    app.outside.save = saved.append
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("d", "right", "space")
        await until(pilot, lambda: saved)
        await pilot.press("b", "right", "right", "right", "space")
        await until(
            pilot, lambda: saved[-1].batch_sizes == "1-8*2" or saved[-1].batch_sizes == "1,2,4,8"
        )
    assert saved[-1].settings["dtype"] == ("bfloat16", "float16")


async def test_keys_are_remapped_and_the_hints_follow(make_app: Make) -> None:
    app = make_app(keys={"run": "f6", "quit": "ctrl+x"})
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        assert "F6 run" in text_of(app)
        assert "^x quit" in text_of(app)
        await pilot.press("r")
        await settled(pilot)
        assert not app.session.runs
        await pilot.press("f6")
        await until(pilot, lambda: "done in" in said(app))


def at_hand(app: Explorer) -> tuple[str, str, int]:
    """Return all that an action may change: what is shown, what is told, what is measured."""
    return text_of(app), told(app), app.session.version


def differs(app: Explorer, before: tuple[str, str, int]) -> bool:
    return at_hand(app) != before


async def test_every_hint_does_something_and_nothing_hinted_is_refused(make_app: Make) -> None:
    held = RunSummary()
    app = make_app(held.script)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        seen = [hints(app)]
        await pilot.press("r")
        await until(pilot, held.reached.is_set)
        await until(pilot, lambda: view_of(app).lines)
        seen.append(hints(app))
        held.go_on.set()
        await until(pilot, lambda: "done in" in said(app))
        seen.append(hints(app))
        for action in seen[2]:
            if action == "quit":
                continue
            await settled(pilot)
            before = at_hand(app)
            await pilot.press(BY_ID[action].keys.split(",")[0])
            await until(pilot, partial(differs, app, before))
            await pilot.press("escape" if len(app.screen_stack) > 1 else "1")
    assert "run" in seen[0]
    assert "compare" not in seen[0]
    assert "run" not in seen[1]
    assert "compare" in seen[2]
    assert all({"help", "quit"} <= set(promised) for promised in seen)


async def test_help_lists_every_action_with_its_key(make_app: Make) -> None:
    app = make_app(keys={"run": "f6"})
    async with app.run_test(size=(120, 120)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        screen = " ".join(text_of(app).split())
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))
    for action in ACTIONS:
        assert action.help in screen.replace(" │ │ ", " "), action.id
    assert "F6" in screen


def found_in_palette(app: Explorer) -> bool:
    """Say whether the palette is done with its search and has a command in hand."""
    searching = any(worker.node is app.screen and worker.is_running for worker in app.workers)
    return not searching and app.screen.query_one(CommandList).highlighted is not None


async def test_the_palette_finds_actions_by_typing(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("ctrl+p")
        await pilot.press(*"compare")
        await until(pilot, lambda: "Put two settings side by side" in text_of(app))
        await until(pilot, lambda: found_in_palette(app))
        await pilot.press("enter")
        await until(pilot, lambda: "A to B" in text_of(app))


async def test_the_mouse_can_do_what_keys_can(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.click(Hints, offset=(2, 0))
        await until(pilot, lambda: "done in" in said(app))
        await pilot.click("#tabs", offset=(13, 0))
        await until(pilot, lambda: "L2 to the text alone" in text_of(app))
        await pilot.click("#tabs", offset=(3, 0))
        await until(pilot, lambda: "1 settings" in text_of(app))
        await pilot.click("#board", offset=(5, 2))
        await until(pilot, lambda: "4 texts, float32" in text_of(app))
        await pilot.click("#field-use")
        await until(pilot, lambda: "What are the embeddings for?" in text_of(app))


async def test_in_ascii_mode_nothing_beyond_ascii_is_shown(make_app: Make) -> None:
    app = make_app(ascii=True)
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        beyond: dict[str, set[str]] = {}
        for key in ("1", "4", "5", "6", "question_mark", "escape", "a", "escape", "u", "escape"):
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
        await until(pilot, lambda: "golden bears equal bits: ✗ bfloat16" in text_of(app))
        assert "✔ float32" in text_of(app)


async def test_the_run_field_says_what_is_going_on(make_app: Make) -> None:
    held = RunSummary()
    app = make_app(held.script)
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, held)
        assert "running: Esc stops" in text_of(app)
        assert app.query_one("#field-run", Field).has_focus
        held.go_on.set()
        await until(pilot, lambda: "press r or Enter" in text_of(app))


async def test_slow_link_draws_once_a_second(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        assert app.framer.seconds == 0.25
        await pilot.press("L")
        assert app.framer.seconds == 1.0
        assert app.config.slow_link == "on"


async def test_a_frame_never_waits_for_a_driver(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def hang() -> list[tuple[str, int, int, int]]:
        asked.set()
        assert answer.wait(30)
        return [("H100", 2 << 30, 80 << 30, 37)]

    monkeypatch.setattr(machine, "gpu_load", hang)
    app = make_app()
    meter = app.outside.gpu = GpuMeter()
    meter.start()
    try:
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, asked.is_set)
            await ran(pilot)
            assert "37 %" not in text_of(app)
            answer.set()
            await until(pilot, lambda: "37 %" in text_of(app))
    finally:
        answer.set()
        meter.stop()


def test_every_action_has_a_method_a_help_line_and_keys_of_its_own() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))
    for action in ACTIONS:
        assert hasattr(Explorer, f"action_{action.id}")
        assert action.help
        assert BY_ID[action.id] is action


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_every_view_opens_by_its_key_and_stands_among_the_tabs(
    make_app: Make, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await ran(pilot)
        tabs = app.query_one(Tabs)
        names = [r.id if r.view == "explore" and size == NARROW else r.view for r in VIEWS]
        assert {name for name, _, _ in tabs.tabs} - {"help"} == set(names)
        for row, name in zip(VIEWS, names, strict=True):
            await pilot.press(row.digit)
            await until(pilot, lambda: tabs.open == name)  # noqa: B023
            assert app.query_one(f"#views > #{row.view}").display
        for row, name in zip(VIEWS, names, strict=True):
            tabs.post_message(Tabs.ReplaySession(name))
            await until(pilot, lambda: tabs.open == name)  # noqa: B023
            assert app.query_one(f"#views > #{row.view}").display


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, []),
        ({"hide": "f6", "show_all": "x"}, []),
        ({"hide": "X", "show_all": "x"}, []),
        ({"hide": "f6", "worst": "f6"}, ["'F6' is both hide and worst"]),
        ({"hide": "e"}, ["'e' is both export and hide"]),
        ({"hide": "f6,e"}, ["'e' is both export and hide"]),
        ({"hide": "z,z"}, []),
        ({"hide": "?"}, ["'?' is both help and hide"]),
        ({"hide": "r", "worst": "r"}, ["'r' is run and hide and worst"]),
        ({"hide": "\x1b[31m", "worst": "\x1b[31m"}, ["'\ufffd[31m' is both hide and worst"]),
    ],
)
def test_keys_that_clash_are_told(keys: dict[str, str], told: list[str]) -> None:
    assert clashes(keys) == [f"keys: {one}: give one of them another key" for one in told]


async def test_the_explorer_starts_with_keys_that_clash_and_yours_counts(make_app: Make) -> None:
    app = make_app(keys={"hide": "f5"})
    app.outside.problems = tuple(clashes(app.config.keys))
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        assert "'F5' is both run and hide" in told(app)
        await pilot.press("f5")
        await until(pilot, lambda: view_of(app).view_state.hidden)
        assert not app.session.busy


def test_keys_are_shown_as_they_are_printed() -> None:
    assert [shown(key) for key in ("f5", "escape", "ctrl+p", "full_stop", "r", "X")] == [
        "F5",
        "Esc",
        "^p",
        ".",
        "r",
        "X",
    ]


def test_durations_are_whole_seconds() -> None:
    assert (duration(4.4), duration(61)) == ("4 s", "1 min 01 s")
