"""Run files in the explorer's screens, without an engine."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import ContentSwitcher

from embedtui.common import machine
from embedtui.common.errors import InputError
from embedtui.config import Config
from embedtui.report.stories import STORIES
from embedtui.storage import library, run_file
from embedtui.tui.actions import NEED_ENGINES
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.app.status_texts import RECORDING
from embedtui.tui.screens.story import StoryScreen
from embedtui.tui.state.replay_session import ReplaySession
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.text_table import TextTable
from tests.tui.conftest import shows, told, until, view_of

WIDE, NARROW = (120, 40), (80, 24)


def app_of(files: list[Path], folder: Path) -> Explorer:
    opened = tuple(files)
    return Explorer(
        AppDeps(
            lambda: ReplaySession(opened),
            replace(Config()),
            screenshots_folder=folder,
            opened=opened,
        )
    )


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_recording_fills_the_screens_and_says_whence_it_is(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = app_of(library.find("h200-minilm"), tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        screen = text_of(app)
        for part in ("all-MiniLM-L6-v2", "on H200", "vLLM 0.26.0", "SERVE"):
            assert part in screen
        assert len(view_of(app).lines) == 11
        for key, said in (("2", "vs float64"), ("4", "A"), ("1", "old pooling")):
            await pilot.press(key)
            await until(pilot, partial(shows, app, said))
        assert "Log" not in text_of(app)


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_story_is_told_over_the_setting_that_it_is_about(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    chosen = STORIES["tf32"]
    path = library.recordings()[chosen.recording]
    app = app_of([path], tmp_path)
    story = app.outside.story = chosen.told(run_file.read(path))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await until(pilot, partial(shows, app, "1.0e-03"))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, StoryScreen))
        await until(pilot, lambda: view_of(app).focus is not None)
        focus = view_of(app).focus
        assert focus is not None
        assert focus.label == story.setting == "float32"


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_view_that_is_asked_for_before_the_figures_are_there_stays(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = app_of(library.find("h200-restarts"), tmp_path)
    async with app.run_test(size=size) as pilot:
        await app.run_action("table")
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        assert app.query_one("#views", ContentSwitcher).current == "texts"


async def test_a_key_before_the_session_is_open_opens_no_second_one(tmp_path: Path) -> None:
    opened: list[ReplaySession] = []
    asked = threading.Event()

    def open_session() -> ReplaySession:
        opened.append(ReplaySession(tuple(library.find("h200-restarts"))))
        asked.wait(30)
        return opened[-1]

    app = Explorer(AppDeps(open_session, replace(Config()), screenshots_folder=tmp_path))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: opened)
        asked.set()
        assert app.session is opened[0]
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        assert len(opened) == 1


async def test_nothing_that_needs_an_engine_can_be_done(tmp_path: Path) -> None:
    app = app_of(library.find("h200-minilm"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        for action in NEED_ENGINES:
            before = len(app.told)
            await app.run_action(action)
            assert app.told[before:] == [RECORDING]
        await pilot.press("r", "escape", "t", "a", "S", "d", "b", "L")
        await pilot.pause()
        assert app.query_one("#views", ContentSwitcher).current == "overview"
        assert len(app.session.runs) == 1
        assert len(app.screen_stack) == 1
        assert "press r" not in text_of(app)


async def test_a_machine_without_vllm_is_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise InputError("vLLM is not installed")

    monkeypatch.setattr(machine, "machine_name", missing)
    monkeypatch.setattr(machine, "engine_device", missing)
    app = app_of(library.find("h200-restarts"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        await pilot.press("3", "2", "1")
        await pilot.pause()
        assert told(app) == ""


async def test_a_text_says_how_many_shared_its_batch_though_they_were_left_out(
    tmp_path: Path,
) -> None:
    app = app_of(library.find("h200-decoder"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.focused, TextTable))
        await pilot.press("enter")
        await until(pilot, lambda: " of 256, with " in text_of(app))
        assert "no more texts" not in text_of(app)


async def test_one_may_leave_while_a_file_is_read(tmp_path: Path) -> None:
    app = app_of(library.find("h200-large"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        app.session.wait(30)
        app.session.state = "running"
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


async def test_m_shows_another_of_them(tmp_path: Path) -> None:
    app = app_of(library.find("h200"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        assert view_of(app).model == "random-xlm-roberta-24x1024"
        await pilot.press("m")
        await until(pilot, lambda: "Choose a recording" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: view_of(app).model == "all-MiniLM-L6-v2")
        assert len(view_of(app).lines) == 11


async def test_one_that_is_damaged_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    whole = library.recordings()["h200-restarts"].read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    app = app_of([broken], tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "is damaged" in text_of(app))


async def test_export_does_not_write_beside_what_comes_with_embedtui(tmp_path: Path) -> None:
    app = app_of(library.find("h200-restarts"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        await pilot.press("e")
        await until(pilot, (tmp_path / "h200-restarts.json").is_file)


def test_neither_torch_nor_vllm_is_imported() -> None:
    code = (
        "import sys; from embedtui.tui.state.replay_session import ReplaySession\n"
        "from embedtui.storage import library\n"
        "session = ReplaySession(library.find('h200'))\n"
        "session.show(session.files[1]); session.wait()\n"
        "assert session.runs and not session.problem, session.problem\n"
        "print([m for m in ('torch', 'vllm', 'transformers') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
