"""The explorer as a user starts it, on the real engine and the real model."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from embedtui.config import Config
from embedtui.engine.pool import VllmPool
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.bars import ProgressStrip
from tests.terminal import Terminal, assert_sane
from tests.tui.conftest import until, view_of

pytestmark = pytest.mark.engine

FEW = """
[explore]
limit = 16
batch_sizes = "1,4,16"
[settings]
dtype = ["float32", "bfloat16"]
pooling_accumulation = ["float32", "model"]
"""


def said(app: Explorer) -> str:
    return app.query_one(ProgressStrip).said


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(VllmPool())
    session.engines.start()
    yield session
    session.close()


def few() -> Config:
    settings = {"dtype": ("float32",), "pooling_accumulation": ("float32", "model")}
    return replace(Config(), limit=12, batch_sizes="1,4,12", settings=settings, metric="l2")


@pytest.mark.timeout(600)
async def test_from_a_key_press_to_the_verdict(session: Session, tmp_path: Path) -> None:
    app = Explorer(AppDeps(lambda: session, few(), screenshots_folder=tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("r")
        stages: set[str] = set()

        def over() -> bool:
            stages.add(said(app))
            return not session.busy and view_of(app).version == session.version

        await until(pilot, over, 200)
        screen = text_of(app)
        lines = view_of(app).lines
    assert session.problem == ""
    today, old = lines
    assert today.identical
    assert today.error is not None
    assert today.error < 3e-6
    assert old.drift is not None
    assert 1e-8 < old.drift < 1e-5
    assert "DRIFT  float32: none at batch size " in screen
    assert "float32 · old pooling" in screen
    assert re.search(r"SERVE +float32: \d+ texts/s.* at batch size \d+, consistent", screen)
    assert any("texts/s" in stage and "left" in stage for stage in stages), stages
    assert any("weights" in stage for stage in stages), stages


def computed_in_a_second(process: psutil.Process) -> float:
    """Watch a process: that nothing happens in it cannot be waited for."""
    before = process.cpu_times().user
    time.sleep(1)
    return float(process.cpu_times().user - before)


@pytest.mark.timeout(600)
async def test_esc_stops_after_the_batch_and_esc_again_kills(
    session: Session, tmp_path: Path
) -> None:
    config = replace(
        Config(),
        settings={"dtype": ("float32",)},
        limit=128,
        batch_sizes="1,64",
        reference=False,
        repeats=0,
        shuffles=0,
    )
    app = Explorer(AppDeps(lambda: session, config, screenshots_folder=tmp_path))

    def engine() -> psutil.Process:
        assert isinstance(session.engines, VllmPool)
        host = psutil.Process(session.engines.host.pid)
        return next(one for one in host.children() if "engine" in " ".join(one.cmdline()))

    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("r")
        await until(
            pilot, lambda: session.runs and session.runs[-1].settings[0].unbatched.count, 200
        )
        # The batch in hand takes as long as the screen needs to say that it is waited for.
        working = engine()
        working.suspend()
        await pilot.press("escape")
        await until(pilot, lambda: "stopping after this batch" in said(app))
        working.resume()
        await until(pilot, lambda: not session.busy)
        await until(pilot, lambda: "stopped, what was measured stays" in said(app))
        assert computed_in_a_second(working) < 0.3, "the engine goes on computing"
        assert working.is_running()
        quiet = working.cpu_times().user

        await pilot.press("r")
        await until(pilot, lambda: session.busy and working.cpu_times().user - quiet > 0.5, 60)
        # An engine that hangs in mid-batch: nothing but the second key ends it.
        working.suspend()
        await pilot.press("escape")
        await until(pilot, lambda: session.state == "cancelling")
        await pilot.press("escape")
        await until(pilot, lambda: not working.is_running())
        await until(pilot, lambda: not session.busy)

        await pilot.press("r")
        await until(pilot, lambda: session.busy)
        await until(pilot, lambda: not session.busy, 200)
        assert session.runs[-1].status == "finished"
        assert session.problem == ""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    begun: list[Terminal] = []
    config = tmp_path / "config.toml"
    config.write_text(FEW)

    def start(columns: int = 120, lines: int = 40) -> Terminal:
        command = [sys.executable, "-m", "embedtui"]
        environment = {"EMBEDTUI_CONFIG": str(config)}
        begun.append(Terminal(command, columns=columns, lines=lines, environment=environment))
        return begun[-1]

    yield start
    for terminal in begun:
        terminal.close()


def family(terminal: Terminal) -> list[psutil.Process]:
    return list(psutil.Process(terminal.process.pid).children(recursive=True))


def gone(processes: list[psutil.Process], seconds: float = 60) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


@pytest.mark.timeout(600)
def test_in_a_terminal_one_key_gives_the_picture_and_the_verdict(
    start: Callable[..., Terminal], home: Path
) -> None:
    terminal = start()
    terminal.until(lambda: "press r to measure" in terminal.shown)
    terminal.press("r")
    terminal.until(lambda: "texts/s" in terminal.shown and "left" in terminal.shown, 100)
    terminal.until(lambda: "done in" in terminal.shown, 200)
    assert "old pooling" in terminal.shown
    assert "◂" in terminal.shown
    assert "Attempted" not in terminal.raw.decode(errors="replace"), "the engine's log is shown"
    processes = family(terminal)
    assert processes
    terminal.press("q")
    terminal.until(terminal.ended)
    terminal.drain()
    assert terminal.process.returncode == 0
    assert_sane(terminal)
    assert gone(processes)
    assert "Run file:" in terminal.shown
    assert list((home / "data").rglob("*.sqlite"))


@pytest.mark.timeout(600)
def test_processes_that_are_stopped_are_told_and_hold_up_no_end(
    start: Callable[..., Terminal],
) -> None:
    terminal = start()
    terminal.until(lambda: "press r to measure" in terminal.shown)
    terminal.press("r")
    terminal.until(lambda: "texts/s" in terminal.shown and "left" in terminal.shown, 200)
    processes = family(terminal)
    (host,) = psutil.Process(terminal.process.pid).children()
    for process in (*host.children(), host):
        process.suspend()
    terminal.until(lambda: "is stopped (SIGSTOP)" in terminal.shown, 60)
    assert f"kill -CONT {host.pid}" in terminal.shown
    terminal.press("q")
    terminal.until(lambda: "A run is in progress" in terminal.shown)
    terminal.press("k")
    terminal.until(terminal.ended, 60)
    assert terminal.process.returncode == 0
    terminal.drain()
    assert_sane(terminal)
    assert b"the engine host did not answer and was killed" in terminal.raw
    assert gone(processes, 30)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_the_screen_dies_no_engine_is_left(
    start: Callable[..., Terminal], signum: signal.Signals
) -> None:
    terminal = start(80, 24)
    terminal.until(lambda: "press r to measure" in terminal.shown)
    terminal.press("r")
    terminal.until(lambda: "texts/s" in terminal.shown and "left" in terminal.shown, 100)
    processes = family(terminal)
    assert len(processes) >= 2
    os.kill(terminal.process.pid, signum)
    terminal.until(terminal.ended)
    assert gone(processes)
    if signum != signal.SIGKILL:
        terminal.drain()
        assert terminal.process.returncode == 128 + signum
        assert_sane(terminal)


@pytest.mark.timeout(300)
def test_a_whole_run_brings_nothing_heavy_into_the_screens_process() -> None:
    script = """
import sys
from embedtui.engine.pool import VllmPool
from embedtui.plan.choices import Choices
from embedtui.tui.state.session import Session
from embedtui.tui.start import open_recorder
session = Session(VllmPool(), open_recorder)
session.run(Choices(limit=4, batch_sizes=(1, 2), chosen=({"dtype": ["float32"]},)))
session.wait()
heavy = ("torch", "vllm", "transformers", "sentence_transformers", "triton")
print(session.runs[-1].status, session.problem, [name for name in heavy if name in sys.modules])
session.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout == "finished  []\n"
