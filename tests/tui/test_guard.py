"""In a real pseudo-terminal: what others write never reaches the screen, and it is sane again."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, LINES = 100, 32


class Terminal:
    """A program in a pseudo-terminal, and what its screen shows."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.before = termios.tcgetattr(inner)
        self.inner = inner
        environment = os.environ | {
            "TERM": "xterm-256color",
            "XDG_CONFIG_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
        }
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def read(self, seconds: float = 0.05) -> None:
        ready, _, _ = select.select([self.outer], [], [], seconds)
        if ready:
            data = os.read(self.outer, 65536)
            self.raw += data
            self._stream.feed(data)

    def until(self, condition: Callable[[], object], seconds: float = 40) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert not self.ended() or condition == self.ended, self.shown
            assert time.monotonic() < end, self.shown
            self.read()

    def press(self, keys: str) -> None:
        os.write(self.outer, keys.encode())

    def ended(self) -> bool:
        return self.process.poll() is not None

    def drain(self) -> None:
        for _ in range(10):
            self.read(0.02)

    @property
    def shown(self) -> str:
        return "\n".join(self.screen.display)

    def close(self) -> None:
        if not self.ended():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.outer)
        os.close(self.inner)


@pytest.fixture
def start(tmp_path: Path) -> object:
    begun: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        command = [sys.executable, "-m", "tests.tui.on_a_terminal", str(tmp_path), *arguments]
        begun.append(Terminal(command, tmp_path))
        return begun[-1]

    yield start
    for terminal in begun:
        terminal.close()


def assert_sane(terminal: Terminal) -> None:
    """The terminal is as it was: main screen, cursor, no mouse reports, its own line editing."""
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        on = sequence[:-1] + (b"l" if sequence.endswith(b"h") else b"h")
        assert terminal.raw.rfind(sequence) > terminal.raw.rfind(on), sequence
    assert termios.tcgetattr(terminal.inner)[:4] == terminal.before[:4]


def test_whatever_others_write_goes_to_the_log(
    start: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = start()
    terminal.until(lambda: "press r or Enter" in terminal.shown)
    terminal.until(lambda: terminal.screen.display[LINES - 1].rstrip().endswith("q quit"))
    assert max(len(line.rstrip()) for line in terminal.screen.display) == COLUMNS
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


def test_a_crash_leaves_a_sane_terminal_and_a_readable_traceback(
    start: Callable[..., Terminal],
) -> None:
    terminal = start("crash")
    terminal.until(lambda: "press r or Enter" in terminal.shown)
    terminal.press("1")
    terminal.until(terminal.ended)
    terminal.drain()
    assert terminal.process.returncode == 1
    assert_sane(terminal)
    after = terminal.raw[terminal.raw.rfind(b"\x1b[?1049l") :].decode()
    assert "RuntimeError: planted \ufffd[31mcrash" in after
    assert "on_a_terminal.py" in after
    assert "a local variable" not in after.split("RuntimeError")[0].replace('"a local', "")


def test_a_change_of_the_window_is_followed(start: Callable[..., Terminal]) -> None:
    terminal = start()
    terminal.until(lambda: "press r or Enter" in terminal.shown)
    fcntl.ioctl(terminal.inner, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 50, 0, 0))
    terminal.screen.resize(12, 50)
    os.kill(terminal.process.pid, signal.SIGWINCH)
    terminal.until(lambda: "make the" in terminal.shown)
    terminal.press("q")
    terminal.until(terminal.ended)
