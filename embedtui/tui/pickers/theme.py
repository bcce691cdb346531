"""Choosing the colours, with the whole explorer as the preview."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.tui import themes
from embedtui.tui.pickers.style import FRAME_CSS, Options, Over
from embedtui.tui.state.background import in_background

_DEBOUNCE = 0.1


class ThemePicker(Over[str | None]):
    """Shows each theme as the cursor comes to it; Escape puts the one before back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "back", id="theme.back"),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]
    DEFAULT_CSS = f"""
    ThemePicker {{
        {FRAME_CSS}
        align: right middle; background: $background 0%;
        & > .frame {{ width: 46; }}
        & OptionList {{ max-height: 14; }}
    }}
    """

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self._folder = folder
        self._themes: list[themes.ThemeFile] = []
        self._before = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Put what the theme looks like, and what is wrong with yours, below the list."""
        with Vertical(classes="frame") as frame:
            frame.border_title = "theme"
            frame.border_subtitle = "Enter keep   Esc as before"
            yield Options()
            yield Static("", classes="details", markup=False, id="theme-details")
            yield Static("", id="theme-swatches", markup=False)
            yield Static("", classes="error", markup=False, id="theme-errors")

    def on_mount(self) -> None:
        """Look for themes."""
        self._before = self.app.theme
        self._load()

    @in_background("reading the themes", group="themes")
    def _load(self) -> None:
        self.call_later(self._loaded, *themes.load_user(self._folder), themes.shipped())

    def _loaded(
        self,
        yours: Sequence[themes.ThemeFile],
        errors: Sequence[InputError],
        shipped: Sequence[themes.ThemeFile],
    ) -> None:
        """List the themes, yours before those of the same names, the cursor on the one in use."""
        ours = {theme.name for theme in yours}
        self._themes = [*yours, *(one for one in shipped if one.name not in ours)]
        self.query_one(OptionList).add_options([Option(self._line(one)) for one in self._themes])
        said = "\n".join(printable(str(error)) for error in errors)
        self.query_one("#theme-errors", Static).update(said)
        names = [theme.name for theme in self._themes]
        place = names.index(self._before) if self._before in names else 0
        self.query_one(OptionList).highlighted = place

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the theme, once the cursor rests."""
        if self._timer is not None:
            self._timer.stop()
        theme = self._themes[event.option_index]
        self._timer = self.set_timer(_DEBOUNCE, lambda: self._show(theme))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Keep the theme."""
        theme = self._themes[event.option_index]
        self._show(theme)
        self.dismiss(theme.name)

    def action_back(self) -> None:
        """Put the theme before back."""
        if self._timer is not None:
            self._timer.stop()
        self.app.theme = self._before
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()

    def _show(self, theme: themes.ThemeFile) -> None:
        self.app.register_theme(themes.to_textual(theme))
        if self.app.theme != theme.name:
            self.app.theme = theme.name
        self.query_one("#theme-details", Static).update(Text(printable(theme.description)))
        variables = self.app.theme_variables
        swatches = Text()
        for number in range(1, themes.SERIES + 1):
            swatches.append("██ ", _style(variables[f"series-{number}"]))
        self.query_one("#theme-swatches", Static).update(swatches)

    def _line(self, theme: themes.ThemeFile) -> Text:
        mode = "ANSI" if theme.ansi else "dark" if theme.dark else "light"
        yours = ", yours" if theme.yours else ""
        return Text(f"{printable(theme.name, 24):<14} {mode}{yours}")


def _style(color: str) -> str:
    return color.removeprefix("ansi_")
