"""The layers: where error and batch drift arise within the model."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll

from embedtui.charts import mark_of
from embedtui.common.printable import printable
from embedtui.report.layer_report import COLUMNS_EXPLAINED, figures
from embedtui.report.report_types_layers import LayersReport, NoLayersReport
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.view_state import View
from embedtui.tui.views.paged_view import PagedView
from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.explorer_app import explorer_of
from embedtui.tui.widgets.titles import entitle

_NAME = 18
_COLUMNS = (
    ("error", 8),
    ("growth", 7),
    ("adds", 8),
    ("share", 6),
    ("drift", 8),
    ("equal", 8),
    ("exact", 8),
)
"""Name and width."""


class LayersView(PagedView):
    """Shows the layers of the setting in hand; Enter looks into them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "app.previous_setting", "up", show=False, id="layers.up"),
        Binding("down,j", "app.next_setting", "down", show=False, id="layers.down"),
        Binding("enter", "app.look", "measure layers", show=False, id="layers.look"),
        Binding("pagedown", "page(1)", "page down", show=False, id="layers.page-down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="layers.page-up"),
    ]
    DEFAULT_CSS = """
    LayersView #layers-chart { height: 45%; min-height: 9; }
    LayersView #layers-list { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Put the chart above, what is said and the list of places below."""
        with Vertical(id="layers-chart", classes="box main"):
            yield ChartView("by-layer")
        with VerticalScroll(id="layers-list", classes="box", can_focus=False):
            yield ChangedText(id="layers-said")

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        view = frame.view
        self.show_charts(frame)
        unicode = not explorer_of(self).ascii
        entitle(self.query_one("#layers-chart"), _legend(view, unicode=unicode), _look(view))
        entitle(self.query_one("#layers-list"), _of(view), "PgUp PgDn" if view.layers else "")
        self.query_one("#layers-said", ChangedText).show(_said(view))


def _legend(view: View, *, unicode: bool) -> str:
    marks = [mark_of(f"measure-{name}", unicode=unicode) for name in ("error", "adds", "drift")]
    found = view.layers
    batch = found["batch"] if found and "sites" in found else None
    drift = f"drift in batches of {batch['max']}" if batch else "batch drift"
    return f"by layer, L2: {marks[0]} error  {marks[1]} what a part adds  {marks[2]} {drift}"


def _look(view: View) -> str:
    return ""


def _of(view: View) -> str:
    focus, found = view.focus, view.layers
    label = printable(focus.label, 40) if focus else ""
    if not found or "sites" not in found:
        return label
    texts = found["texts"]
    return f"{label}, {texts} texts against float64" if texts else label


def _said(view: View) -> Text:
    """Return what was found, then every place with its figures."""
    text = Text()
    found = view.layers
    if not found or "sites" not in found:
        text.append(_idle(view, found), "dim")
        return text
    text.append(f"{printable(found['verdict'])}\n")
    if found["sum_gap"] is not None:
        text.append(
            f"The parts sum to the precision error within {found['sum_gap']:.0e} of it.\n", "dim"
        )
    heads = "".join(f"{name:>{width}}" for name, width in _COLUMNS)
    text.append(f"\n{'after':<{_NAME}}{heads}\n", "bold")
    largest = max((one["contribution"] or 0 for one in found["sites"]), default=0)
    for place in found["sites"]:
        most = bool(largest) and place["contribution"] == largest
        text.append(f"{place['name']:<{_NAME}}", "bold" if most else "")
        cells = figures(place, found)
        row = "".join(f"{cells[name]:>{width}}" for name, width in _COLUMNS)
        text.append(f"{row}\n", "bold" if most else "")
    text.append(f"{COLUMNS_EXPLAINED}\n", "dim")
    return text


def _idle(view: View, found: LayersReport | NoLayersReport | None) -> str:
    if found and found["reason"]:
        return printable(found["reason"])
    if view.focus is None:
        return "nothing was measured yet"
    return (
        "States between the layers are read in vLLM itself, alone and in a batch, and held against "
        "a float64 model: where error and drift begin, which part adds how much to the final "
        "vector, and which layers would need float32."
    )
