"""A program in a pseudo-terminal, as a person would see it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

ROOT = Path(__file__).resolve().parents[1]


class Terminal:
    """A program in a pseudo-terminal, and what its screen shows."""

    def __init__(
        self,
        command: list[str],
        *,
        columns: int,
        lines: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(inner)
        self.inner = inner
        given = os.environ | {"TERM": "xterm-256color"} | dict(environment or {})
        for name in ("COLUMNS", "LINES", "NO_COLOR", "TMUX"):
            given.pop(name, None)
        self.process = subprocess.Popen(
            command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=ROOT,
            env=given,
            start_new_session=True,
        )
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def read(self, seconds: float = 0.05, *, feed: bool = True) -> None:
        ready, _, _ = select.select([self.outer], [], [], seconds)
        if ready:
            data = os.read(self.outer, 65536)
            self.raw += data
            if feed:
                self._stream.feed(data)

    def until(
        self, condition: Callable[[], object], seconds: float = 120, *, feed: bool = True
    ) -> None:
        """Go on until something holds; without `feed` only `raw` grows, which is faster."""
        end = time.monotonic() + seconds
        while not condition():
            assert not self.ended() or condition == self.ended, self.shown
            assert time.monotonic() < end, self.shown
            self.read(feed=feed)

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


def assert_sane(terminal: Terminal) -> None:
    """The terminal is as it was: main screen, cursor, no mouse reports, its own line editing."""
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        on = sequence[:-1] + (b"l" if sequence.endswith(b"h") else b"h")
        assert terminal.raw.rfind(sequence) > terminal.raw.rfind(on), sequence
    assert termios.tcgetattr(terminal.inner)[:4] == terminal.before[:4]
