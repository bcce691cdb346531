"""In a real pseudo-terminal: what others write never reaches the screen, and it is sane again."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal import Terminal, assert_sane

COLUMNS, LINES = 100, 32


@pytest.fixture
def start(tmp_path: Path) -> object:
    begun: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        command = [sys.executable, "-m", "tests.tui.on_a_terminal", str(tmp_path), *arguments]
        homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "CACHE", "DATA", "STATE")}
        begun.append(Terminal(command, columns=COLUMNS, lines=LINES, environment=homes))
        return begun[-1]

    yield start
    for terminal in begun:
        terminal.close()


def test_whatever_others_write_goes_to_the_log(
    start: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = start()
    terminal.until(lambda: "press r to measure" in terminal.shown)
    terminal.until(lambda: terminal.screen.display[LINES - 1].rstrip().endswith("q quit"))
    terminal.until(lambda: max(len(line.rstrip()) for line in terminal.screen.display) == COLUMNS)
    terminal.press("r")
    terminal.until(lambda: "done in" in terminal.shown)
    terminal.press("2")
    terminal.drain()
    assert "TEAR" not in terminal.shown
    assert b"TEAR" not in terminal.raw
    terminal.press("q")
    terminal.until(terminal.ended)
    terminal.drain()
    assert terminal.process.returncode == 0
    assert "the terminal again" in terminal.shown
    assert_sane(terminal)
    log = (tmp_path / "screen.txt").read_text()
    for wrote in ("os-1", "os-2", "libc", "child", "print", "fileno"):
        assert f"TEAR-{wrote}" in log
    assert "fileno -1" not in log


def test_a_crash_leaves_a_sane_terminal_one_line_and_a_report(
    start: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = start("crash")
    terminal.until(lambda: "press r to measure" in terminal.shown)
    terminal.press("1")
    terminal.until(terminal.ended)
    terminal.drain()
    assert terminal.process.returncode == 4
    assert_sane(terminal)
    after = terminal.raw[terminal.raw.rfind(b"\x1b[?1049l") :].decode()
    assert "RuntimeError: planted \ufffd[31mcrash (crash report: " in after
    assert "Traceback" not in after
    report = next((tmp_path / "embedtui" / "logs").glob("crash-*.txt")).read_text()
    assert "on_a_terminal.py" in report
    assert "a local variable" not in report.replace('secret = "a local variable"', "")


def test_a_change_of_the_window_is_followed(start: Callable[..., Terminal]) -> None:
    terminal = start()
    terminal.until(lambda: "press r to measure" in terminal.shown)
    fcntl.ioctl(terminal.inner, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 50, 0, 0))
    terminal.screen.resize(12, 50)
    os.kill(terminal.process.pid, signal.SIGWINCH)
    terminal.until(lambda: "make the" in terminal.shown)
    terminal.press("q")
    terminal.until(terminal.ended)
