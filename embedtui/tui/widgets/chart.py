"""A chart that is drawn elsewhere and painted here in the theme's colours."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from embedtui.charts.glyphs import COLOURS, ink_of
from embedtui.charts.picture import Picture
from embedtui.tui.widgets.partial_repaint import ChangedLines

_SERIES = [f"series-{number}" for number in range(1, COLOURS + 1)]
_HEAT = [f"heat-{number}" for number in range(1, 6)]
_STATES = ["good", "bad", "focus"]
_MARKS = ["noise", "tolerance", "precision"]
_MEASURES = {"error": "mark-precision", "adds": "series-2", "drift": "series-1"}
_OF_MEASURES = [f"measure-{name}" for name in _MEASURES]
_INKS = ["axis", "label", "faint", *_MARKS, *_OF_MEASURES, *_STATES, *_SERIES, *_HEAT]

_PLACE_SECONDS = 0.25
"""How long a chart without a place waits before it looks again."""


class ChartView(ChangedLines):
    """Shows the picture of its name; asks for another one when its size changes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{ink}" for ink in _INKS}

    DEFAULT_CSS = "\n".join(
        [
            "ChartView { height: 1fr; }",
            "ChartView .chart--axis { color: $muted; }",
            "ChartView .chart--label { color: $foreground; }",
            "ChartView .chart--faint { color: $disabled; }",
            "ChartView .chart--focus { color: $foreground; text-style: bold; }",
            "ChartView .chart--good { color: $success; }",
            "ChartView .chart--bad { color: $error; }",
            "ChartView .chart--noise { color: $mark-noise; }",
            "ChartView .chart--tolerance { color: $mark-tolerance; }",
            "ChartView .chart--precision { color: $mark-precision; text-style: bold; }",
            *(f"ChartView .chart--{ink} {{ color: ${ink}; }}" for ink in _SERIES),
            *(f"ChartView .chart--measure-{k} {{ color: ${v}; }}" for k, v in _MEASURES.items()),
            "ChartView .chart--heat-1 { color: $disabled; }",
            "ChartView .chart--heat-2 { color: $muted; }",
            "ChartView .chart--heat-3 { color: $foreground; }",
            "ChartView .chart--heat-4 { color: $warning; }",
            "ChartView .chart--heat-5 { color: $error; text-style: bold; }",
            "ChartView:ansi .chart--faint { text-style: dim; }",
            "ChartView:ansi .chart--axis { text-style: dim; }",
        ]
    )

    class Sized(Message):
        """The chart has another size, or is hidden."""

        def __init__(self, chart: ChartView, size: tuple[int, int] | None) -> None:
            super().__init__()
            self.chart = chart
            self.size = size

        @property
        def control(self) -> ChartView:
            """The chart."""
            return self.chart

    def __init__(self, picture: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self.picture_name = picture
        self._picture: Picture | None = None
        self._styles: dict[str, Style] = {}

    def show(self, picture: Picture | None) -> None:
        """Paint this picture; one that is already shown costs nothing."""
        if picture is None:
            self._ask()
        if picture is not None and picture != self._picture:
            self._picture = picture
            self.refresh_changed()

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        super().notify_style_update()
        self._styles.clear()

    def on_mount(self) -> None:
        """Have it drawn once it has its place.

        Textual tells a widget nothing of its first size where others scrolled meanwhile.
        """
        self.call_after_refresh(self._ask)

    def on_resize(self, event: events.Resize) -> None:
        """Ask for a picture of the new size."""
        self.post_message(self.Sized(self, (event.size.width, event.size.height)))

    def on_hide(self) -> None:
        """Have it drawn no more."""
        self.post_message(self.Sized(self, None))

    def on_show(self) -> None:
        """Have it drawn again."""
        self._ask()

    def _ask(self) -> None:
        if not all(node.display for node in self.ancestors_with_self):
            return
        if self.size.area:
            self.post_message(self.Sized(self, (self.size.width, self.size.height)))
        else:  # its place is still to come, and no frame need come after it
            self.set_timer(_PLACE_SECONDS, self._ask)

    def draw_line(self, y: int) -> Strip:
        """Return one line of the picture, cut or filled to the width."""
        picture, base = self._picture, self.rich_style
        if picture is None or y >= picture.height:
            return Strip.blank(self.size.width, base)
        segments = [Segment(span.text, self._style(span.style)) for span in picture.rows[y]]
        return Strip(segments, picture.width).adjust_cell_length(self.size.width, base)

    def _style(self, ink: str) -> Style:
        if ink not in self._styles:
            named = ink_of(ink)
            known = named in _INKS
            found = self.get_component_rich_style(f"chart--{named}") if known else self.rich_style
            self._styles[ink] = found
        return self._styles[ink]
