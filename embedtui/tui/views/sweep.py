"""The sweep: settings x batch sizes as a heat map, and what less drift or error costs."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from embedtui.assess.pareto_front import describe_step
from embedtui.assess.tolerance import MARKS
from embedtui.charts import mark_of
from embedtui.common.printable import printable
from embedtui.plan.scenarios import METRIC_NAMES
from embedtui.tui.viewmodel.chart_renderer import distance_of, weighed
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.view_state import SettingRow, View
from embedtui.tui.views.paged_view import PagedView
from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.titles import entitle

_WORDS = {"drift": "batch drift", "error": "precision error"}


class SweepView(PagedView):
    """Shows every setting that was measured; the keys move from one to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "app.previous_setting", "up", show=False, id="sweep.up"),
        Binding("down,j", "app.next_setting", "down", show=False, id="sweep.down"),
        Binding("enter", "app.choose_sweep", "choose a sweep", show=False, id="sweep.choose"),
        Binding("pagedown", "page(1)", "page down", show=False, id="sweep.page-down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="sweep.page-up"),
        Binding("f", "front", "front or causes", show=False, id="sweep.front"),
    ]
    DEFAULT_CSS = """
    SweepView #sweep-grid { height: 50%; }
    SweepView #sweep-lower { height: 1fr; }
    SweepView #sweep-front { width: 2fr; }
    SweepView #sweep-steps { width: 3fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._height = 0

    def compose(self) -> ComposeResult:
        """Put the heat map above, what steps cost below."""
        with Vertical(id="sweep-grid", classes="box main"):
            yield ChartView("heat-map")
        with Horizontal(id="sweep-lower"):
            with Vertical(id="sweep-front", classes="box"):
                yield ChartView("front")
            with VerticalScroll(id="sweep-steps", classes="box", can_focus=False):
                yield ChangedText(id="sweep-said")

    def action_front(self) -> None:
        """Go from what steps cost to the chart of it, where there is room for one only."""
        self.toggle_class("front")

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        view = frame.view
        self.show_charts(frame)
        self._fit(len(view.lines) + len({reason for _, reason in view.skipped}))
        heat, metric = _WORDS[view.view_state.heat], METRIC_NAMES[view.view_state.metric]
        other = _WORDS["error" if view.view_state.heat == "drift" else "drift"]
        choose = "" if view.recorded else "   S sweep"
        entitle(
            self.query_one("#sweep-grid"),
            f"largest {heat} of any text, {metric}",
            f"h {other}{choose}",
        )
        entitle(self.query_one("#sweep-front"), f"{heat} by speed, ↘ is best")
        entitle(self.query_one("#sweep-steps"), f"what less {heat} costs", "f chart")
        self.query_one("#sweep-said", ChangedText).show(_said(view))

    def _fit(self, rows: int) -> None:
        """Give the grid the lines that it needs, and at most so much that the rest has room."""
        most = max(self.size.height * 6 // 10, 5)
        wanted = min(max(rows + 4, 6), most)
        if wanted != self._height:
            self._height = wanted
            self.query_one("#sweep-grid").styles.height = wanted


def _said(view: View) -> Text:
    """Return the steps of the front, what to serve, and why the focused setting moves."""
    text = Text()
    places, steps = weighed(view)
    words = _WORDS[view.view_state.heat]
    for step in steps:
        place = places[step.place]
        line = view.lines[place]
        distance = distance_of(line, view)
        figure = "same bits" if not distance else f"{distance:.1e}"
        speed = f"{line.speed[1]:.0f} texts/s" if line.speed else ""
        errors = view.view_state.heat == "error"
        judged = line.verdicts.exact if errors else line.verdicts.consistent
        holds = MARKS[judged.outcome] or " "
        text.append(f"{holds} {mark_of(line.style)} ", "bold")
        text.append(printable(line.label), "bold" if line is view.focus else "")
        text.append(f"  {speed}  {figure}\n")
        text.append(f"      {describe_step(step, words)}\n", "dim")
    if view.answers.command:
        text.append(f"\nFor {view.view_state.scenario.name} serve with ", "bold")
        text.append(f"{printable(view.answers.serve.text)}\n")
        text.append(f"{printable(view.answers.command)}\n")
    elif view.lines:
        text.append(f"\n{printable(view.answers.serve.text)}\n", "bold")
    if view.focus is not None:
        _why(text, view.focus)
    return text


def _why(text: Text, line: SettingRow) -> None:
    text.append(f"\n{printable(line.label)}: ", "bold")
    text.append(f"{printable(line.sentence)}\n")
    for cause in line.causes:
        text.append(f"Cause, {cause.confidence}: {printable(cause.name)}. ", "bold")
        text.append(f"Seen: {printable(cause.evidence)}. Why: {printable(cause.explanation)}. ")
        text.append(f"Do: {printable(cause.fix)}.\n")
