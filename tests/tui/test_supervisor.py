"""What fails in the explorer is counted and told, and the screen goes on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from embedtui.assess import retrieval
from embedtui.common import crash, paths
from embedtui.tui.state.supervisor import SUPERVISOR, Supervisor, Worker
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.viewmodel import frames
from embedtui.tui.viewmodel.chart_renderer import PICTURES
from tests.tui.conftest import Make, ran, told, until

WIDE = (120, 40)
Failures = Callable[[], int]


def _once(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails when it is first called, and then does what it should."""
    failed = threading.Event()

    def broken(*arguments: Any, **options: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError("planted")
        return real(*arguments, **options)

    return broken


async def test_after_an_error_in_composing_the_next_frame_comes_and_it_is_told(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, failures: Failures
) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        view_builder = app.framer.view_builder
        monkeypatch.setattr(view_builder, "compose", _once(view_builder.compose))
        before = app.frame
        await pilot.press("v")
        await until(pilot, lambda: app.frame is not before)
        await until(pilot, lambda: "composing the screen failed" in text_of(app))
        assert "ZeroDivisionError: planted" in told(app)
        assert failures() == 1
        assert list(paths.logs_folder().glob("crash-*.txt"))


async def test_a_chart_that_fails_says_so_and_the_others_are_drawn(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, failures: Failures
) -> None:
    def broken(*_arguments: Any, **_options: Any) -> Any:
        raise KeyError("planted")

    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        monkeypatch.setattr(frames, "PICTURES", dict[str, Any](PICTURES) | {"histogram": broken})
        await pilot.press("v")
        await until(pilot, lambda: "this chart could not be drawn" in text_of(app))
        await until(pilot, lambda: "drawing the chart histogram failed" in told(app))
        assert "texts/s" in text_of(app)
        assert failures() > 0


async def test_a_search_that_fails_is_told_and_not_tried_again(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, failures: Failures
) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(retrieval, "worst_of_orders", broken)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        searches = app.framer.view_builder.searches
        settings = app.session.runs[-1].settings
        await until(pilot, lambda: not any(searches.pending(setting) for setting in settings))
        await until(pilot, lambda: "searching for neighbours failed" in told(app))
        assert failures() == sum(len(setting.batched) for setting in settings)


async def test_an_error_in_a_thread_of_a_picker_is_told(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, failures: Failures
) -> None:
    from embedtui import models

    def broken(*_arguments: object) -> None:
        raise RuntimeError("planted")

    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        monkeypatch.setattr(models, "find_models", broken)
        await pilot.press("m")
        await until(pilot, lambda: "looking for models failed" in told(app))
        assert failures() == 1


@pytest.mark.parametrize("key", ["u", "t", "a", "T", "m", "question_mark", "S"])
async def test_keys_that_come_in_one_read_close_a_screen_once(make_app: Make, key: str) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        above = app.screen
        for _ in range(3):
            above.dismiss(None)
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_a_key_that_comes_before_a_screen_is_built_does_no_harm(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        for opener in ("texts", "model"):
            await app.run_action(opener)
            assert not app.screen.is_mounted
            assert not await app.run_action("screen.move(-1)")
            await until(pilot, lambda: app.screen.is_mounted)
            assert await app.run_action("screen.move(1)")
            await pilot.press("escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_two_enters_in_one_read_choose_once(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("u")
        await until(pilot, lambda: app.screen.query(OptionList))
        options = app.screen.query_one(OptionList)
        options.action_select()
        options.action_select()
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.return_code is None


def test_a_thread_goes_on_after_an_error_and_ends_without_one(failures: Failures) -> None:
    called = threading.Semaphore(0)
    works = iter([ZeroDivisionError("planted"), None])

    def work() -> None:
        called.release()
        error = next(works)
        if error is not None:
            raise error

    worker = Worker("test", "testing", work, restarts=True)
    worker.start()
    worker.join(120)
    assert called.acquire(timeout=0)
    assert called.acquire(timeout=0)
    assert failures() == 1


def test_a_thread_that_does_not_restart_ends_and_is_counted(failures: Failures) -> None:
    def work() -> None:
        raise ZeroDivisionError("planted")

    worker = Worker("test", "testing", work)
    worker.start()
    worker.join(120)
    assert failures() == 1


def test_what_no_thread_caught_comes_to_the_supervisor() -> None:
    supervisor = Supervisor()
    lines: list[str] = []
    supervisor.tell = lines.append
    with supervisor.hooked():
        thread = threading.Thread(target=lambda: 1 // 0, name="forgotten")
        thread.start()
        thread.join()
        sys.unraisablehook(
            type(
                "Found",
                (),
                {
                    "exc_type": ValueError,
                    "exc_value": ValueError("planted"),
                    "err_msg": "closing",
                    "object": None,
                    "exc_traceback": None,
                },
            )()
        )
    assert supervisor.failures == 2
    assert lines[0].startswith("forgotten failed: ZeroDivisionError")
    assert lines[1].startswith("closing failed: ValueError: planted")


def test_what_fails_again_and_again_is_counted_but_has_one_report() -> None:
    supervisor = Supervisor()
    for _ in range(5):
        with supervisor.watch("testing"):
            raise ValueError("planted")
    assert supervisor.failures == 5
    assert len(list(paths.logs_folder().glob("crash-*.txt"))) == 1


def test_no_key_is_told_or_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", "sk-planted-0123")
    supervisor = Supervisor()
    lines: list[str] = []
    supervisor.tell = lines.append
    with supervisor.watch("asking"):
        raise ValueError("refused: sk-planted-0123")
    assert "sk-planted-0123" not in "".join(lines) + caplog.text + capsys.readouterr().err
    assert "Traceback" in caplog.text


def test_an_error_that_ends_the_process_is_not_held_back() -> None:
    with pytest.raises(KeyboardInterrupt), SUPERVISOR.watch("testing"):
        raise KeyboardInterrupt


def test_crash_reports_of_one_explorer_are_few(tmp_path: Path) -> None:
    supervisor = Supervisor()
    for number in range(30):
        with supervisor.watch(f"testing {number}"):
            raise ValueError("planted")
    assert len(list(paths.logs_folder().glob("crash-*.txt"))) <= 10
    assert crash.describe(ValueError("x"), None).endswith("(no crash report could be written)")
