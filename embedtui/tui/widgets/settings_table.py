"""The settings that were measured, a line each: what they drift, cost and are fit for."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from embedtui.assess.tolerance import MARKS, Outcome
from embedtui.charts import ink_of, label_of, mark_of
from embedtui.charts.glyphs import COLOURS
from embedtui.common.printable import printable
from embedtui.plan.scenarios import METRIC_NAMES
from embedtui.tui.viewmodel.view_state import Key, SettingRow, View
from embedtui.tui.widgets.partial_repaint import ChangedLines
from embedtui.tui.widgets.titles import HIDDEN

_COLUMNS = (("drift", 11), ("noise", 9), ("error", 9), ("texts/s", 11))
_STYLES: dict[Outcome, str] = {
    "holds": "good",
    "borderline": "faint",
    "falls short": "bad",
    "no limit": "faint",
    "not measured": "faint",
}
_WHO = 14
"""Least columns that the setting's name is given before another column is left out."""


class SettingsTable(ChangedLines, ScrollView, can_focus=True):
    """A table of settings; the one under the cursor is the one that all else speaks of."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="board.up"),
        Binding("down,j", "move(1)", "down", show=False, id="board.down"),
        Binding("enter", "choose", "texts", show=False, id="board.choose"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "settings-table--header",
        "settings-table--cursor",
        "settings-table--good",
        "settings-table--bad",
        "settings-table--faint",
        *(f"settings-table--series-{number}" for number in range(1, COLOURS + 1)),
    }
    DEFAULT_CSS = """
    SettingsTable { height: auto; min-height: 2; max-height: 9; scrollbar-size-vertical: 1; }
    SettingsTable .settings-table--header { color: $muted; }
    SettingsTable .settings-table--cursor { text-style: bold; background: $boost; }
    SettingsTable:focus .settings-table--cursor { background: $cursor; text-style: bold; }
    SettingsTable .settings-table--good { color: $success; }
    SettingsTable .settings-table--bad { color: $error; }
    SettingsTable .settings-table--faint { color: $muted; }
    SettingsTable:ansi .settings-table--header, SettingsTable:ansi .settings-table--faint {
        text-style: dim;
    }
    SettingsTable:ansi .settings-table--cursor { text-style: bold; }
    SettingsTable:ansi:focus .settings-table--cursor { text-style: bold reverse; }
    """ + "\n".join(
        f"SettingsTable .settings-table--series-{number} "
        f"{{ color: $series-{number}; text-style: bold; }}"
        for number in range(1, COLOURS + 1)
    )

    class Chosen(Message):
        """A setting is to be spoken of; `enter` where its texts are wanted."""

        def __init__(self, key: Key, *, enter: bool) -> None:
            super().__init__()
            self.key = key
            self.enter = enter

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._view: View | None = None
        self._lines: tuple[SettingRow, ...] = ()

    @property
    def cursor(self) -> int:
        """Place of the setting that is spoken of."""
        focus = None if self._view is None else self._view.focus
        return next((n for n, line in enumerate(self._lines) if line is focus), 0)

    def show(self, view: View) -> None:
        """Show the settings of a view."""
        if self._view is not None and self._same(self._view, view):
            self._view = view
            return
        grown = len(view.lines) != len(self._lines)
        self._view, self._lines = view, view.lines
        self.virtual_size = Size(self.size.width, max(len(self._lines), 1) + 1)
        if grown:
            self.refresh(layout=True)
        else:
            self.refresh_changed()
        self.scroll_to_region(self._region_of_cursor(), animate=False, force=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return a line for each setting and one for the header."""
        return max(len(self._lines), 1) + 1

    def on_resize(self, event: events.Resize) -> None:
        """Follow the width."""
        self.virtual_size = Size(event.size.width, max(len(self._lines), 1) + 1)
        self.scroll_to_region(self._region_of_cursor(), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        """Speak of the setting that is clicked; of the one that is spoken of, show the texts."""
        place = event.y + self.scroll_offset.y - 1
        if 0 <= place < len(self._lines):
            again = place == self.cursor and self.has_focus
            self.post_message(self.Chosen(self._lines[place].key, enter=again))

    def action_move(self, by: int) -> None:
        """Speak of the next setting or the one before."""
        if self._lines:
            place = min(max(self.cursor + by, 0), len(self._lines) - 1)
            self.post_message(self.Chosen(self._lines[place].key, enter=False))

    def action_choose(self) -> None:
        """Show the texts of the setting."""
        if self._lines:
            self.post_message(self.Chosen(self._lines[self.cursor].key, enter=True))

    def draw_line(self, y: int) -> Strip:
        """Return one line: the header, or a setting."""
        width = self.size.width
        place = y + self.scroll_offset.y - 1
        view = self._view
        if y == 0:
            return self._header(view, width)
        if view is None or not self._lines:
            hidden = view is not None and view.view_state.hidden
            nothing = HIDDEN if hidden else "no setting was measured yet"
            text = nothing if y == 1 else ""
            return self._strip([Segment(f" {text}", self._style("faint"))], width)
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self._setting(view, self._lines[place], place, width)

    def _header(self, view: View | None, width: int) -> Strip:
        style = self._style("header")
        if view is None:
            return self._strip([Segment("   setting", style)], width)
        who, columns = self._layout(width)
        names = {"drift": METRIC_NAMES[view.view_state.metric]}
        text = "   " + "setting".ljust(who)
        text += "".join(f" {names.get(name, name):>{room}}" for name, room in columns)
        return self._strip([Segment(f"{text}  {view.view_state.scenario.short}", style)], width)

    def _setting(self, view: View, line: SettingRow, place: int, width: int) -> Strip:
        mark = mark_of(line.style)
        who, columns = self._layout(width)
        label = label_of(line.label, who)
        recommended = view.answers.recommended == place
        cells = {
            "drift": _judged(_figure(line.drift, line.identical), line.verdicts.consistent.outcome),
            "noise": _figure(line.noise, line.noise_identical),
            "error": _judged(
                "·" if line.error is None else f"{line.error:.1e}", line.verdicts.exact.outcome
            ),
            "texts/s": _speed(line),
        }
        outcome = line.verdicts.outcome
        word = "fault" if line.fault else MARKS[outcome]
        if line.status == "failed":
            word = f"✗ {printable(line.reason)}"
        elif line.status == "running" and view.state != "idle":
            word += " …"
        elif line.status in {"cancelled", "cut off"}:
            word += " part"
        style = "bad" if line.fault else _STYLES[outcome]
        base = self._style("cursor") if place == self.cursor else self.rich_style
        segments = [
            Segment(f" {mark} ", base + self._partial(ink_of(line.style))),
            Segment(label.ljust(who), base),
            *(Segment(f" {cells[name]:>{room}}", base) for name, room in columns),
            Segment(f"  {word}", base + self._partial(style)),
            Segment(" ◂ serve" if recommended else "", base + self._partial("good")),
        ]  # fmt: skip
        return self._strip(segments, width, base)

    def _layout(self, width: int) -> tuple[int, list[tuple[str, int]]]:
        """Return the room of the name and the columns that the width has room for."""
        longest = max((len(line.label) for line in self._lines), default=_WHO)
        columns = list(_COLUMNS)
        rest = width - 3 - 11
        for expendable in ("noise", "texts/s", "error"):
            if rest - sum(room + 1 for _, room in columns) >= min(longest, _WHO):
                break
            columns = [column for column in columns if column[0] != expendable]
        taken = sum(room + 1 for _, room in columns)
        return max(min(longest, rest - taken), 8), columns

    def _strip(self, segments: list[Segment], width: int, base: Style | None = None) -> Strip:
        return Strip(segments).adjust_cell_length(width, base or self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"settings-table--{name}")

    def _partial(self, name: str) -> Style:
        return self.get_component_rich_style(f"settings-table--{name}", partial=True)

    def _region_of_cursor(self) -> Region:
        # The header stays in the first line, over whatever is scrolled to there.
        return Region(0, self.cursor, 1, 2)

    def _same(self, one: View, other: View) -> bool:
        return (
            one.lines == other.lines
            and one.answers == other.answers
            and one.view_state == other.view_state
            and one.state == other.state
        )


def _figure(value: float | None, identical: bool) -> str:
    if identical:
        return "identical"
    return "·" if value is None else f"{value:.1e}" if value else "0"


def _judged(figure: str, outcome: Outcome) -> str:
    """Return a figure with what the use makes of it: the mark of its own verdict."""
    return f"{figure}{' ' if figure == 'identical' else ''}{MARKS[outcome] or ' '}"


def _speed(line: SettingRow) -> str:
    if line.speed is None or line.unbatched_speed is None:
        return "·"
    return f"{line.unbatched_speed:.0f} → {line.speed[1]:.0f}"
