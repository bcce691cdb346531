"""What all screens over the main one share: how they end, and the look of pickers."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import OptionList


class Over(ModalScreen[ScreenResultType]):
    """A screen over the main one; it is dismissed once, however often keys ask for it.

    Keys that come in one read are all handed to the screen that was there before the first of
    them was obeyed: a second Enter would take away the screen below. Those that come with the one
    that opens a screen are not obeyed before there is something in it to act on.
    """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say that no key does anything before the screen is built."""
        return super().check_action(action, parameters) if self.is_mounted else False

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Go back with what was chosen, unless the screen is going already."""
        return super().dismiss(result) if self.is_current else AwaitComplete()


class Options(OptionList):
    """A list to choose from, which takes keys also before it has its place on the screen."""

    def action_page_up(self) -> None:
        """Go up a page."""
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Go down a page."""
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]


FRAME_CSS = """
    align: center middle;
    & > .frame {
        width: 92%; max-width: 110; height: auto; max-height: 92%; padding: 0 1;
        border: round $primary; background: $surface; border-title-color: $primary;
        border-subtitle-color: $muted;
    }
    & Input, & Input:focus { height: 1; border: none; padding: 0; background: $boost; }
    & OptionList, & OptionList:focus {
        border: none; padding: 0; text-wrap: nowrap; text-overflow: ellipsis;
        background: $surface; height: auto; max-height: 100%;
        scrollbar-size-vertical: 1;
    }
    & OptionList > .option-list--option-highlighted {
        background: $cursor; color: $foreground; text-style: bold;
    }
    &:ansi OptionList > .option-list--option-highlighted { text-style: reverse; }
    & .details { color: $muted; height: auto; }
    & .error { color: $error; height: auto; }
    &:ansi .details { text-style: dim; }
"""
"""Nested in each picker's own rule."""
