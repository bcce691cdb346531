"""The settings, a line each: what they drift at each batch size, cost and are fit for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from embedtui.charts.glyphs import COLOURS, ink_of, mark_of
from embedtui.charts.heat import HEAT, heat_of
from embedtui.charts.picture import label_of
from embedtui.common.printable import printable
from embedtui.common.wording import percent
from embedtui.tui.viewmodel.grid import (
    Columns,
    GridRow,
    columns_of,
    cue_of,
    rows_of,
    sizes_of,
    window_of,
)
from embedtui.tui.widgets.partial_repaint import ChangedLines
from embedtui.tui.widgets.titles import HIDDEN

if TYPE_CHECKING:
    # What figures need is imported with the first of them.
    from embedtui.assess.tolerance import Outcome
    from embedtui.tui.viewmodel.view_state import Key, SettingRow, View

_OUTCOMES: dict[Outcome, str] = {
    "holds": "good",
    "borderline": "open",
    "falls short": "bad",
    "no limit": "faint",
    "not measured": "faint",
}
_NOTHING = "·"
Cell = tuple[str, str]
"""A text and the name of its style."""


class SettingsGrid(ChangedLines, can_focus=True):
    """A grid of settings; the selected one is what all else on the screen is about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="grid.up"),
        Binding("down,j", "move(1)", "down", show=False, id="grid.down"),
        Binding("home,g", "move(-9999)", "first", show=False, id="grid.first"),
        Binding("end,G", "move(9999)", "last", show=False, id="grid.last"),
        Binding("enter", "choose", "its texts", show=False, id="grid.choose"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(
            f"grid--{name}"
            for name in ("header", "cursor", "stale", "good", "bad", "open", "faint")
        ),
        *(f"grid--{name}" for name in HEAT),
        *(f"grid--series-{number}" for number in range(1, COLOURS + 1)),
    }
    DEFAULT_CSS = """
    SettingsGrid { height: 1fr; }
    SettingsGrid .grid--header, SettingsGrid .grid--faint, SettingsGrid .grid--stale {
        color: $muted;
    }
    SettingsGrid .grid--cursor { text-style: bold; background: $boost; }
    SettingsGrid:focus .grid--cursor { background: $cursor; text-style: bold; }
    SettingsGrid .grid--good { color: $success; }
    SettingsGrid .grid--bad { color: $error; }
    SettingsGrid .grid--open { color: $warning; }
    SettingsGrid .grid--heat-1 { color: $muted; }
    SettingsGrid .grid--heat-2 { color: $muted; }
    SettingsGrid .grid--heat-3 { color: $foreground; }
    SettingsGrid .grid--heat-4 { color: $warning; }
    SettingsGrid .grid--heat-5 { color: $error; text-style: bold; }
    SettingsGrid:ansi .grid--header, SettingsGrid:ansi .grid--faint,
    SettingsGrid:ansi .grid--stale { text-style: dim; }
    SettingsGrid:ansi .grid--cursor { text-style: bold; }
    SettingsGrid:ansi:focus .grid--cursor { text-style: bold reverse; }
    """ + "\n".join(
        f"SettingsGrid .grid--series-{number} {{ color: $series-{number}; text-style: bold; }}"
        for number in range(1, COLOURS + 1)
    )

    class Chosen(Message):
        """A setting is selected; `enter` where its texts are wanted."""

        def __init__(self, key: Key, *, enter: bool) -> None:
            super().__init__()
            self.key = key
            self.enter = enter

    class Scrolled(Message):
        """Other rows have no room."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._view: View | None = None
        self._rows: list[GridRow] = []
        self._top = 0
        self.cue = ""
        """How many rows are out of sight, in a few words."""
        self.has_cue = False
        """Whether the header says so, where nothing around the grid has room for it."""

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def selected(self) -> int | None:
        """The row of the selected setting."""
        focus = None if self._view is None else self._view.focus_key
        return next(
            (n for n, row in enumerate(self._rows) if row.line and row.line.key == focus), None
        )

    @property
    def recommended(self) -> int | None:
        """The row of the setting to serve with."""
        return None if self._view is None else self._view.answers.recommended

    @property
    def shown(self) -> list[int]:
        """The rows that are in sight."""
        height = max(self.size.height - 1, 1)
        shown = window_of(len(self._rows), height, (self.selected, self.recommended), self._top)
        selected = self.selected
        if selected is not None and shown:
            run = selected
            while run - 1 in shown:
                run -= 1
            self._top = run
        return shown

    def show(self, view: View) -> None:
        """Show the settings of a view."""
        self._view, self._rows = view, rows_of(view)
        self._redraw()

    def _redraw(self) -> None:
        self.cue = cue_of(len(self._rows), self.shown, self.selected)
        self.refresh_changed()

    def on_resize(self) -> None:
        """Say again what is out of sight."""
        self.cue = cue_of(len(self._rows), self.shown, self.selected)
        self.post_message(self.Scrolled())

    def on_click(self, event: events.Click) -> None:
        """Select the setting that is clicked; of the selected one, show the texts."""
        shown = self.shown
        if 0 < event.y <= len(shown):
            line = self._rows[shown[event.y - 1]].line
            if line is not None:
                again = shown[event.y - 1] == self.selected and self.has_focus
                self.post_message(self.Chosen(line.key, enter=again))

    def on_mouse_scroll_down(self) -> None:
        """Select the next setting."""
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        """Select the setting before."""
        self.action_move(-1)

    def action_move(self, by: int) -> None:
        """Select the next setting with figures or the one before."""
        places = [n for n, row in enumerate(self._rows) if row.line is not None]
        if not places:
            return
        selected = self.selected
        at = places.index(selected) if selected in places else 0
        line = self._rows[places[min(max(at + by, 0), len(places) - 1)]].line
        if line is not None:
            self.post_message(self.Chosen(line.key, enter=False))

    async def action_choose(self) -> None:
        """Show the texts of the setting; where nothing was measured, measure."""
        selected = self.selected
        line = self._rows[selected].line if selected is not None else None
        if line is not None:
            self.post_message(self.Chosen(line.key, enter=True))
        else:
            await self.app.run_action("run")

    # --- drawing ------------------------------------------------------------------------------

    def draw_line(self, y: int) -> Strip:
        """Return one line: the header, or a row."""
        width, view = self.size.width, self._view
        if view is None:
            return Strip.blank(width, self.rich_style)
        columns = columns_of([row.label for row in self._rows], sizes_of(view), width)
        if y == 0:
            return self._strip([self._header(view, columns, width)], width)
        shown = self.shown
        if y > len(shown):
            hidden = view.view_state.hidden and not self._rows and y == 1
            return self._strip(
                [Segment(f" {HIDDEN}" if hidden else "", self._style("faint"))], width
            )
        place = shown[y - 1]
        at_cursor = place == self.selected
        base = self._style("cursor") if at_cursor else self.rich_style
        # Colours that are turned round cell by cell would tear the row into blocks.
        bare = at_cursor and self.app.native_ansi_color
        cells = self._row(view, self._rows[place], place, columns)
        line = self._rows[place].line
        stale = line is not None and bool(line.group)
        segments = [
            Segment(text, base if bare else base + self._partial("stale" if stale else style))
            if style
            else Segment(text, base)
            for text, style in cells
        ]
        return self._strip(segments, width, base)

    def _header(self, view: View, columns: Columns, width: int) -> Segment:
        text = f"   {'setting'.ljust(columns.name)}"
        for size in columns.sizes:
            title = "alone" if size == 1 else f"@{size}"
            text += f"{title:>{columns.size}}"
        for title, wide in columns.others:
            name = "cons." if title == "consistent" and wide < 11 else title
            text += f"{name:>{wide}}"
        if self.has_cue and self.cue:
            text = f"{text.ljust(width)[: width - len(self.cue) - 2]}  {self.cue}"
        return Segment(text, self._style("header"))

    def _row(self, view: View, row: GridRow, place: int, columns: Columns) -> list[Cell]:
        if row.is_title:
            return [(f" {row.label}", "header")]
        line = row.line
        name = label_of(row.label, columns.name).ljust(columns.name)
        if line is None:
            note = printable(row.note, max(self.size.width - columns.name - 5, 1))
            return [("   ", ""), (name, "faint"), (f"{'' if note == _NOTHING else '  '}", ""),
                    (self._dots(columns) if note == _NOTHING else note, "faint")]  # fmt: skip
        mark = "▶" if place == self.selected else " "
        cells: list[Cell] = [
            (mark, ""),
            (f"{mark_of(line.style)} ", ink_of(line.style)),
            (name, ""),
        ]
        if line.fault or line.status == "failed":
            note = f"fault: {line.fault}" if line.fault else f"failed: {line.reason}"
            room = max(self.size.width - columns.name - 5, 1)
            return [*cells, (f"  {printable(note, room)}", "bad")]
        by_error = view.view_state.heat == "error"
        figures = dict(line.errors) if by_error else {s: v or 0.0 for s, v in line.points}
        for size in columns.sizes:
            text, style = _figure(figures.get(size))
            cells.append((text.rjust(columns.size), style))
        recommended = place == self.recommended
        for title, wide in columns.others:
            text, style = _cell(title, line, running=view.state != "idle")
            cells.append((text.rjust(wide), style))
        cells.append((" ◂" if recommended else "", "good"))
        return cells

    def _dots(self, columns: Columns) -> str:
        return "".join(_NOTHING.rjust(columns.size) for _ in columns.sizes) + "".join(
            _NOTHING.rjust(wide) for _, wide in columns.others
        )

    def _strip(self, segments: list[Segment], width: int, base: Style | None = None) -> Strip:
        return Strip(segments).adjust_cell_length(width, base or self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"grid--{name}")

    def _partial(self, name: str) -> Style:
        return self.get_component_rich_style(f"grid--{name}", partial=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return a line for each row and one for the header."""
        return len(self._rows) + 1


def _figure(value: float | None) -> Cell:
    if value is None:
        return _NOTHING, "faint"
    return (f"{value:.1e}" if value else "identical"), heat_of(value)


def _cell(title: str, line: SettingRow, *, running: bool) -> Cell:
    cells: dict[str, Callable[[], Cell]] = {
        "noise": lambda: (_figure(0.0 if line.noise_identical else line.noise)[0], "faint"),
        "error": lambda: _figure(line.error),
        "consistent": lambda: _mark(line.verdicts.consistent.outcome),
        "exact": lambda: _mark(line.verdicts.exact.outcome),
        "top-10": lambda: _top10(line),
        "texts/s": lambda: _speed(line, running=running),
    }
    return cells[title]()


def _speed(line: SettingRow, *, running: bool) -> Cell:
    if line.status in {"cancelled", "cut off"}:
        return "part", "open"
    so_far = "…" if running and line.status == "running" else ""
    speed = f"{line.speed[1]:.0f}" if line.speed else _NOTHING
    return f"{so_far}{speed}", ""


def _mark(outcome: Outcome) -> Cell:
    from embedtui.assess.tolerance import MARKS  # noqa: PLC0415 - of figures that are there

    return MARKS[outcome] or _NOTHING, _OUTCOMES[outcome]


def _top10(line: SettingRow) -> Cell:
    """Return the larger share of lists whose order changes, by batches or against float64."""
    from embedtui.assess.retrieval import most_changed  # noqa: PLC0415 - of figures that are there

    batched = line.mixed or (line.lists[1] if line.lists else None)
    worst = most_changed(batched, line.error_lists)
    if worst is None:
        return _NOTHING, "faint"
    changed = worst.order_changed[0]
    return percent(changed, worst.queries), "bad" if changed else ""
