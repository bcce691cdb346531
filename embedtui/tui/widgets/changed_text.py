"""Text that is painted again only when it is another."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class ChangedText(Static):
    """Shows the text of each frame; Textual's own widget paints it anew though it is the same."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._text = Text()

    def show(self, text: Text) -> None:
        """Show a text; one that is already shown costs nothing."""
        # Two texts are equal to Rich where only the style of the whole differs.
        if text != self._text or text.style != self._text.style:
            self._text = text
            self.update(text)
