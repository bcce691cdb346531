"""One text in full: distances over batch sizes, what shared its batch, differences by dimension."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from embedtui import charts
from embedtui.common.printable import printable
from embedtui.plan.scenarios import METRIC_NAMES, Metric
from embedtui.tui.pickers.style import Over
from embedtui.tui.viewmodel.text_detail import AtSize, Detail
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.explorer_app import explorer_of
from embedtui.tui.widgets.titles import entitle

_MOST_CHARACTERS = 20_000


class DetailScreen(Over[int | None]):
    """Shows a text; up and down go to the one before or after it in the table's order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "back", id="detail.close"),
        Binding("n,right", "step(1)", "next text", id="detail.next"),
        Binding("p,left", "step(-1)", "text before", id="detail.previous"),
        Binding("y", "copy", "copy the text", id="detail.copy"),
    ]
    DEFAULT_CSS = """
    DetailScreen { align: center middle; }
    DetailScreen > VerticalScroll {
        width: 92%; max-width: 130; height: auto; max-height: 92%;
        border: round $primary; padding: 0 1; background: $surface;
        border-title-color: $primary; border-subtitle-color: $muted;
    }
    DetailScreen Static { height: auto; margin-bottom: 1; }
    DetailScreen #detail-sizes { text-wrap: nowrap; text-overflow: ellipsis; }
    DetailScreen .heading { color: $muted; margin-bottom: 0; }
    DetailScreen ChartView { height: auto; margin-bottom: 1; }
    DetailScreen:ansi .heading { text-style: dim; }
    """

    def __init__(self, label: str, metric: Metric, step: object) -> None:
        super().__init__()
        self._label = label
        self._metric: Metric = metric
        self._step = step
        self._detail: Detail | None = None

    def compose(self) -> ComposeResult:
        """Lay the parts out, one below the other."""
        with VerticalScroll():
            yield Static(id="detail-text", markup=False)
            yield Static("distance to the unbatched vector", classes="heading")
            yield Static(id="detail-sizes", markup=False)
            yield Static("", id="detail-drift-title", classes="heading", markup=False)
            yield ChartView("", id="detail-drift")
            yield Static("", id="detail-reference-title", classes="heading", markup=False)
            yield ChartView("", id="detail-reference")

    def on_mount(self) -> None:
        """Show what was given before the screen stood."""
        self._fill()

    def on_resize(self) -> None:
        """Draw the strips for the new width."""
        self.call_after_refresh(self._fill)

    def show(self, detail: Detail) -> None:
        """Show a text."""
        self._detail = detail
        if self.is_mounted:
            self._fill()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_step(self, by: int) -> None:
        """Go to another text."""
        if callable(self._step):
            self._step(self, by)

    def action_copy(self) -> None:
        """Copy the text as it is."""
        if self._detail is not None:
            explorer_of(self).copy_text(self._detail.text)

    def _fill(self) -> None:
        detail = self._detail
        if detail is None:
            return
        body = self.query_one(VerticalScroll)
        tokens = f"{detail.tokens} tokens"
        if detail.truncated_from:
            tokens += f" of {detail.truncated_from}, the rest was cut off"
        title = printable(f"{detail.id} · {tokens} · {self._label}", 120)
        entitle(body, title, "n next   p before   y copy text   Esc back")
        shown = printable(detail.text[:_MOST_CHARACTERS])
        if len(detail.text) > _MOST_CHARACTERS:
            shown += f" … ({len(detail.text)} characters)"
        self.query_one("#detail-text", Static).update(Text(shown or "(an empty text)"))
        self.query_one("#detail-sizes", Static).update(self._sizes(detail))
        name = METRIC_NAMES[self._metric]
        if detail.drift_at is None:
            drift = "batched against unbatched: equal bit for bit at every batch size"
        else:
            drift = f"batched against unbatched at batch size {detail.drift_at}, by dimension"
        reference = "unbatched against the float64 reference, by dimension"
        if detail.error is not None:
            reference += f" ({name} {detail.error:.1e})"
        if detail.reference is None:
            reference = "there is no float64 reference of this text yet"
        self.query_one("#detail-drift-title", Static).update(drift)
        self.query_one("#detail-reference-title", Static).update(reference)
        for which, values in (("drift", detail.drift), ("reference", detail.reference)):
            chart = self.query_one(f"#detail-{which}", ChartView)
            chart.display = values is not None
            width = max(body.content_size.width - 1, 10)
            if values is not None:
                rows = min(max(-(-len(values) // width), 1), 6) + 1
                chart.styles.height = rows
                ascii_only = explorer_of(self).ascii
                chart.show(
                    charts.heat_strip(values, width=width, height=rows, unicode=not ascii_only)
                )

    def _sizes(self, detail: Detail) -> Text:
        if not detail.sizes:
            return Text("not measured in a batch yet")
        largest = max((one.distance or 0.0) for one in detail.sizes)
        lines = [self._at_size(one, largest) for one in detail.sizes]
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")

    def _at_size(self, one: AtSize, largest: float) -> str:
        value = "identical" if one.distance is None else f"{one.distance:.1e}"
        length = round(12 * (one.distance or 0.0) / largest) if largest else 0
        bar = "█" * length
        # Texts that share it beyond the width are cut off; how many they are stands before them.
        mates = ", ".join(printable(mate, 24) for mate in one.mates[:8])
        shared = f"position {one.position + 1} of {one.together}"
        if len(one.steps) > 1:
            shared += f", split into steps of {', '.join(map(str, one.steps))}"
        if mates:
            shared += f", with {mates}"
        elif one.together == 1:
            shared += ": there were no more texts"
        return f"@{one.batch_size:<5} {value:>9} {bar:<12}  {shared}"
