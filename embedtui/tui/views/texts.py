"""Every text of the selected setting with its distances."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from embedtui.common.printable import printable
from embedtui.plan.scenarios import METRIC_NAMES
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.view_state import PerText, View
from embedtui.tui.views.text_columns import make_id_column, make_text_column
from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.table_data import Column, TableData
from embedtui.tui.widgets.table_pane import TablePane


class TextsPane(TablePane):
    """The table of the selected setting, kept up with the figures."""

    def show(self, view: View) -> None:
        """Show the figures of a view."""
        per_text = view.per_text
        if per_text is None:
            return
        made = (id(per_text), view.view_state.scenario.key)
        if made != getattr(self, "_made", None):
            self._made = made
            self._held = per_text  # keeps its id from being given to another
            self.table.set_data(data_of(per_text, view))


class TextsView(Vertical):
    """The table alone, with a line that says what it shows."""

    DEFAULT_CSS = """
    TextsView #texts-line { height: 1; padding: 0 1; color: $muted; }
    TextsView TextsPane { height: 1fr; padding: 0 1; }
    TextsView:ansi #texts-line { text-style: dim; }
    """

    def compose(self) -> ComposeResult:
        """Put the line above the table."""
        yield ChangedText(id="texts-line")
        yield TextsPane(id="all-texts")

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        self.query_one(TextsPane).show(frame.view)
        self._view = frame.view
        self._tell()

    def focus_first(self) -> None:
        """Give the table the keys."""
        self.query_one(TextsPane).table.focus()

    def focus_filter(self) -> None:
        """Go to the filter."""
        self.query_one(TextsPane).action_filter()

    def jump_to_worst(self) -> None:
        """Go to the text that drifts most."""
        self.query_one(TextsPane).table.jump_to_worst()

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self._tell()

    @on(TablePane.Counted)
    def _tell(self) -> None:
        table = self.query_one(TextsPane).table
        line = self._view.focus if hasattr(self, "_view") else None
        if line is None:
            return
        counted = f"{table.data.count} texts"
        if table.shown != table.data.count:
            counted = f"{table.shown} of {counted}"
        metric = METRIC_NAMES[self._view.view_state.metric]
        said = f"{printable(line.label)}: {counted}, {metric} to the text alone"
        shown = Text(said, no_wrap=True, overflow="ellipsis")
        self.query_one("#texts-line", ChangedText).show(shown)


def data_of(per_text: PerText, view: View) -> TableData:
    """Return the table of the selected setting."""
    limit = view.view_state.scenario.tolerance_in(view.view_state.metric)
    columns = [
        make_id_column(per_text.ids),
        Column(
            "tokens", "tokens", per_text.tokens, "integer", 7, help="tokens the engine computes"
        ),
        make_text_column(per_text.texts),
        # The first to go where room is short: drift is what the table is for.
        Column(
            "position",
            "position",
            per_text.position + 1,
            "integer",
            8,
            help="position in its batch at the largest batch size",
        ),
    ]
    for one in per_text.columns:
        columns.append(
            Column(
                one.title,
                one.title,
                one.values,
                "distance",
                9,
                help=f"batched {one.title} against unbatched",
                identical=one.identical,
                limit=limit,
            )
        )
    if per_text.error is not None:
        columns.append(
            Column(
                "error",
                "vs float64",
                per_text.error.values,
                "distance",
                10,
                help="unbatched against the float64 reference",
                identical=per_text.error.identical,
            )
        )
    return TableData(tuple(columns), per_text.ids, len(per_text.ids))
