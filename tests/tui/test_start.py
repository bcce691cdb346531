"""The explorer as it is started, in a pseudo-terminal: how it ends when screen or window does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from embedtui.common import paths
from embedtui.config import Config, load
from embedtui.results.results import Results
from embedtui.storage import run_file
from embedtui.tui import start
from tests.terminal import Terminal, assert_sane
from tests.tui.started import HELD, INTERRUPTED

TEXTS = 5
HUNG_UP = 129


class Started(Terminal):
    """The explorer in a terminal that is not its session's own: no signal comes with its end."""

    def __init__(self, folder: Path, model: Path, **environment: str) -> None:
        self.folder = folder
        self.gone = False
        options = ["--limit", str(TEXTS), "--dtype", "float32", "--batch-sizes", "1,2"]
        command = [sys.executable, "-m", "tests.tui.started", str(folder), str(model), *options]
        super().__init__(command, columns=100, lines=32, environment=environment)
        self.until(lambda: "q quit" in self.shown)

    def run(self) -> None:
        """Begin a run, and wait until the engine stands still in it."""
        self.press("r")
        self.until((self.folder / "held").exists)

    def go_on(self) -> None:
        (self.folder / "go").touch()

    def whole(self) -> Results:
        """Return what the run file holds once the explorer has ended."""
        found = sorted(paths.runs_folder().iterdir())
        assert len(found) == 1, found
        return run_file.read(found[0])

    def after(self) -> list[str]:
        """Return the lines that came after the screen was left."""
        self.drain()
        left = self.raw.rfind(b"\x1b[?1049l")
        lines = self.raw[left:].decode().replace("\r", "").split("\n")[1:]
        return [line for line in lines if line and "\x1b" not in line]

    def go_away(self) -> None:
        """End the terminal, as a window that is closed does."""
        self.gone = True
        os.close(self.outer)
        os.close(self.inner)

    def close(self) -> None:
        if not self.gone:
            super().close()
        elif not self.ended():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def explorer(tmp_path: Path, model_folder: Path) -> Iterator[Started]:
    started = Started(tmp_path, model_folder)
    yield started
    started.close()


def test_a_run_goes_on_when_its_screen_fails(explorer: Started) -> None:
    explorer.run()
    explorer.press("1")
    explorer.until(lambda: b"the run goes on; Ctrl+C ends it" in explorer.raw)
    assert not explorer.ended()
    assert_sane(explorer)
    explorer.go_on()
    explorer.until(explorer.ended)
    assert explorer.process.returncode == 4
    told = [line for line in explorer.after() if "RuntimeError" in line]
    assert len(told) == 1
    assert told[0].startswith("embedtui: RuntimeError: planted (crash report: ")
    assert "Traceback" not in "\n".join(explorer.after())
    results = explorer.whole()
    assert results.status == "finished"
    assert [one.unbatched.count for one in results.settings] == [TEXTS]
    assert [one.pass_of(2).count for one in results.settings] == [TEXTS]


def test_ctrl_c_ends_a_run_whose_screen_failed_and_its_file_is_whole(explorer: Started) -> None:
    explorer.run()
    explorer.press("1")
    explorer.until(lambda: b"the run goes on; Ctrl+C ends it" in explorer.raw)
    os.kill(explorer.process.pid, signal.SIGINT)
    explorer.until(lambda: b"stopping after this batch" in explorer.raw)
    explorer.go_on()
    explorer.until(explorer.ended)
    assert explorer.process.returncode == 4
    assert explorer.whole().status == "cancelled"


def test_ctrl_c_in_the_moment_in_which_it_is_told_of_ends_the_run(
    tmp_path: Path, model_folder: Path
) -> None:
    explorer = Started(tmp_path, model_folder, **{INTERRUPTED: "1"})
    try:
        explorer.run()
        explorer.press("1")
        explorer.until(lambda: b"stopping after this batch" in explorer.raw)
        explorer.go_on()
        explorer.until(explorer.ended)
        assert explorer.process.returncode == 4
        assert explorer.whole().status == "cancelled"
    finally:
        explorer.close()


def test_an_explorer_whose_terminal_is_gone_ends_by_itself(explorer: Started) -> None:
    explorer.go_away()
    assert explorer.process.wait(120) == HUNG_UP


def test_a_terminal_that_goes_in_a_run_leaves_a_whole_run_file(explorer: Started) -> None:
    explorer.run()
    explorer.go_away()
    explorer.go_on()
    assert explorer.process.wait(120) == HUNG_UP
    results = explorer.whole()
    assert results.status != "running"
    assert sum(one.unbatched.count for one in results.settings) >= HELD


def test_what_was_given_for_this_time_is_not_kept_though_other_switches_are_chosen(
    tmp_path: Path,
) -> None:
    kept = replace(Config(), settings={"dtype": ("bfloat16",)})
    given = {"settings": {"dtype": ("float32",), "threads": ("1",)}}
    chosen = {"dtype": ("float32",), "threads": ("1",), "pooling_accumulation": ("model",)}
    path = tmp_path / "config.toml"
    start._save(path, kept, given, replace(kept, settings=chosen))
    assert load(path)[0].settings == {
        "dtype": ("bfloat16",),
        "pooling_accumulation": ("model",),
    }
