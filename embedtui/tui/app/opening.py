"""Going between views, and to what lies over them: tabs, help, palette."""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from textual import on
from textual.app import SystemCommand
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from embedtui.tui.actions import ACTIONS, VIEWS, ViewAction, shown
from embedtui.tui.app.footer import FooterMixin
from embedtui.tui.widgets.bars import Tabs


class OpeningMixin(FooterMixin):
    """Opens views; each row of `VIEWS` gives it a tab and a method `action_…`."""

    async def open_view(self, name: str) -> Any:
        """Open a view and return it; one that was never open is built first."""
        await self.build_view(name)
        switcher = self.query_one("#views", ContentSwitcher)
        opened: Any = switcher.query_one(f"#{name}")
        switcher.current = name
        self._show_tabs()
        if self.frame is not None and hasattr(opened, "show"):
            opened.show(self.frame)
        self.ask_framer(lambda framer: framer.again())
        opened.focus_first()
        self._show_hints()
        return opened

    async def build_view(self, name: str) -> None:
        """Build a view that was never open, and leave it behind the one that is."""
        switcher = self.query_one("#views", ContentSwitcher)
        if not switcher.query_children(f"#{name}"):
            widget = _widget_of(name)
            widget.display = False
            await switcher.mount(widget)

    def _show_tabs(self) -> None:
        current = self.query_one("#views", ContentSwitcher).current or "overview"
        tabs = [(row.view, shown(self._key_of(row)), row.tab) for row in VIEWS if row.tab]
        self.query_one(Tabs).show(tabs, current)

    @on(Tabs.Opened)
    async def _tab(self, message: Tabs.Opened) -> None:
        await self.run_action(next(row.id for row in VIEWS if row.view == message.name))

    async def action_over(self) -> None:
        """Show the next chart."""
        from embedtui.tui.views.overview import OverviewView  # noqa: PLC0415 - after the paint

        if self.query_one("#views", ContentSwitcher).current == "overview":
            self.query_one("#overview", OverviewView).next_part()
            self.framer.again()
        else:
            await self.open_view("overview")

    def action_help(self) -> None:
        """Show the keys and the words."""
        from embedtui.tui.screens.help import HelpScreen  # noqa: PLC0415 - when it is asked for

        keys = {a.id: self.config.keys.get(a.id, a.keys) for a in ACTIONS}
        current = self.query_one("#views", ContentSwitcher).current or "overview"
        self.push_screen(HelpScreen(keys, current))

    def action_palette(self) -> None:
        """Open the command palette."""
        self.action_command_palette()

    def action_command_palette(self) -> None:
        """Open the palette, if it is not open already."""
        from embedtui.tui.app.palette import Palette  # noqa: PLC0415 - when it is asked for

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())  # without a name: the one before may still be going

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action that does something now."""
        for action in ACTIONS:
            if action.id != "palette" and not self.why_not(action.id):
                key = shown(self._key_of(action))
                title = self._label(action.id, action.label) + (f" ({key})" if key else "")
                yield SystemCommand(
                    title[0].upper() + title[1:], action.help, self._runner(action.id)
                )

    def _runner(self, action: str) -> Any:
        async def run() -> None:
            await self.run_action(action)

        return run


def _widget_of(view: str) -> Widget:
    row = next(row for row in VIEWS if row.view == view)
    widget: Widget = pkgutil.resolve_name(row.shows)(id=view)
    return widget


def _opener(row: ViewAction) -> Callable[[OpeningMixin], Awaitable[None]]:
    async def opens(self: OpeningMixin) -> None:
        await self.open_view(row.view)

    opens.__doc__ = f"{row.help}."
    return opens


for _row in VIEWS:
    # Textual looks actions up by name; a group that has more to do has a method of its own.
    setattr(OpeningMixin, f"action_{_row.id}", _opener(_row))
