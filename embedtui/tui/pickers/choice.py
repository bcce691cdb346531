"""One of a few things, each explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from embedtui.common.printable import printable
from embedtui.tui.pickers.style import FRAME_CSS, Options, Over


class ChoiceScreen(Over[str | None]):
    """Lists what there is; what is under the cursor is explained below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "back", id="choice.back"),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]
    DEFAULT_CSS = f"ChoiceScreen {{ {FRAME_CSS} & > .frame {{ max-width: 84; }} }}"

    def __init__(
        self, title: str, options: Sequence[tuple[str, str, tuple[str, ...]]], current: str
    ) -> None:
        super().__init__()
        self._title = title
        self._options = tuple(options)
        """Value, label and explanation of each."""
        self._current = current

    def compose(self) -> ComposeResult:
        """Put the explanation below the list."""
        marks = ("● ", "  ")
        with Vertical(classes="frame") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "Enter choose   Esc back"
            yield Options(
                *(
                    Option(
                        Text(marks[value != self._current] + printable(label)),
                        id=value,
                    )
                    for value, label, _ in self._options
                )
            )
            yield Static("", classes="details", markup=False, id="choice-details")

    def on_mount(self) -> None:
        """Put the cursor on what is chosen now."""
        values = [value for value, _, _ in self._options]
        if self._current in values:
            self.query_one(OptionList).highlighted = values.index(self._current)

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
