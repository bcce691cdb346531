"""The palette of commands: Textual's, made to stand keys that come in one read."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette


class Palette(CommandPalette):
    """Finds a command by typing."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Go back, unless the palette is going already."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def _action_command_list(self, action: str) -> None:
        """Pass a key on to the list, once it has its place on the screen."""
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)
