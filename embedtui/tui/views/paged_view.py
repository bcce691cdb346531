"""A view of charts with a list below that is paged, while the keys go through the settings."""

from __future__ import annotations

from textual.containers import Vertical, VerticalScroll

from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.widgets.chart import ChartView


class PagedView(Vertical, can_focus=True):
    """Has the keys, as its box `.main` shows; its one list scrolls by pages."""

    DEFAULT_CSS = """
    PagedView .box {
        border: round $panel-lighten-1; border-title-color: $muted; padding: 0 1;
        border-subtitle-color: $muted;
    }
    PagedView:focus .main { border: round $primary; border-title-color: $primary; }
    PagedView VerticalScroll { scrollbar-size-vertical: 1; }
    """

    def focus_first(self) -> None:
        """Take the keys."""
        self.focus()

    def action_page(self, by: int) -> None:
        """Scroll the list."""
        listed = self.query_one(VerticalScroll)
        listed.scroll_relative(y=by * max(listed.size.height - 1, 1), animate=False)

    def show_charts(self, frame: Frame) -> None:
        """Show the charts of a frame."""
        for chart in self.query(ChartView):
            chart.show(frame.pictures.get(chart.picture_name))
