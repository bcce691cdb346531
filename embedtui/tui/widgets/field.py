"""A line that names what is chosen and opens the screen that changes it."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from embedtui.common.printable import printable

_LABEL = 8


class Field(Widget, can_focus=True):
    """Label, value, and a second line that says more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "activate", "change", show=False, id="field.activate"),
        Binding("down,j", "screen.focus_next", "next", show=False, id="field.down"),
        Binding("up,k", "screen.focus_previous", "before", show=False, id="field.up"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"field--label", "field--value", "field--note"}
    DEFAULT_CSS = """
    Field { height: auto; width: 1fr; }
    Field .field--label { color: $muted; }
    Field .field--value { color: $foreground; text-style: bold; }
    Field .field--note { color: $muted; }
    Field:focus { background: $boost; }
    Field:focus .field--value { text-style: bold reverse; }
    Field:hover { background: $boost; }
    Field:ansi .field--label, Field:ansi .field--note { text-style: dim; }
    Field.button .field--value { color: $primary; }
    """

    class Activated(Message):
        """The field was chosen."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> Field:
            """The field."""
            return self.field

    def __init__(
        self,
        name: str,
        label: str,
        value: str = "",
        note: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._label, self._value, self._note = label, value, note

    def show(self, value: str, note: str = "") -> None:
        """Show another value."""
        if (value, note) != (self._value, self._note):
            relaid = bool(note) != bool(self._note)
            self._value, self._note = value, note
            self.refresh(layout=relaid)

    def action_activate(self) -> None:
        """Open what changes the value."""
        self.post_message(self.Activated(self))

    def on_click(self) -> None:
        """Open what changes the value."""
        self.post_message(self.Activated(self))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return one line, or two with a note."""
        return 2 if self._note else 1

    def render(self) -> Text:
        """Return label, value and note, cut to the width."""
        width = self.content_size.width
        value = printable(self._value, max(width - _LABEL - 2, 1))
        text = Text(no_wrap=True, overflow="crop")
        text.append(self._label.ljust(_LABEL), self._style("label"))
        text.append(value, self._style("value"))
        text.append(" " * max(width - text.cell_len - 1, 1))
        text.append(" " if self.disabled else "›", self._style("label"))
        if self._note:
            note = printable(self._note, max(width - _LABEL, 1))
            text.append("\n" + " " * _LABEL)
            text.append(note, self._style("note"))
        return text

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"field--{name}", partial=True)
