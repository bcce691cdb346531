"""The one-line widgets around the screens: header, tabs, progress, hints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from embedtui.common.printable import printable

_BAR = ("━", "─")


class TextLines(Widget):
    """Some lines of text, composed anew for the width that there is."""

    DEFAULT_CSS = "TextLines { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._shown: object = None

    def _show(self, *what: object) -> None:
        if what != self._shown:
            self._shown = what
            self.refresh()

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)


class Header(TextLines):
    """What is shown, of which texts, where; and the limit that it is held against."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"header--what", "header--limit"}
    DEFAULT_CSS = """
    Header { background: $panel; color: $foreground; padding: 0 1; }
    Header .header--what { color: $primary; text-style: bold; }
    Header .header--limit { color: $muted; }
    Header:ansi { background: ansi_default; }
    """
    parts: tuple[str, ...] = ()
    limit: str = ""

    def show(self, parts: Sequence[str], limit: str) -> None:
        """Show the parts, the most telling first, and the limit at the right."""
        self.parts, self.limit = tuple(parts), limit
        self._show(self.parts, limit)

    def render(self) -> Text:
        """Return the line; the parts that matter least are left out where room is short."""
        width = self.content_size.width
        right = printable(self.limit)
        left = [printable(part) for part in self.parts if part]
        room = width - cell_len(right) - 2
        while len(left) > 1 and cell_len(" · ".join(left)) > room:
            left.pop()
        what = printable(" · ".join(left), max(room, 1))
        gap = max(width - cell_len(what) - cell_len(right), 1)
        return Text.assemble(
            (what, self._style("header--what")),
            " " * gap,
            (right, self._style("header--limit")),
            no_wrap=True,
            overflow="crop",
        )


class Tabs(TextLines):
    """Names of the views; the one that is open stands out, and a click opens another."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tabs--open", "tabs--key", "tabs--other"}
    DEFAULT_CSS = """
    Tabs { padding: 0 1; }
    Tabs .tabs--open { color: $primary; text-style: bold underline; }
    Tabs .tabs--other { color: $muted; }
    Tabs .tabs--key { color: $accent; }
    """

    class Opened(Message):
        """A view is to be opened."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    tabs: tuple[tuple[str, str, str], ...] = ()
    open: str = ""

    def show(self, tabs: Sequence[tuple[str, str, str]], open_: str) -> None:
        """Show the views, each as (name, key, title)."""
        self.tabs, self.open = tuple(tabs), open_
        self._show(self.tabs, open_)

    def render(self) -> Text:
        """Return the line of names."""
        text = Text(no_wrap=True, overflow="crop")
        for name, key, title in self.tabs:
            style = "tabs--open" if name == self.open else "tabs--other"
            text.append(key, self._style("tabs--key"))
            text.append(" ")
            text.append(title, self._style(style))
            text.append(" " * self._gap)
        return text

    @property
    def _gap(self) -> int:
        """Columns between two names: three, or as many as there is room for."""
        names = sum(len(key) + 1 + len(title) for _, key, title in self.tabs)
        between = max(len(self.tabs) - 1, 1)
        return min(max((self.content_size.width - names) // between, 1), 3)

    def on_click(self, event: events.Click) -> None:
        """Open the view under the mouse."""
        place = 1
        for name, key, title in self.tabs:
            width = len(key) + 1 + len(title)
            if place <= event.x < place + width:
                self.post_message(self.Opened(name))
                return
            place += width + self._gap


class ProgressStrip(TextLines):
    """What is happening, in words, how far it is, and the GPU."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "progress--bar",
        "progress--rest",
        "progress--text",
        "progress--problem",
        "progress--gpu",
    }
    DEFAULT_CSS = """
    ProgressStrip { padding: 0 1; background: $surface; }
    ProgressStrip .progress--bar { color: $primary; }
    ProgressStrip .progress--rest { color: $disabled; }
    ProgressStrip .progress--text { color: $foreground; }
    ProgressStrip .progress--problem { color: $error; }
    ProgressStrip .progress--gpu { color: $muted; }
    ProgressStrip:ansi .progress--rest { text-style: dim; }
    """
    said: str = ""
    share: float | None = None
    problem: bool = False
    right: str = ""

    def show(
        self, said: str, share: float | None, right: str = "", *, problem: bool = False
    ) -> None:
        """Show what is done; `share` from 0 to 1 where it is known."""
        bar = None if share is None else round(share * 48)
        self.said, self.share, self.problem, self.right = said, share, problem, right
        self._show(said, bar, right, problem)

    def render(self) -> Text:
        """Return bar, words, and at the right the GPU."""
        width = self.content_size.width
        text = Text(no_wrap=True, overflow="crop")
        room = width - cell_len(self.right) - (1 if self.right else 0)
        if self.share is not None:
            length = max(min(24, room // 5), 4)
            full = round(min(max(self.share, 0.0), 1.0) * length)
            on, off = _BAR
            text.append(on * full, self._style("progress--bar"))
            text.append(off * (length - full), self._style("progress--rest"))
            text.append(f" {self.share:4.0%} ", self._style("progress--text"))
        style = "progress--problem" if self.problem else "progress--text"
        text.append(printable(self.said, max(room - text.cell_len, 1)), self._style(style))
        text.append(" " * max(width - text.cell_len - cell_len(self.right), 0))
        text.append(self.right, self._style("progress--gpu"))
        return text


class Hint(NamedTuple):
    """A key that does something at this moment."""

    action: str
    """The app's action, or empty for one of the widget that has the keys."""
    key: str
    """Textual's name of the key."""
    shown: str
    label: str


class Hints(TextLines):
    """The keys that do something at this moment, the most wanted first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hints--key", "hints--label"}
    DEFAULT_CSS = """
    Hints { padding: 0 1; background: $panel; }
    Hints .hints--key { color: $accent; text-style: bold; }
    Hints .hints--label { color: $muted; }
    Hints:ansi { background: ansi_default; }
    """
    hints: tuple[Hint, ...] = ()

    ALWAYS: ClassVar[frozenset[str]] = frozenset({"help", "quit"})
    """Who has no room for the rest must still find these."""

    def show(self, hints: Sequence[Hint]) -> None:
        """Show the hints; what has no room is left out."""
        self.hints = tuple(hints)
        self._show(self.hints)

    def render(self) -> Text:
        """Return as many hints as there is room for."""
        text = Text(no_wrap=True, overflow="crop")
        for hint in self.fitting():
            text.append(hint.shown, self._style("hints--key"))
            text.append(f" {hint.label}  ", self._style("hints--label"))
        return text

    def fitting(self) -> list[Hint]:
        """Return the hints that there is room for."""

        def room(hints: Sequence[Hint]) -> int:
            return sum(len(hint.shown) + len(hint.label) + 3 for hint in hints)

        last = [hint for hint in self.hints if hint.action in self.ALWAYS]
        kept: list[Hint] = []
        for hint in self.hints:
            if hint in last:
                continue
            if room([*kept, hint, *last]) - 2 > self.content_size.width:
                break
            kept.append(hint)
        return [*kept, *last]

    def on_click(self, event: events.Click) -> None:
        """Press the key of the hint under the mouse."""
        place = 1
        for hint in self.fitting():
            width = len(hint.shown) + 1 + len(hint.label)
            if place <= event.x < place + width:
                self.app.simulate_key(hint.key)
                return
            place += width + 2
