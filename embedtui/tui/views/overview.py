"""The first view: four lines that answer, the grid of settings, and the selected one in charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from embedtui.charts.glyphs import mark_of
from embedtui.common.printable import printable
from embedtui.common.wording import text_count
from embedtui.plan.scenarios import METRIC_NAMES
from embedtui.tui.views import WIDE
from embedtui.tui.widgets.answer_lines import AnswerLines
from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.explorer_app import explorer_of
from embedtui.tui.widgets.settings_grid import SettingsGrid
from embedtui.tui.widgets.titles import HIDDEN, entitle

if TYPE_CHECKING:
    # What figures need is imported with the first of them.
    from embedtui.assess.answers import Answer
    from embedtui.tui.viewmodel.frames import Frame
    from embedtui.tui.viewmodel.view_state import View

DISTRIBUTION = "histogram"
CHARTS = ("front", "by-batch-size", "by-position", "by-tokens")
TEXTS = ("cost", "reasons")
"""What `o` shows in turn beside the distribution: charts, then texts."""
_WORDS = {"drift": "batch drift", "error": "error vs float64"}
_LEAST_CHARTS = 8
"""Lines that the charts keep, whatever the grid would like."""
_LOW = 16
"""Lines below which every line counts: no rules, three answers instead of four."""
_ROOMY = 30
"""Lines from which an answer may take two."""


class OverviewView(Vertical):
    """Answers, grid and charts, all about one setting."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page(1)", "page down", show=False, id="overview.page-down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="overview.page-up"),
    ]
    DEFAULT_CSS = """
    OverviewView .box {
        border-top: solid $panel-lighten-1; border-title-color: $muted; padding: 0 1;
    }
    OverviewView .box:focus-within { border-top: solid $primary; border-title-color: $primary; }
    OverviewView #grid-box { height: 8; }
    OverviewView #charts { height: 1fr; }
    OverviewView #distribution { width: 1fr; height: 1fr; }
    OverviewView #beside { width: 1fr; height: 1fr; }
    OverviewView VerticalScroll { scrollbar-size-vertical: 1; }
    OverviewView.-low .box, OverviewView.-low .box:focus-within { border-top: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._beside = CHARTS[0]
        self._alone = DISTRIBUTION
        """What stands there where there is room for one only."""
        self._view: View | None = None

    @property
    def FOOTER(self) -> tuple[tuple[str, str], ...]:  # noqa: N802 - a constant in other views
        """The keys of the grid that do something."""
        view = self._view
        return (("enter", "its texts"),) if view is not None and view.focus is not None else ()

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        yield AnswerLines(id="answers")
        with Vertical(id="grid-box", classes="box"):
            yield SettingsGrid(id="grid")
        with Horizontal(id="charts"):
            with Vertical(id="distribution", classes="box"):
                yield ChartView(DISTRIBUTION, id=DISTRIBUTION)
            with Vertical(id="beside", classes="box"):
                for name in CHARTS:
                    yield ChartView(name, id=name)
                for name in TEXTS:
                    with VerticalScroll(id=name, can_focus=False):
                        yield ChangedText(id=f"{name}-said")

    def on_mount(self) -> None:
        """Show what is in turn, and take the keys."""
        self._show_part()
        self.focus_first()

    def focus_first(self) -> None:
        """Give the grid the keys."""
        self.query_one(SettingsGrid).focus()

    def on_resize(self) -> None:
        """Share the lines out anew."""
        self._show_part()
        self._fit()

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        from embedtui.tui.views.overview_texts import cost_of, reasons_of  # noqa: PLC0415 - of figures

        view = self._view = frame.view
        for chart in self.query(ChartView):
            chart.show(frame.pictures.get(chart.picture_name))
        answers = answers_of(view)
        if self.size.height < _LOW:
            answers = [one for one in answers if one.question != "WHY"]
        self.query_one(AnswerLines).show(answers, wraps=self.size.height >= _ROOMY)
        self.query_one(SettingsGrid).show(view)
        self.query_one("#cost-said", ChangedText).show(cost_of(view))
        self.query_one("#reasons-said", ChangedText).show(reasons_of(view))
        self._fit()
        self._entitle()

    def next_part(self) -> None:
        """Show the next chart beside the distribution, or in its place where there is no room."""
        parts = (*CHARTS, *TEXTS)
        if self.size.width >= WIDE:
            self._beside = parts[(parts.index(self._beside) + 1) % len(parts)]
        else:
            every = (DISTRIBUTION, *parts)
            self._alone = every[(every.index(self._alone) + 1) % len(every)]
            self._beside = self._alone if self._alone != DISTRIBUTION else self._beside
        self._show_part()
        self._entitle()

    def action_page(self, by: int) -> None:
        """Scroll what is written beside the distribution."""
        for name in TEXTS:
            listed = self.query_one(f"#{name}", VerticalScroll)
            if listed.display:
                listed.scroll_relative(y=by * max(listed.size.height - 1, 1), animate=False)

    def _show_part(self) -> None:
        wide = self.size.width >= WIDE
        self.query_one("#distribution").display = wide or self._alone == DISTRIBUTION
        self.query_one("#beside").display = wide or self._alone != DISTRIBUTION
        for name in (*CHARTS, *TEXTS):
            self.query_one(f"#{name}").display = name == self._beside

    def _fit(self) -> None:
        """Give the grid the lines that it needs, and at most so many that the charts have room."""
        low = self.size.height < _LOW
        self.set_class(low, "-low")
        grid = self.query_one(SettingsGrid)
        grid.has_cue = low
        rule = 0 if low else 1
        answers = self.query_one(AnswerLines).size.height or 4
        room = self.size.height - answers - (_LEAST_CHARTS - 3 if low else _LEAST_CHARTS)
        wanted = max(min(grid.count + 1 + rule, room), 3 + rule)
        box = self.query_one("#grid-box")
        if box.styles.height is None or box.styles.height.value != wanted:
            box.styles.height = wanted

    @on(SettingsGrid.Scrolled)
    def _entitle(self) -> None:
        view = self._view
        if view is None:
            return
        grid, unicode = self.query_one(SettingsGrid), not explorer_of(self).ascii
        metric = METRIC_NAMES[view.view_state.metric]
        heat = _WORDS[view.view_state.heat]
        place = f"{grid.selected + 1} of {grid.count} " if grid.selected is not None else ""
        cue = f"   {grid.cue}" if grid.cue else ""
        entitle(self.query_one("#grid-box"), f" {place}settings: largest {heat}, {metric}{cue} ")
        focus = view.focus
        if focus is None:
            who = ""
        else:
            who = f"{mark_of(focus.style, unicode=unicode)} {printable(focus.label, 30)}: "
        size = view.view_state.histogram_of
        which = "any batch size" if size is None else f"batch size {size}"
        entitle(self.query_one("#distribution"), f" {who}drift per text, {metric}, {which} ")
        at = ""
        if view.per_text and view.per_text.trend:
            at = f" @{view.per_text.trend.batch_size}"
        titles = {
            "front": f"speed against {heat}: lower right is best",
            "by-batch-size": f"largest drift by batch size, {metric}",
            "by-position": f"{who}drift{at} by position in batch",
            "by-tokens": f"{who}drift{at} by tokens",
            "cost": f"cost of lower {heat}",
            "reasons": f"{who}what was seen, why, what to do",
        }
        entitle(self.query_one("#beside"), f" {titles[self._beside]} ")


def answers_of(view: View) -> list[Answer]:
    """Return the four answers about the selected setting, or why there are none."""
    from embedtui.assess.answers import Answer  # noqa: PLC0415 - of a frame that is there

    focus = view.focus
    if focus is not None:
        three = focus.answers
        return [three.drift, three.exact, three.why, view.answers.serve]
    first = nothing_of(view)
    return [Answer("DRIFT", "open", first), *(
        Answer(name, "open", "not measured") for name in ("EXACT", "WHY", "SERVE")
    )]  # fmt: skip


def nothing_of(view: View) -> str:
    """Say why there are no figures, and what to press for some."""
    if view.state != "idle":
        return view.stage or "a run begins"
    if view.view_state.hidden and (view.status or view.recorded):
        return HIDDEN
    if view.problem:
        return f"not measured: {view.problem}"
    if view.recorded:
        return "the recording holds no figures"
    chosen = view.view_state.next_run
    count, sizes = len(chosen.labels), len(chosen.batch_sizes)
    settings = f"{count} setting{'s' if count != 1 else ''}"
    many = f"{settings} × {sizes} batch size{'s' if sizes != 1 else ''}"
    return f"not measured: press r to measure {many} over {chosen.texts or text_count(0)}"
