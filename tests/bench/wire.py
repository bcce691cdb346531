"""What keys cost on the line to a terminal, with a recording open and all colours."""

from __future__ import annotations

import sys
import tempfile

from tests.terminal import Terminal

SIZES = {(80, 24): (1.5, 25.0), (200, 50): (3.0, 60.0)}
"""KB that a row down and another view may cost, by columns and lines."""
VIEWS = "23451"
QUIET, IDLE = 1.0, 5.0


def wire() -> None:
    """Count the bytes that come after a key, until none has come for a while."""
    for (columns, lines), (row, view) in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            homes = {f"XDG_{name}_HOME": folder for name in ("CONFIG", "CACHE", "DATA", "STATE")}
            terminal = Terminal(
                [sys.executable, "-m", "embedtui", "open", "h200-minilm"],
                columns=columns,
                lines=lines,
                environment=homes | {"COLORTERM": "truecolor"},
            )
            try:
                terminal.until(lambda: "recorded 20" in terminal.shown)
                _wait(terminal)
                start = len(terminal.raw)
                print(f"KB to a terminal of {columns}x{lines}")
                print(f"  to begin with        {start / 1e3:8.2f}")
                views = [_cost(terminal, key) for key in VIEWS]
                _against("another view, most", max(views), view)
                _cost(terminal, "2")
                rows = [_cost(terminal, "j") for _ in range(5)]
                _against("a row down, most", max(rows), row)
                print(f"  help                 {_cost(terminal, '?'):8.2f}")
                before = len(terminal.raw)
                terminal.read(IDLE)
                print(
                    f"  idle, {IDLE:.0f} s            {(len(terminal.raw) - before) / 1e3:8.2f}   (wanted: 0)"
                )
            finally:
                terminal.close()


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
