"""Painting only what has changed: a line is slow, and a picture differs from the last in little."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class ChangedLines(Widget):
    """A widget that draws line by line and knows what it has drawn.

    Textual repaints a widget as a whole when it is told to refresh; four times a second that is
    more than a slow line carries.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._drawn: dict[int, Strip] = {}

    def draw_line(self, y: int) -> Strip:
        """Return one line as it is now."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Return one line in as few segments as it can be, and remember it."""
        self._drawn[y] = strip = self.draw_line(y)
        return Strip(merge_runs(strip), strip.cell_length)

    def refresh_changed(self) -> None:
        """Have those cells painted again that differ from what was drawn."""
        width, height = self.content_size
        regions = []
        for y in range(height):
            drawn, now = self._drawn.get(y), self.draw_line(y)
            if drawn is None:
                regions.append(Region(0, y, width, 1))
            elif drawn != now:
                first, end = _span(drawn, now, width)
                regions.append(Region(first, y, end - first, 1))
        if regions:
            self.refresh(*regions)


def merge_runs(segments: Iterable[Segment]) -> list[Segment]:
    """Join neighbouring segments that look alike; each costs its colours anew on the line.

    A blank has no colour but its ground: it goes with the text before it, or after it at the
    beginning of a line.
    """
    merged: list[Segment] = []
    for segment in segments:
        if not segment.text:
            continue
        before = merged[-1] if merged else None
        style = None if before is None else _find_joint_style(before, segment)
        if before is None or style is None:
            merged.append(segment)
        else:
            merged[-1] = Segment(before.text + segment.text, style)
    return merged


def _find_joint_style(before: Segment, after: Segment) -> Style | None:
    """Return the style in which both look as they do in their own."""
    if before.style == after.style:
        return before.style
    if _have_one_ground(before.style, after.style):
        if after.text.isspace():
            return before.style
        if before.text.isspace():
            return after.style
    return None


def _have_one_ground(one: Style | None, other: Style | None) -> bool:
    """Say whether blanks of two styles look alike."""
    if one is None or other is None:
        return False
    plain = all(
        not (style.underline or style.underline2 or style.reverse or style.strike or style.overline)
        for style in (one, other)
    )
    return plain and one.bgcolor == other.bgcolor and one.meta == other.meta


def _span(one: Strip, other: Strip, width: int) -> tuple[int, int]:
    """Return from which column to which two lines differ."""
    cells, others = ([(c, s.style) for s in strip for c in s.text] for strip in (one, other))
    if not len(cells) == len(others) == width:
        return 0, width  # wide characters: their columns are not their places
    first = next((n for n in range(width) if cells[n] != others[n]), 0)
    end = next((n for n in range(width, first, -1) if cells[n - 1] != others[n - 1]), width)
    return first, end
