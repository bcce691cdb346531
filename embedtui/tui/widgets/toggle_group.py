"""Choices that stand side by side and are switched on and off where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


@dataclass(frozen=True)
class Toggle:
    """One thing that can be on or off."""

    value: str
    label: str
    help: str = ""
    refused: str = ""
    """Why it cannot be changed, where it cannot."""


class ToggleGroup(Widget, can_focus=True):
    """Toggles that wrap; arrows move, space and Enter switch, a click does both."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "before", show=False, id="chips.left"),
        Binding("right,l", "step(1)", "next", show=False, id="chips.right"),
        Binding("up,k", "line(-1)", "line above", show=False, id="chips.up"),
        Binding("down,j", "line(1)", "line below", show=False, id="chips.down"),
        Binding("space,enter", "switch", "on or off", show=False, id="chips.toggle"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "toggle-group--on",
        "toggle-group--off",
        "toggle-group--refused",
        "toggle-group--cursor",
        "toggle-group--title",
    }
    DEFAULT_CSS = """
    ToggleGroup { height: auto; width: 1fr; }
    ToggleGroup .toggle-group--on { color: $chip-on; text-style: bold; }
    ToggleGroup .toggle-group--off { color: $chip-off; }
    ToggleGroup .toggle-group--refused { color: $disabled; }
    ToggleGroup .toggle-group--title { color: $muted; }
    ToggleGroup .toggle-group--cursor { text-style: reverse; }
    ToggleGroup:ansi .toggle-group--off, ToggleGroup:ansi .toggle-group--title { text-style: dim; }
    """

    class Changed(Message):
        """Another set of chips is on."""

        def __init__(self, chips: ToggleGroup, selected: tuple[str, ...]) -> None:
            super().__init__()
            self.chips = chips
            self.selected = selected

        @property
        def control(self) -> ToggleGroup:
            """The chips."""
            return self.chips

    class Refused(Message):
        """A chip was not switched, and why."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(
        self,
        options: Sequence[Toggle],
        selected: Sequence[str] = (),
        *,
        title: str = "",
        single: bool = False,
        least: int = 1,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._options = tuple(options)
        self._selected = set(selected)
        self._title = title
        self._single = single
        self._least = least
        self._cursor = 0

    @property
    def options(self) -> tuple[Toggle, ...]:
        """What there is to choose from."""
        return self._options

    @property
    def selected(self) -> tuple[str, ...]:
        """The values that are on, in the order in which they stand."""
        return tuple(chip.value for chip in self._options if chip.value in self._selected)

    @property
    def current(self) -> Toggle | None:
        """The chip under the cursor."""
        return self._options[self._cursor] if self._options else None

    def replace(self, options: Sequence[Toggle], selected: Sequence[str]) -> None:
        """Show other chips, or others switched on; tells nobody."""
        if tuple(options) == self._options and set(selected) == self._selected:
            return
        relaid = tuple(options) != self._options
        self._options, self._selected = tuple(options), set(selected)
        self._cursor = min(self._cursor, max(len(self._options) - 1, 0))
        self.refresh(layout=relaid)

    def switch(self, value: str) -> None:
        """Switch one on or off, and tell."""
        chip = next((one for one in self._options if one.value == value), None)
        if chip is None:
            return
        if chip.refused:
            self.post_message(self.Refused(chip.refused))
            return
        changed = {value} if self._single else self._selected ^ {value}
        if len(changed) < self._least:
            self.post_message(self.Refused("at least one stays on"))
            return
        if changed != self._selected:
            self._selected = changed
            self.refresh()
            self.post_message(self.Changed(self, self.selected))

    def action_step(self, by: int) -> None:
        """Move to the next chip or the one before."""
        if self._options:
            self._cursor = (self._cursor + by) % len(self._options)
            self._tell()

    def action_line(self, by: int) -> None:
        """Move a line up or down; beyond the last line, to the next widget."""
        places = self._places(self.size.width)
        x, y, _ = places[self._cursor] if places else (0, 0, 0)
        there = [(abs(px - x), n) for n, (px, py, _) in enumerate(places) if py == y + by]
        if there:
            self._cursor = min(there)[1]
            self._tell()
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_switch(self) -> None:
        """Switch the chip under the cursor."""
        if self._options:
            self.switch(self._options[self._cursor].value)

    def on_click(self, event: events.Click) -> None:
        """Switch the chip under the mouse."""
        for number, (x, y, width) in enumerate(self._places(self.size.width)):
            if event.y == y and x <= event.x < x + width:
                self._cursor = number
                self._tell()
                self.switch(self._options[number].value)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines that the chips need at a width."""
        places = self._places(width)
        return (places[-1][1] if places else 0) + 1

    def render_line(self, y: int) -> Strip:
        """Return one line of chips."""
        base = self.rich_style
        segments: list[Segment] = []
        used = 0
        if y == 0 and self._title:
            title = self._title.ljust(8)
            segments.append(Segment(title, base + self._style("title")))
            used = cell_len(title)
        for number, (x, line, width) in enumerate(self._places(self.size.width)):
            if line != y:
                continue
            segments.append(Segment(" " * (x - used), base))
            chip = self._options[number]
            name = "on" if chip.value in self._selected else "off"
            style = base + self._style("refused" if chip.refused and name == "off" else name)
            if self.has_focus and number == self._cursor:
                style += self._style("cursor")
            segments.append(Segment(self._text(chip), style))
            used = x + width
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _tell(self) -> None:
        chip = self.current
        if chip is not None:
            self.tooltip = chip.refused or chip.help or None
        self.refresh()

    def _text(self, chip: Toggle) -> str:
        on = chip.value in self._selected
        if getattr(self.app, "ascii", False):
            mark = ("(o)" if on else "( )") if self._single else ("[x]" if on else "[ ]")
        elif self._single:
            mark = "◉" if on else "○"
        else:
            mark = "▣" if on else "▢"
        return f"{mark} {chip.label}"

    def _places(self, width: int) -> list[tuple[int, int, int]]:
        """Return column, line and width of each chip."""
        indent = 8 if self._title else 0
        places = []
        x, y = indent, 0
        for chip in self._options:
            needed = cell_len(self._text(chip))
            if x > indent and x + needed > width:
                x, y = indent, y + 1
            places.append((x, y, needed))
            x += needed + 2
        return places

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"toggle-group--{name}", partial=True)
