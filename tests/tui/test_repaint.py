"""What is the same is not painted again: a line is slow, and a key costs what it changes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static

from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.titles import entitle
from tests.terminal import Terminal
from tests.tui.conftest import Bare

SIZES = {(80, 24): (1_500, 25_000), (200, 50): (3_000, 60_000)}
"""Bytes that a row down and another view may cost at most, by columns and lines."""


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """An explorer of a recording, in a terminal of all colours: their codes are the longest."""
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "CACHE", "DATA", "STATE")}
    columns, lines = request.param
    begun = Terminal(
        [sys.executable, "-m", "embedtui", "open", "h200"],
        columns=columns,
        lines=lines,
        environment=homes | {"COLORTERM": "truecolor"},
    )
    begun.until(lambda: "recorded 20" in begun.shown)
    yield begun
    begun.close()


def cost_of(terminal: Terminal, key: str) -> int:
    """Return the bytes that a key costs until nothing has come for two frames."""
    wait_until_quiet(terminal)
    before = len(terminal.raw)
    terminal.press(key)
    wait_until_quiet(terminal)
    return len(terminal.raw) - before


def wait_until_quiet(terminal: Terminal) -> None:
    while True:
        before = len(terminal.raw)
        terminal.read(0.5)
        if len(terminal.raw) == before:
            return


def test_a_key_costs_what_it_changes(terminal: Terminal) -> None:
    row, view = SIZES[terminal.screen.columns, terminal.screen.lines]
    for key in "23451":
        assert cost_of(terminal, key) <= view, key
    cost_of(terminal, "2")
    terminal.until(lambda: "vs float64" in terminal.shown)
    first = next(y for y, line in enumerate(terminal.screen.display) if "vs float64" in line) + 1
    unlit = terminal.screen.buffer[first + 1][5].bg
    for number in range(first + 1, first + 3):
        assert cost_of(terminal, "j") <= row
        assert terminal.screen.buffer[number][5].bg != unlit
        assert terminal.screen.buffer[number - 1][5].bg == unlit


def test_what_was_sent_in_pieces_is_the_whole_screen(terminal: Terminal) -> None:
    for key in ("2", "j", "s", "4", "?", "\x1b", "3", "5"):
        cost_of(terminal, key)
    terminal.until(lambda: "were not measured" in terminal.shown)
    wait_until_quiet(terminal)
    pieces = [list(terminal.screen.buffer[y].items()) for y in range(terminal.screen.lines)]
    before = terminal.shown
    terminal.screen.erase_in_display(2)
    assert cost_of(terminal, "\x0c") > 1_000  # Ctrl+L
    terminal.until(lambda: terminal.shown == before)
    for y, row in enumerate(pieces):
        for x, cell in row:
            again = terminal.screen.buffer[y][x]
            assert (again.data, again.bg) == (cell.data, cell.bg)
            assert cell.data == " " or again == cell


def test_a_terminal_that_was_away_is_drawn_again(terminal: Terminal) -> None:
    cost_of(terminal, "2")
    terminal.screen.erase_in_display(2)
    terminal.process.send_signal(signal.SIGWINCH)
    terminal.until(lambda: "vs float64" in terminal.shown and "q quit" in terminal.shown)


class Painted(ChangedText):
    """Counts how often it is painted."""

    times = 0

    def render_lines(self, crop: Region) -> list[Strip]:
        self.times += 1
        return super().render_lines(crop)


async def test_a_text_that_is_the_same_is_not_painted_again() -> None:
    class Holding(Bare):
        def compose(self) -> ComposeResult:
            yield Painted(id="line")
            yield Static("below")

    app = Holding()
    async with app.run_test(size=(40, 5)) as pilot:
        line = app.query_one(Painted)
        line.show(Text("one"))
        await pilot.pause()
        times = line.times
        line.show(Text("one"))
        await pilot.pause()
        assert line.times == times
        line.show(Text("one", style="bold"))
        await pilot.pause()
        assert line.times == times + 1


@pytest.mark.parametrize("title", ["[/]", "[bold]id", "a [/x] b", "C:\\[b", "[1] and [2]", ""])
async def test_what_looks_like_markup_in_a_title_is_none(title: str) -> None:
    class Holding(Bare):
        def compose(self) -> ComposeResult:
            yield Vertical(id="box")

    app = Holding()
    async with app.run_test(size=(40, 5)) as pilot:
        box = app.query_one("#box")
        box.styles.border = ("round", "red")
        entitle(box, title)
        entitle(box, title, "below")
        await pilot.pause()
        line = "".join(segment.text for segment in app.screen._compositor.render_strips()[0])
    assert title in line
