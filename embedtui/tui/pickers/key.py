"""The key of a server, typed where nobody reads along; it is kept until the explorer is left."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from embedtui.common.address import Origin
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.engine.access import Secret, key_of
from embedtui.tui.pickers.style import FRAME_CSS, Over
from embedtui.tui.widgets.titles import entitle


class KeyScreen(Over[Secret | None]):
    """Asks for a key; Escape gives none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", id="key.back"),
    ]
    DEFAULT_CSS = f"KeyScreen {{ {FRAME_CSS} & > .frame {{ max-width: 76; }} }}"

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self._origin = origin

    def compose(self) -> ComposeResult:
        """Put a line that shows nothing of what is typed into the frame."""
        with Vertical(classes="frame") as frame:
            origin = printable(str(self._origin), 50)
            entitle(frame, f"key of {origin}", "Enter send it   Esc back")
            yield Input(password=True, compact=True, id="key")
            said = "sent to this server alone; never written down. EMBEDTUI_API_KEY saves typing it"
            if not (self._origin.is_encrypted or self._origin.is_loopback):
                said = "http: others on the way can read the key. It is sent to this server alone"
            yield Static(said, classes="details", markup=False)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value
        event.input.clear()
        try:
            self.dismiss(key_of(text, "what was typed"))
        except InputError as error:
            self.query_one(Static).update(str(error))
            self.app.bell()
