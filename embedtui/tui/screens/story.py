"""A story over the explorer: three sentences about the setting that is selected below."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from embedtui.common.printable import printable
from embedtui.report.stories import KEYS, Told
from embedtui.tui.pickers.style import FRAME_CSS, Over


class StoryScreen(Over[None]):
    """Shows the sentences until a key takes them away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,space", "close", "look at the figures"),
    ]
    DEFAULT_CSS = f"StoryScreen {{ {FRAME_CSS} }}"

    def __init__(self, story: Told) -> None:
        super().__init__()
        self._story = story

    def compose(self) -> ComposeResult:
        """Lay the sentences out."""
        story = self._story
        with VerticalScroll(classes="frame") as frame:
            frame.border_title = printable(story.title)
            frame.border_subtitle = "Enter: look at the figures"
            for number, sentence in enumerate(story.sentences, 1):
                yield Static(f"{number}. {printable(sentence)}\n", markup=False)
            yield Static(f"Selected: {printable(story.setting)}. {KEYS}", classes="details",
                         markup=False)  # fmt: skip

    def action_close(self) -> None:
        """Go to the explorer."""
        self.dismiss(None)
