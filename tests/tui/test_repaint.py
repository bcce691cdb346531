"""What is the same is not painted again: a line is slow, and a key costs what it changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static

from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.partial_repaint import merge_runs
from embedtui.tui.widgets.titles import entitle
from tests.terminal import Terminal
from tests.tui.conftest import Bare

COLUMNS, LINES = 80, 24


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "CACHE", "DATA", "STATE")}
    command = [sys.executable, "-m", "embedtui", "open", "h200"]
    begun = Terminal(command, columns=COLUMNS, lines=LINES, environment=homes)
    yield begun
    begun.close()


def wait_until_quiet(terminal: Terminal) -> None:
    """Go on until nothing has come for two frames."""
    while True:
        before = len(terminal.raw)
        terminal.read(0.5)
        if len(terminal.raw) == before:
            return


def test_a_line_down_in_the_texts_paints_two_rows(terminal: Terminal) -> None:
    terminal.until(lambda: "recorded 20" in terminal.shown)
    terminal.press("2")
    terminal.until(lambda: "vs float64" in terminal.shown)
    wait_until_quiet(terminal)
    first = next(y for y, line in enumerate(terminal.screen.display) if "vs float64" in line) + 1
    unlit = terminal.screen.buffer[first + 1][5].bg
    costs = []
    for row in range(first + 1, first + 3):
        before = len(terminal.raw)
        terminal.press("j")
        terminal.until(lambda row=row: terminal.screen.buffer[row][5].bg != unlit)  # type: ignore[misc]
        wait_until_quiet(terminal)
        assert terminal.screen.buffer[row - 1][5].bg == unlit
        costs.append(len(terminal.raw) - before)
    # Searches that end meanwhile may change what stands elsewhere.
    assert min(costs) < 700


STYLES = [
    Style(),
    Style(color="red"),
    Style(color="red", bgcolor="blue"),
    Style(color="green", bgcolor="blue", bold=True),
    Style(color="green", bgcolor="blue", underline=True),
    Style(color="red", reverse=True),
]


def look(segments: list[Segment]) -> list[tuple[str, Style | None, Color | None, bool]]:
    """Return what each cell looks like: of a plain blank, its ground is all that is seen."""
    cells = []
    for segment in segments:
        style = segment.style or Style()
        seen = bool(style.underline or style.reverse)
        for character in segment.text:
            blank = character == " " and not seen
            cells.append((character, None if blank else style, style.bgcolor, seen))
    return cells


SEGMENTS = st.lists(
    st.builds(Segment, st.sampled_from(["", " ", "   ", "a", " b ", "cd"]), st.sampled_from(STYLES))
)


@given(SEGMENTS)
def test_merged_runs_look_as_before_and_no_two_could_be_one(segments: list[Segment]) -> None:
    merged = merge_runs(segments)
    assert look(merged) == look(segments)
    for one, other in pairwise(merged):
        assert one.style != other.style


def test_blanks_between_two_colours_cost_no_segment_of_their_own() -> None:
    red, green, base = Style(color="red"), Style(color="green"), Style(color="white")
    row = [Segment("a", red), Segment("  ", base), Segment("b", green), Segment("  ", base)]
    assert [segment.text for segment in merge_runs(row)] == ["a  ", "b  "]


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
