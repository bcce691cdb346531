"""The palette of commands: Textual's, made to stand keys that come in one read."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette

from embedtui.tui.pickers.frame import Once


class Palette(Once[None], CommandPalette):
    """Finds a command by typing."""

    def _action_command_list(self, action: str) -> None:
        """Pass a key on to the list, once it has its place on the screen."""
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)
