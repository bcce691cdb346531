"""Two settings side by side: histograms, a scatter of their drifts, the texts that differ most."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from embedtui.common.printable import printable
from embedtui.plan.scenarios import METRIC_NAMES
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.view_state import Pair, View
from embedtui.tui.views.text_columns import make_id_column, make_text_column
from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.table_data import Column, TableData
from embedtui.tui.widgets.table_pane import TablePane


class CompareView(Vertical):
    """Shows A and B; `[` and `]` change A, `{` and `}` change B."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "app.compare_step(0, -1)", "A before", show=False),
        Binding("right_square_bracket", "app.compare_step(0, 1)", "A next", show=False),
        Binding("left_curly_bracket", "app.compare_step(1, -1)", "B before", show=False),
        Binding("right_curly_bracket", "app.compare_step(1, 1)", "B next", show=False),
    ]
    DEFAULT_CSS = """
    CompareView #compare-who {
        height: 3; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    CompareView #compare-charts { height: 1fr; }
    CompareView .box { border: round $panel; border-title-color: $muted; }
    CompareView TablePane {
        height: 1fr; border: round $panel; border-title-color: $muted; padding: 0 1;
    }
    """

    def compose(self) -> ComposeResult:
        """Put who is compared above the charts, and the texts below."""
        yield ChangedText(id="compare-who")
        with Horizontal(id="compare-charts"):
            with Vertical(classes="box", id="compare-pair") as box:
                box.border_title = "batch drift"
                yield ChartView("pair")
            with Vertical(classes="box", id="compare-scatter") as box:
                box.border_title = "each text's drift, A across, B up"
                yield ChartView("scatter")
        pane = TablePane(id="compare-texts")
        pane.border_title = "texts that differ most between A and B"
        yield pane

    def focus_first(self) -> None:
        """Give the table the keys."""
        self.query_one(TablePane).table.focus()

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        view = frame.view
        for chart in self.query(ChartView):
            chart.show(frame.pictures.get(chart.picture_name))
        self.query_one("#compare-who", ChangedText).show(_who(view))
        pane = self.query_one(TablePane)
        pane.table.empty = "two settings of the same texts are needed: [ ] change A, { } change B"
        if view.pair is not None:
            pane.table.set_data(_data(view.pair, view))
            if pane.table.sorted_by is None:
                pane.table.sort_by("apart", descending=True)
        elif pane.table.data.count:
            pane.table.set_data(TableData((), (), 0))


def _who(view: View) -> Text:
    lines = []
    for name, key in zip("AB", view.view_state.compared, strict=True):
        line = view.line(key)
        if line is None:
            lines.append(f"{name}  none")
            continue
        drift = "identical" if line.identical else _said(line.drift)
        error = _said(line.error)
        lines.append(f"{name}  {printable(line.label)}: drift {drift}, precision error {error}")
    pair = view.pair
    if pair is not None and pair.apart is not None:
        values = pair.apart.values[np.isfinite(pair.apart.values)]
        if len(values):
            same = bool(pair.apart.identical[np.isfinite(pair.apart.values)].all())
            far = (
                "identical"
                if same
                else f"{METRIC_NAMES[view.view_state.metric]} {values.max():.1e}"
            )
            lines.append(f"A to B, both unbatched: {far}")
    return Text("\n".join(lines))


def _said(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1e}"


def _data(pair: Pair, view: View) -> TableData:
    columns = [
        make_id_column(pair.ids),
        make_text_column(pair.texts),
    ]
    for number, name in enumerate("AB"):
        columns.append(
            Column(
                f"worst-{name}",
                f"drift {name}",
                pair.worst[number],
                "distance",
                10,
                help=f"largest drift of the text under {name} at any batch size",
                identical=pair.identical[number] & np.isfinite(pair.worst[number]),
                limit=view.view_state.scenario.tolerance_in(view.view_state.metric),
            )
        )
    if pair.apart is not None:
        columns.append(
            Column(
                "apart",
                "A to B",
                pair.apart.values,
                "distance",
                10,
                help="between the two settings' unbatched vectors",
                identical=pair.apart.identical,
            )
        )
    return TableData(tuple(columns), pair.ids, len(pair.ids))
