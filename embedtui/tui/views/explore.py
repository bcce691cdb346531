"""The first view: what to measure at the left, what was found beside it."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message

from embedtui.engine.settings import SWITCHES
from embedtui.printable import printable
from embedtui.study.choices import Choices, settings_of
from embedtui.study.scenarios import METRIC_NAMES, Scenario
from embedtui.tui.frames import Frame
from embedtui.tui.view import View
from embedtui.tui.views.texts import data_of
from embedtui.tui.widgets.board import Board
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.chips import Chip, Chips
from embedtui.tui.widgets.field import Field
from embedtui.tui.widgets.sizes import BatchSizes
from embedtui.tui.widgets.table import TablePane

_DTYPES = (
    ("float32", "float32", "the widest; on a GPU attention may still run in TF32"),
    ("float16", "float16", "vLLM's own choice for a model stored in float32"),
    ("bfloat16", "bfloat16", "wide range, few digits"),
    ("auto", "auto", "whatever vLLM chooses"),
)


class ExploreView(Vertical):
    """Settings, charts, the board of settings, and a table where there is room."""

    DEFAULT_CSS = """
    ExploreView .box {
        border: round $panel-lighten-1; border-title-color: $text-muted; padding: 0 1;
        border-subtitle-color: $text-muted;
    }
    ExploreView .box:focus-within { border: round $primary; border-title-color: $primary; }
    ExploreView #settings { width: 38; height: 1fr; }
    ExploreView #upper { height: 2fr; }
    ExploreView #found { width: 1fr; height: 1fr; }
    ExploreView #charts { height: 1fr; }
    ExploreView #drift { width: 3fr; }
    ExploreView #sizes { width: 2fr; }
    ExploreView #board-box { height: auto; }
    ExploreView #few-texts { height: 1fr; display: none; }
    .-tall.-wide ExploreView #few-texts { display: block; }
    .-huge ExploreView #settings { width: 44; }
    .-narrow ExploreView #settings { width: 1fr; display: none; }
    .-narrow ExploreView #found { display: none; }
    .-narrow ExploreView.settings #settings { display: block; }
    .-narrow ExploreView.drift #found, .-narrow ExploreView.sizes #found { display: block; }
    .-narrow ExploreView.drift #sizes, .-narrow ExploreView.sizes #drift { display: none; }
    """

    class Chose(Message):
        """Something that the next run measures was changed."""

        def __init__(self, **changes: Any) -> None:
            super().__init__()
            self.changes = changes

    def compose(self) -> ComposeResult:
        """Lay the panes out."""
        self.add_class("settings")
        choices: Choices = self.app.choices  # type: ignore[attr-defined]
        use: Scenario = self.app.framer.wish.scenario  # type: ignore[attr-defined]
        with Horizontal(id="upper"):
            with VerticalScroll(id="settings", classes="box", can_focus=False) as box:
                box.border_title = "1 settings"
                yield Field("run", "Run", "", id="field-run")
                yield Field("model", "Model", "", id="field-model")
                yield Field("texts", "Texts", "", id="field-texts")
                yield Field("use", "Use", "", id="field-use")
                yield Chips(
                    [Chip(value, label, tip) for value, label, tip in _DTYPES],
                    selected=tuple(choices.chosen[0]["dtype"]),
                    title="dtype",
                    id="dtypes",
                )
                yield BatchSizes(choices.batch_sizes, id="batch-sizes")
                yield Field("advanced", "More", "", id="field-advanced")
            with Vertical(id="found"):
                with Horizontal(id="charts"):
                    with Vertical(id="drift", classes="box") as box:
                        box.border_title = "2 batch drift"
                        yield ChartView("histogram", id="histogram")
                    with Vertical(id="sizes", classes="box") as box:
                        box.border_title = "3 largest drift by batch size"
                        yield ChartView("by-batch-size", id="by-batch-size")
                with Vertical(id="board-box", classes="box"):
                    yield Board(id="board")
        pane = TablePane(id="few-texts", classes="box")
        pane.border_title = "4 texts"
        yield pane

    def on_mount(self) -> None:
        """Show what is chosen."""
        self.show_choices(self.app.choices)  # type: ignore[attr-defined]
