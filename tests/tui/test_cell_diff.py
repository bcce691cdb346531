"""What is sent leaves the terminal as all that Textual sends would have left it."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from embedtui.tui.terminal.cell_diff import TerminalCells

WIDTH, HEIGHT = 24, 4
STYLES = [
    Style(),
    Style(color="red"),
    Style(color="#102030", bgcolor="#405060"),
    Style(color="#102030", bgcolor="#405060", bold=True),
    Style(bgcolor="#405060", italic=True, strike=True),
    Style(color="bright_green", underline=True, bold=True),
    Style(color="default", bgcolor="default", reverse=True),
]
TEXTS = ["a", "b", " ", "   ", "abc", "─│█", "漢字", "e\u0301", "a 漢", "x  y"]
PARTS = 6
"""Columns of a part: as Textual does, an update cuts no wide character in two."""
PIECES = st.dictionaries(
    st.tuples(st.sampled_from(range(0, WIDTH, PARTS)), st.integers(0, HEIGHT - 1)),
    st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from(STYLES)), max_size=4),
    max_size=6,
)
Update = dict[tuple[int, int], list[tuple[str, Style]]]
UPDATES = st.lists(PIECES, max_size=6)
ROOM = 32


class Beheld:
    """A terminal, and what is seen on it."""

    def __init__(self) -> None:
        # Wider than what is drawn on, so that nothing wraps.
        self.screen = pyte.Screen(WIDTH + ROOM, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    @property
    def cells(self) -> list[list[object]]:
        return [[self._cell(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]

    def _cell(self, x: int, y: int) -> object:
        cell = self.screen.buffer[y][x]
        on_blanks = cell.bg, cell.underscore, cell.reverse, cell.strikethrough
        if cell.data == " ":
            return (*on_blanks, cell.fg if cell.reverse else "")
        return (cell.data, *on_blanks, cell.fg, cell.bold, cell.italics)


def segments_of(x: int, y: int, *texts: tuple[str, Style]) -> list[Segment]:
    found = [Segment(text, style) for text, style in texts]
    return [Control.move_to(x, y).segment, *found, Segment.line()]


def parts_of(update: Update) -> list[Segment]:
    found = []
    for (x, y), texts in update.items():
        strip = Strip([Segment(text, style) for text, style in texts])
        found += segments_of(x, y, *((s.text, s.style or Style()) for s in _fitted(strip)))
    return found


def _fitted(strip: Strip) -> Strip:
    return strip.adjust_cell_length(PARTS, Style(bgcolor="blue"))


def whole(segments: list[Segment]) -> str:
    """Return what Textual sends."""
    return "".join(
        segment.text
        if segment.control
        else (segment.style or Style()).render(segment.text, color_system=ColorSystem.TRUECOLOR)
        for segment in segments
        if segment.text != "\n"
    )


def blanks() -> list[Segment]:
    return [
        segment
        for y in range(HEIGHT)
        for segment in (Control.move_to(0, y).segment, Segment(" " * WIDTH))
    ]


@settings(max_examples=300, deadline=None)
@given(UPDATES, st.integers(0, 6))
def test_the_terminal_shows_what_was_drawn(updates: list[Update], forgotten: int) -> None:
    cells, plain, differing = TerminalCells(), Beheld(), Beheld()
    for number, update in enumerate([None, *updates]):
        segments = blanks() if update is None else parts_of(update)
        if number == forgotten:
            cells.forget()
        plain.stream.feed(whole(segments))
        differing.stream.feed(cells.diff(segments, (WIDTH, HEIGHT), ColorSystem.TRUECOLOR))
        assert differing.cells == plain.cells


def test_what_is_there_is_not_sent_again() -> None:
    cells = TerminalCells()
    segments = segments_of(0, 0, ("abc", STYLES[1]), ("─│█", STYLES[3]))
    assert cells.diff(segments, (WIDTH, HEIGHT), ColorSystem.TRUECOLOR)
    assert cells.diff(segments, (WIDTH, HEIGHT), ColorSystem.TRUECOLOR) == ""
    cells.forget()
    assert cells.diff(segments, (WIDTH, HEIGHT), ColorSystem.TRUECOLOR)


def test_neighbours_share_their_colours_and_end_only_what_ends() -> None:
    one, other = Style(color="red", bgcolor="blue"), Style(color="red", bgcolor="blue", bold=True)
    texts = [("a", one), ("b", one), ("  ", Style(bgcolor="blue")), ("c", other), ("d", one)]
    sent = TerminalCells().diff(segments_of(0, 1, *texts), (WIDTH, HEIGHT), ColorSystem.TRUECOLOR)
    assert sent == "\x1b[2H\x1b[31;44mab  \x1b[1mc\x1b[22md\x1b[m"


def test_between_changes_the_cursor_moves_where_that_is_shorter() -> None:
    cells = TerminalCells()
    for text in ("a" * 20, "b" + "a" * 3 + "b" + "a" * 14 + "b"):
        sent = cells.diff(
            segments_of(2, 0, (text, Style())), (WIDTH, HEIGHT), ColorSystem.TRUECOLOR
        )
    assert sent == "\x1b[1;3Hbaaab\x1b[14Cb"
