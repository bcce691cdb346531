"""What keys cost on the line to a terminal, with a recording open and all colours."""

from __future__ import annotations

import sys
import tempfile
from functools import partial

from tests.terminal import Terminal

SIZES = {(80, 24): (1.5, 25.0), (200, 50): (3.0, 60.0)}
"""KB that a row down and another view may cost, by columns and lines."""
VIEWS = "23451"
QUIET, IDLE = 1.0, 5.0


def wire() -> None:
    """Count the bytes that come after a key, until none has come for a while."""
    for size, most in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            homes = {f"XDG_{name}_HOME": folder for name in ("CONFIG", "CACHE", "DATA", "STATE")}
            terminal = Terminal(
                [sys.executable, "-m", "embedtui", "open", "h200-minilm"],
                columns=size[0],
                lines=size[1],
                environment=homes | {"COLORTERM": "truecolor"},
            )
            try:
                terminal.until(partial(_opened, terminal))
                print(f"KB to a terminal of {size[0]}x{size[1]}")
                _keys(terminal, *most)
            finally:
                terminal.close()


def _opened(terminal: Terminal) -> bool:
    return "recorded 20" in terminal.shown


def _keys(terminal: Terminal, row: float, view: float) -> None:
    _wait(terminal)
    print(f"  to begin with        {len(terminal.raw) / 1e3:8.2f}")
    views = [_cost(terminal, key) for key in VIEWS]
    _against("another view, most", max(views), view)
    _cost(terminal, "2")
    rows = [_cost(terminal, "j") for _ in range(5)]
    _against("a row down, most", max(rows), row)
    print(f"  help                 {_cost(terminal, '?'):8.2f}")
    before = len(terminal.raw)
    terminal.read(IDLE)
    idle = (len(terminal.raw) - before) / 1e3
    print(f"  idle, {IDLE:.0f} s            {idle:8.2f}   (wanted: 0)")


def _against(name: str, found: float, most: float) -> None:
    print(f"  {name:20} {found:8.2f}   ratio {found / most:.2f} (wanted: at most 1, of {most})")


def _cost(terminal: Terminal, key: str) -> float:
    before = len(terminal.raw)
    terminal.press(key)
    _wait(terminal)
    return (len(terminal.raw) - before) / 1e3


def _wait(terminal: Terminal) -> None:
    while True:
        before = len(terminal.raw)
        terminal.read(QUIET)
        if len(terminal.raw) == before:
            return
