"""What is on the terminal, cell by cell, so that only what differs is sent.

Textual sends whole widgets, and the colours of each run of text from nothing. Over a line that is
slow, a key then costs as much as the widget is large. Here every update is held against what the
terminal shows: a cell that is the same is not sent, and between two cells only those codes that
differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.segment import ControlType, Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

_BRIDGE = 4
"""Unchanged cells that cost less sent again than passed over."""
_ATTRIBUTES = {
    "1": "bold",
    "2": "dim",
    "3": "italic",
    "4": "underline",
    "5": "blink",
    "6": "blink2",
    "7": "reverse",
    "8": "conceal",
    "9": "strike",
    "21": "underline2",
    "51": "frame",
    "52": "encircle",
    "53": "overline",
}
"""Codes, and what Rich calls them."""
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""What ends an attribute; where another ends, all are ended."""


class _Look(NamedTuple):
    """Codes of a cell; two that are equal look alike."""

    fore: str = ""
    back: str = ""
    attributes: tuple[str, ...] = ()
    link: str = ""

    @property
    def seen_on_blanks(self) -> bool:
        """Whether a blank shows more than its background."""
        return bool(self.link or set(self.attributes) - {"1", "2", "3"})


_PLAIN = _Look()
_Cell = tuple[str, _Look]
_Row = list[_Cell | None]
"""None where nobody knows what the terminal shows."""


class TerminalCells:
    """What the terminal shows, as far as it is known."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._width = 0

    def forget(self) -> None:
        """Send everything the next time: others may have drawn, or the window has changed."""
        self._rows = []

    def diff(self, segments: Iterable[Segment], size: tuple[int, int], colors: ColorSystem) -> str:
        """Return what brings the terminal from what it shows to these segments.

        `segments` are text and moves of the cursor, as Textual's compositor gives them.
        """
        width, height = size
        if (self._width, len(self._rows)) != size:
            self._width = width
            self._rows = [[None] * width for _ in range(height)]
        drawn = self._lay(segments, colors)
        pen = _Pen()
        for y in sorted(drawn):
            before, now = self._rows[y], drawn[y]
            if before != now:
                pen.row(y, before, now)
                self._rows[y] = now
        return pen.end()

    def _lay(self, segments: Iterable[Segment], colors: ColorSystem) -> dict[int, _Row]:
        """Return the rows that segments touch, as they are to be."""
        drawn: dict[int, _Row] = {}
        x = y = 0
        for text, style, control in segments:
            if control:
                x, y = _moved(control, x, y)
            elif text != "\n" and 0 <= y < len(self._rows):
                if y not in drawn:
                    drawn[y] = list(self._rows[y])
                cells = _cells(text, style or Style.null(), colors)
                drawn[y][x : x + len(cells)] = cells[: max(self._width - x, 0)]
                x += len(cells)
        return drawn


class Differing(CompositorUpdate):
    """An update of which only what differs is sent."""

    def __init__(
        self, update: LayoutUpdate | ChopsUpdate, cells: TerminalCells, size: tuple[int, int]
    ) -> None:
        self._update, self._cells, self._size = update, cells, size

    def render_segments(self, console: Console) -> str:
        """Return text and codes for the terminal."""
        segments = self._update.__rich_console__(console, console.options)
        colors = COLOR_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        return self._cells.diff(cast("Iterable[Segment]", segments), self._size, colors)


class _Pen:
    """Writes cells with as few codes as they need."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._look = _PLAIN

    def row(self, y: int, before: _Row, now: _Row) -> None:
        """Write what differs in a row."""
        at: int | None = None
        for first, end in _runs(before, now):
            if at is not None:
                self._parts.append(f"\x1b[{first - at}C")
            else:
                self._parts.append(f"\x1b[{y + 1};{first + 1}H" if first else f"\x1b[{y + 1}H")
            for text, look in filter(None, now[first:end]):
                self._dress(look, blank=text == " ")
                self._parts.append(text)
            at = end

    def end(self) -> str:
        """Return all that was written; the terminal is left without attributes."""
        if self._look != _PLAIN:
            self._parts.append("\x1b[m")
        return "".join(self._parts)

    def _dress(self, wanted: _Look, *, blank: bool) -> None:
        look = self._look
        if wanted == look:
            return
        if blank and not wanted.seen_on_blanks:
            if look.back == wanted.back and not look.seen_on_blanks:
                return
            if not look.seen_on_blanks:
                wanted = _Look(look.fore, wanted.back, look.attributes)
        if wanted.link != look.link:
            self._parts.append(f"\x1b]8;;{wanted.link}\x1b\\")
        self._parts.append(_change(look, wanted))
        self._look = wanted


def _moved(control: Sequence[object], x: int, y: int) -> tuple[int, int]:
    for code in control:
        if isinstance(code, tuple) and code[0] == ControlType.CURSOR_MOVE_TO:
            _, x, y = code
    return x, y


@lru_cache(8192)
def _cells(text: str, style: Style, colors: ColorSystem) -> tuple[_Cell, ...]:
    """Return the cells of a text.

    Where a character is wide, or joined to its neighbour, the text is one block: its first cell
    holds it, and it is sent as a whole. How wide its parts are is the terminal's to say.
    """
    look = _look(style, colors)
    width = cell_len(text)
    if width == len(text) and (text.isascii() or all(cell_len(c) == 1 for c in text)):
        blank = look if look.seen_on_blanks else _Look(back=look.back)
        return tuple((c, blank if c == " " else look) for c in text)
    return ((text, look), *(("", look),) * (width - 1)) if width else ()


@lru_cache(4096)
def _look(style: Style, colors: ColorSystem) -> _Look:
    fore, back = (
        ";".join(color.downgrade(colors).get_ansi_codes(foreground)) if color else ""
        for color, foreground in ((style.color, True), (style.bgcolor, False))
    )
    return _Look(
        "" if fore == "39" else fore,
        "" if back == "49" else back,
        tuple(code for code, name in _ATTRIBUTES.items() if getattr(style, name)),
        style.link or "",
    )


@lru_cache(8192)
def _change(before: _Look, after: _Look) -> str:
    """Return the code that leads from one look to another, the shorter of two ways."""
    anew = ["0", *after.attributes, *filter(None, (after.fore, after.back))]
    ended = set(before.attributes) - set(after.attributes)
    begun = [one for one in after.attributes if one not in before.attributes]
    codes = anew
    if all(one in _OFF for one in ended):
        ends = sorted({_OFF[one] for one in ended})
        # Bold and faint end together.
        again = [one for one in after.attributes if one in {"1", "2"}] if "22" in ends else []
        step = [*ends, *dict.fromkeys([*again, *begun])]
        step += [after.fore or "39"] * (before.fore != after.fore)
        step += [after.back or "49"] * (before.back != after.back)
        codes = min(step, anew, key=lambda one: len(";".join(one)))
    return f"\x1b[{'' if codes == ['0'] else ';'.join(codes)}m" if codes else ""


def _runs(before: _Row, now: _Row) -> list[tuple[int, int]]:
    """Return from where to where a row is sent: what differs, short gaps, and blocks as a whole."""
    runs: list[tuple[int, int]] = []
    for x, cell in enumerate(now):
        if cell == before[x] or (runs and x < runs[-1][1]):
            continue
        first, end = x, x + 1
        while first > 0 and _goes_on(now[first]):
            first -= 1
        while end < len(now) and _goes_on(now[end]):
            end += 1
        if runs and first - runs[-1][1] <= _BRIDGE and None not in now[runs[-1][1] : first]:
            runs[-1] = runs[-1][0], end
        else:
            runs.append((first, end))
    return runs


def _goes_on(cell: _Cell | None) -> bool:
    """Say whether a cell is a later one of a block."""
    return cell is not None and not cell[0]
