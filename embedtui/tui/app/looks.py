"""Looks: colours, the ASCII mode, pictures of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from rich.console import RenderableType
from textual import events, on
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import ContentSwitcher

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.tui import themes
from embedtui.tui.app.dependencies import AppDeps
from embedtui.tui.app.opening import OpeningMixin
from embedtui.tui.state.background import in_background
from embedtui.tui.terminal.ascii_filter import AsciiFilter
from embedtui.tui.terminal.cell_diff import Differing, TerminalCells

_ASCII = AsciiFilter()


class LooksMixin(OpeningMixin):
    """Shows all in the chosen theme."""

    def __init__(self, outside: AppDeps) -> None:
        super().__init__(outside)
        self._cells = TerminalCells()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send what differs from what the terminal shows."""
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            renderable = cast("Any", Differing(renderable, self._cells, self.size))
        super()._display(screen, renderable)

    @on(events.Resize)
    def _draw_anew(self, event: events.Resize) -> None:
        """Draw all of it anew.

        Whoever takes the terminal away and gives it back tells so by a size, mostly the same one.
        """
        self._cells.forget()
        if event.size == self.size:
            self.refresh()

    def action_redraw(self) -> None:
        """Draw all of it anew: something else may have written to the terminal."""
        self._cells.forget()
        self.refresh()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give Textual's own themes the colours that only ours name."""
        return themes.default_variables()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add to Textual's filters the one of the ASCII mode."""
        return [*super().get_line_filters(), *([_ASCII] if self.ascii else [])]

    @in_background("reading the theme", group="theme-file", once=True)
    def _follow_theme_file(self) -> None:
        """Show what a user saves of the theme in use."""
        folder = self.outside.themes_folder
        if folder is None:
            return
        path = folder / f"{self.theme}.toml"
        try:
            seen = path, path.stat().st_mtime_ns
        except OSError:
            return
        before, self._theme_file = self._theme_file, seen
        if before == seen or before is None or before[0] != path:
            return
        try:
            found = themes.to_textual(themes.read(path, yours=True))
        except InputError as error:
            told = printable(str(error))
            self.call_later(self.notify, told, severity="error", markup=False, timeout=8)
        else:
            self.call_later(self._retheme, found)

    def _retheme(self, theme: Theme) -> None:
        self.register_theme(theme)
        self.mutate_reactive(App.theme)

    def action_theme(self) -> None:
        """Choose the colours."""
        from embedtui.tui.pickers.theme import ThemePicker  # noqa: PLC0415 - when it is asked for

        def chosen(name: str | None) -> None:
            if name is not None:
                self._keep(replace(self.config, theme=name))

        self.push_screen(ThemePicker(self.outside.themes_folder), chosen)

    def action_screenshot(self) -> None:  # type: ignore[override]
        """Save the screen as SVG."""
        self._save_shot("svg")

    def action_screenshot_text(self) -> None:
        """Save the screen as text."""
        self._save_shot("text")

    def _save_shot(self, form: str) -> None:
        from embedtui.tui.terminal import screenshot  # noqa: PLC0415 - when one is taken

        what = self._what()
        drawn = screenshot.svg_of(self, what) if form == "svg" else screenshot.text_of(self)
        self._write_shot(what, "svg" if form == "svg" else "txt", drawn)

    @in_background("saving the screen", group="shot")
    def _write_shot(self, what: str, suffix: str, drawn: str) -> None:
        from embedtui.tui.terminal import screenshot  # noqa: PLC0415 - likewise

        try:
            path = screenshot.save(self._shots(), what, suffix, drawn)
        except InputError as error:
            told = printable(str(error))
            self.call_later(self.notify, told, severity="error", markup=False)
        else:
            told = f"saved {printable(str(path))}"
            self.call_later(self.notify, told, markup=False, timeout=6)

    def _what(self) -> str:
        """Return what the screen shows, for a file's name."""
        view = self.frame.view if self.frame else None
        line = view.focus if view else None
        current = self.query_one("#views", ContentSwitcher).current or "overview"
        if view is None or line is None:
            return f"{self.choices.model} {current}"
        return f"{view.model} {line.label} {view.texts} {current}"
