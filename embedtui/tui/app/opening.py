"""Going between views, and to what lies over them: tabs, help, palette."""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import SystemCommand
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from embedtui.tui.actions import ACTIONS, VIEWS, ViewAction, shown
from embedtui.tui.app.showing import ShowingMixin
from embedtui.tui.views import WIDE
from embedtui.tui.widgets.bars import Tabs

if TYPE_CHECKING:
    from embedtui.tui.views.explore import ExploreView


class OpeningMixin(ShowingMixin):
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
        self.framer.again()
        if name != "explore":
            opened.focus_first()
        return opened

    async def build_view(self, name: str) -> None:
        """Build a view that was never open, and leave it behind the one that is."""
        switcher = self.query_one("#views", ContentSwitcher)
        if not switcher.query_children(f"#{name}"):
            widget = _widget_of(name)
            widget.display = False
            await switcher.mount(widget)

    async def _open_pane(self, pane: str, *, focus: bool = False) -> None:
        self._pane = pane
        explore: ExploreView = await self.open_view("explore")
        explore.open(pane)
        self._show_tabs()
        if focus:
            explore.focus_pane(pane)

    def _show_tabs(self) -> None:
        current = self.query_one("#views", ContentSwitcher).current or "explore"
        wide = self.size.width >= WIDE
        tabs = []
        for row in sorted(VIEWS, key=lambda row: row.digit):
            if row.view != "explore":
                if not (row.engines and self.outside.opened):
                    tabs.append((row.view, row.digit, row.tab))
            elif not wide:
                tabs.append((row.id, row.digit, row.tab))
        if wide:
            tabs.insert(0, ("explore", "1", "Explore"))
            tabs.append(("help", "?", "Help"))  # the hints have it as well
        pane = current == "explore" and not wide
        self.query_one(Tabs).show(tabs, self._pane if pane else current)

    def on_resize(self) -> None:
        """Name the tabs that there are at this width."""
        # The screen learns of its new size, and with it of its breakpoint, after the app does.
        self.call_after_refresh(self._show_tabs)

    @on(Tabs.Opened)
    async def _tab(self, message: Tabs.Opened) -> None:
        first = {row.view: row.id for row in reversed(VIEWS)}
        await self.run_action(first.get(message.name, message.name))

    async def action_over(self) -> None:
        """Draw drift over the next thing."""
        if self._pane != "sizes" and self.size.width < WIDE:
            await self._open_pane("sizes", focus=True)
        elif self.query_one("#views", ContentSwitcher).current != "explore":
            await self.open_view("explore")
        else:
            self.explore.next_over()
            self.framer.again()

    def action_help(self) -> None:
        """Show the keys and the words."""
        from embedtui.tui.screens.help import HelpScreen  # noqa: PLC0415 - when it is asked for

        keys = {a.id: self.config.keys.get(a.id, a.keys) for a in ACTIONS}
        self.push_screen(HelpScreen(keys))

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
            if action.id != "palette" and self.check_action(action.id, ()):
                keys = self.config.keys.get(action.id, action.keys).split(",")
                title = f"{self._label(action.id, action.label)} ({shown(keys[0])})"
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
        if row.view == "explore":
            await self._open_pane(row.id, focus=True)
        else:
            await self.open_view(row.view)

    opens.__doc__ = f"{row.help}."
    return opens


for _row in VIEWS:
    # Textual looks actions up by name; a group that has more to do has a method of its own.
    setattr(OpeningMixin, f"action_{_row.id}", _opener(_row))
