"""A question with a few answers, each on a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from embedtui.tui.pickers.style import FRAME_CSS, Options, Over
from embedtui.tui.widgets.titles import entitle


class ConfirmScreen(Over[str | None]):
    """Asks; the first answer stands under the cursor, Escape gives none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", id="confirm.back"),
    ]
    DEFAULT_CSS = f"ConfirmScreen {{ {FRAME_CSS} & > .frame {{ max-width: 64; }} }}"

    def __init__(self, question: str, answers: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._question = question
        self._answers = tuple(answers)
        """Value, letter and words of each answer."""

    def compose(self) -> ComposeResult:
        """Put the answers below the question."""
        with Vertical(classes="frame") as frame:
            entitle(frame, self._question, "Esc back")
            yield Options(
                *(
                    Option(Text.assemble((f" {letter} ", "bold"), f" {words}"), id=value)
                    for value, letter, words in self._answers
                )
            )
            yield Static("", classes="details")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the answer back."""
        self.dismiss(event.option.id)

    def on_key(self, event: Key) -> None:
        """Take an answer's letter."""
        for value, letter, _ in self._answers:
            if event.key == letter:
                event.stop()
                self.dismiss(value)
