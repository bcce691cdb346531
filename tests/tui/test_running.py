"""A run from its key to its verdict: stopped, killed, left, failed; and the frames meanwhile."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.message import Message
from textual.widgets import Static

from embedtui.common import machine
from embedtui.common.errors import EngineError
from embedtui.engine.settings import Setting
from embedtui.report import exports, run_report
from embedtui.storage import run_file
from embedtui.tui import start
from embedtui.tui.app import Explorer
from embedtui.tui.app.core import Framed
from embedtui.tui.state.gpu_meter import GpuMeter
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.bars import ProgressStrip
from tests.fakes import Script, broken
from tests.tui.conftest import (
    NARROW,
    WIDE,
    HeldBack,
    Make,
    begun,
    hints,
    ran,
    said,
    told,
    until,
    view_of,
)


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
    assert "DRIFT  bfloat16: within the limit" in screen
    assert re.search(r"EXACT  1 - cos .*× the limit", screen)
    assert re.search(r"SERVE  float32: \d+ texts/s", screen)
    assert "◂" in screen


async def test_esc_stops_after_the_batch_and_the_run_can_go_on(make_app: Make) -> None:
    held = HeldBack()
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
        assert "part" in text_of(app)
        await pilot.press("r")
        await until(pilot, lambda: "done in" in said(app))


async def test_a_second_esc_kills_the_engine(make_app: Make) -> None:
    held = HeldBack()
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
    held = HeldBack(at=20)
    app = make_app(held.script)
    async with app.run_test(size=WIDE) as pilot:
        await begun(pilot, held)
        await pilot.press("p")
        before = app.frame
        held.go_on.set()
        await until(pilot, lambda: not app.session.busy)
        await until(pilot, lambda: said(app).startswith("display frozen, p goes on"))
        assert app.frame is before
        assert hints(app)["pause"] == "go on"
        await pilot.press("space")
        await until(pilot, lambda: view_of(app).version == app.session.version)
        assert "done in" in said(app)


async def test_quitting_in_mid_run_asks(make_app: Make) -> None:
    held = HeldBack()
    app = make_app(held.script)
    async with app.run_test(size=NARROW) as pilot:
        await begun(pilot, held)
        await pilot.press("q")
        await until(pilot, lambda: "A run is in progress." in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "A run is in progress." not in text_of(app))
        assert app.session.busy
        await pilot.press("q")
        await until(pilot, lambda: "A run is in progress." in text_of(app))
        await pilot.press("s")
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


async def test_a_report_is_written_beside_the_run_while_the_lock_is_another_s(
    make_app: Make,
) -> None:
    app = make_app()
    engines = app.outside.open_session().engines
    app.outside.open_session = lambda: Session(engines, start.open_recorder)
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


async def test_a_model_that_failed_is_not_what_the_next_start_begins_with(
    make_app: Make, model_folder: Path
) -> None:
    app = make_app()
    saved: list[Any] = []
    app.outside.save = saved.append
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        app.choose(model="/no/such/folder")
        await until(pilot, lambda: saved and saved[-1].model == "/no/such/folder")
        await pilot.press("r")
        await until(pilot, lambda: saved[-1].model == str(model_folder))
        app.choose(limit=3)
        await until(pilot, lambda: saved[-1].limit == 3)
        assert saved[-1].model == str(model_folder)
        assert app.choices.model == "/no/such/folder"


async def test_a_setting_that_fails_says_why_on_its_line(
    make_app: Make, model_folder: Path
) -> None:
    label = Setting(str(model_folder), "float16").label
    app = make_app(Script(failures={("load", label): EngineError("out of \x1b[31mmemory")}))
    async with app.run_test(size=(200, 50)) as pilot:
        await ran(pilot)
        screen = text_of(app)
    assert "failed: out of \ufffd[31mmemory" in screen
    assert "float32" in screen


async def test_a_fault_is_named_before_any_distance(make_app: Make) -> None:
    app = make_app(Script(plants=(broken(3, np.nan, size=4),)))
    async with app.run_test(size=(200, 50)) as pilot:
        await ran(pilot)
        answer = next(line for line in text_of(app).split("\n") if "DRIFT" in line)
    assert "fault: " in answer
    assert "NaN" in answer


async def test_slow_link_draws_once_a_second(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        assert app.framer.seconds == 0.25
        await app.run_action("slow_link")
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


async def test_the_answers_are_of_the_texts_that_were_run_last(make_app: Make) -> None:
    """Figures of other texts stay in the grid, in a group of their own, and in no answer."""
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        app.choose(limit=3)
        await ran(pilot)
        await until(pilot, lambda: len(view_of(app).earlier) == 3)
        view = view_of(app)
        assert view.focus is not None
        assert view.focus.key[1] == view.lines[0].key[1]
        assert {line.key[1] for line in view.earlier} != {view.focus.key[1]}
        assert view.answers.recommended in range(len(view.lines))
        await until(pilot, lambda: "earlier: tiny-bert, 12 texts.txt" in text_of(app))
        await pilot.press("end")
        await until(pilot, lambda: view_of(app).focus in view_of(app).earlier)
        assert view_of(app).charted == view_of(app).earlier
