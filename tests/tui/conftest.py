from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from embedtui.config import Config
from embedtui.tui import themes
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.session import Session
from embedtui.tui.state.supervisor import SUPERVISOR
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.view_state import View
from embedtui.tui.widgets.bars import Hints, ProgressStrip
from tests.fakes import FakeEngines, Script

Make = Callable[..., Explorer]
WIDE = (120, 40)
NARROW = (80, 24)


@pytest.fixture(autouse=True)
def _on_cpu(on_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine looks alike to these tests."""
    from embedtui.common import machine

    monkeypatch.setattr(machine, "machine_name", lambda: "a machine, 2 cores")


@pytest.fixture
def texts_file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    lines = [f"text number {number} about {'word ' * (number % 7)}" for number in range(12)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(autouse=True)
def failures() -> Iterator[Callable[[], int]]:
    """Hold that nothing fails unseen; a test that plants an error asks how many there were."""
    before = SUPERVISOR.failures
    planted = False

    def seen() -> int:
        nonlocal planted
        planted = True
        return SUPERVISOR.failures - before

    yield seen
    assert planted or SUPERVISOR.failures == before


@pytest.fixture
def make_app(tmp_path: Path, model_folder: Path, texts_file: Path) -> Make:
    """Return a way to make an explorer on engines that do what a script says."""

    def make(script: Script | None = None, **config: Any) -> Explorer:
        logs = tmp_path / "logs"
        logs.mkdir(exist_ok=True)
        (logs / "host.log").write_text("imported\nsecond line\n")
        engines = FakeEngines(script, logs=logs)
        session = Session(engines)
        defaults: dict[str, Any] = {
            "model": str(model_folder),
            "texts": str(texts_file),
            "limit": 0,
            "batch_sizes": "1,2,4",
        }
        return Explorer(
            AppDeps(
                lambda: session,
                replace(Config(), **defaults | config),
                screenshots_folder=tmp_path,
                themes_folder=tmp_path / "themes",
            )
        )

    return make


class Bare(App[None]):
    """An app with our colours and nothing else, for one widget or one screen."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.default_variables()


def told(app: App[Any]) -> str:
    """Return what has been told, a line for each message."""
    if isinstance(app, Explorer):
        return "\n".join(app.told)
    return "\n".join(notification.message for notification in app._notifications)


async def until(pilot: Any, condition: Callable[[], Any], seconds: float = 120) -> None:
    """Let the app go on until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it never came about:\n{text_of(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.01)


def view_of(app: App[Any]) -> View:
    """Return what the frame shows; there is one once the first was made."""
    assert isinstance(app, Explorer)
    assert app.frame is not None, "nothing was shown yet"
    return app.frame.view


def _another(app: Explorer, than: Frame | None) -> bool:
    return app.frame is not than


def shows(app: App[Any], words: str) -> bool:
    return words in text_of(app)


async def settled(pilot: Pilot[Any]) -> None:
    """Let the app go on until its workers are done and frames made now change nothing."""
    app = pilot.app
    assert isinstance(app, Explorer)
    await until(pilot, lambda: app.frame is not None and not app.session.busy)
    before, now = "", text_of(app)
    while now != before:
        await app.workers.wait_for_complete()
        for _ in range(2):  # one may have been begun before it was asked for
            frame = app.frame
            app.framer.again()
            await until(pilot, partial(_another, app, frame))
        await pilot.pause()
        before, now = now, text_of(app)


async def ran(pilot: Any) -> None:
    """Run what is chosen to its end, and wait until it is shown."""
    app = pilot.app
    await until(pilot, lambda: app.frame is not None)
    await pilot.press("r")
    await until(pilot, lambda: not app.session.busy)
    await until(pilot, lambda: view_of(app).version == app.session.version)


def hints(app: Explorer) -> dict[str, str]:
    """Return what the last line promises, by action."""
    return {one.action or one.key: one.label for one in app.query_one(Hints).hints}


def said(app: Explorer) -> str:
    return app.query_one(ProgressStrip).said


class HeldBack:
    """Engines that stop before a batch until they are let go."""

    def __init__(self, at: int = 5) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.script = Script(on_job=self._on_job)
        self._at = at

    def _on_job(self, count: int) -> None:
        if count == self._at:
            self.reached.set()
            self.go_on.wait(120)


async def begun(pilot: Any, held: HeldBack) -> None:
    app = pilot.app
    await until(pilot, lambda: app.frame is not None)
    await pilot.press("r")
    await until(pilot, held.reached.is_set)
    await until(pilot, lambda: view_of(app).lines)
