"""Drawing only what has changed: most lines are those of the frame before."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class ChangedLines(Widget):
    """A widget that draws line by line and knows what it has drawn.

    Textual draws a widget as a whole when it is told to refresh; of a large one that is many times
    the work of the two lines between which a cursor moves.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._drawn: dict[int, Strip] = {}

    def draw_line(self, y: int) -> Strip:
        """Return one line as it is now."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Return one line and remember it."""
        self._drawn[y] = strip = self.draw_line(y)
        return strip

    def refresh_changed(self) -> None:
        """Have those lines drawn again that differ from what was drawn."""
        width, height = self.content_size
        changed = (y for y in range(height) if self._drawn.get(y) != self.draw_line(y))
        if regions := [Region(0, y, width, 1) for y in changed]:
            self.refresh(*regions)
