"""One of a few things, each explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from embedtui.common.printable import printable
from embedtui.tui.pickers.style import FRAME_CSS, Options, Over
from embedtui.tui.state.background import in_background
from embedtui.tui.widgets.titles import entitle

Offer = tuple[str, str, tuple[str, ...]]
"""Value, label and the lines that explain it."""


class ChoiceScreen(Over[str | None]):
    """Lists what there is; what is under the cursor is explained below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "back", id="choice.back"),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]
    DEFAULT_CSS = f"ChoiceScreen {{ {FRAME_CSS} & > .frame {{ max-width: 84; }} }}"

    def __init__(self, title: str, find: Callable[[], Sequence[Offer]], current: str) -> None:
        """Offer what `find` returns; it is called in a thread, since it may read the disk."""
        super().__init__()
        self._title = title
        self._find = find
        self._options: tuple[Offer, ...] = ()
        self._current = current

    def compose(self) -> ComposeResult:
        """Put the explanation below the list."""
        with Vertical(classes="frame") as frame:
            entitle(frame, self._title, "Enter choose   Esc back")
            yield Options()
            yield Static("\nreading …", classes="details", markup=False, id="choice-details")

    def on_mount(self) -> None:
        """Look for what there is."""
        self._look()

    @in_background("listing what there is", group="choice")
    def _look(self) -> None:
        self.call_later(self._found, tuple(self._find()))

    def _found(self, options: tuple[Offer, ...]) -> None:
        """List what there is, the cursor on what is chosen now."""
        self._options = options
        marks = ("● ", "  ")
        self.query_one(OptionList).add_options(
            Option(Text(marks[value != self._current] + printable(label)), id=value)
            for value, label, _ in options
        )
        if not options:
            self.query_one("#choice-details", Static).update("\nthere is nothing to choose")
        values = [value for value, _, _ in options]
        if options:
            place = values.index(self._current) if self._current in values else 0
            self.query_one(OptionList).highlighted = place

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Explain it."""
        lines = self._options[event.option_index][2]
        shown = Text("\n".join(["", *map(printable, lines)]))
        self.query_one("#choice-details", Static).update(shown)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give it back."""
        self.dismiss(event.option.id)

    def action_move(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()
