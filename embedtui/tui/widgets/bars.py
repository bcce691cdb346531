"""The one-line widgets around the screens: header, answers, tabs, progress, hints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from embedtui.common.printable import printable

if TYPE_CHECKING:
    from embedtui.assess.answers import Answer, Answers

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
    """What is measured, where, and the verdict."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "header--name",
        "header--what",
        "header--good",
        "header--bad",
        "header--open",
    }
    DEFAULT_CSS = """
    Header { background: $panel; color: $foreground; }
    Header .header--name { color: $primary; text-style: bold; }
    Header .header--what { color: $muted; }
    Header .header--good { color: $success; text-style: bold; }
    Header .header--bad { color: $error; text-style: bold; }
    Header .header--open { color: $muted; }
    Header:ansi { background: ansi_default; }
    """
    parts: tuple[str, ...] = ()
    verdict: tuple[str, str] = ("open", "")

    def show(self, parts: Sequence[str], verdict: tuple[str, str]) -> None:
        """Show the parts, the most telling first, and the verdict at the right."""
        self.parts, self.verdict = tuple(parts), verdict
        self._show(self.parts, verdict)

    def render(self) -> Text:
        """Return the line; the parts that matter least are left out where room is short."""
        state, said = self.verdict
        mark = {"good": "✔ ", "bad": "✗ ", "open": ""}[state]
        right = printable(f"{mark}{said}") + " "
        left = [printable(part) for part in self.parts if part]
        room = self.size.width - cell_len(right) - 12
        while len(left) > 1 and cell_len(" · ".join(left)) > room:
            left.pop()
        what = printable(" · ".join(left), max(room, 1))
        gap = max(self.size.width - 11 - cell_len(what) - cell_len(right), 1)
        return Text.assemble(
            (" embedtui  ", self._style("header--name")),
            (what, self._style("header--what")),
            " " * gap,
            (right, self._style(f"header--{state}")),
            no_wrap=True,
            overflow="crop",
        )


class AnswersStrip(TextLines):
    """Is it consistent, is it exact, what to serve with: a line each."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "answers--question",
        "answers--good",
        "answers--bad",
        "answers--open",
    }
    DEFAULT_CSS = """
    AnswersStrip { height: 3; padding: 0 1; background: $surface; }
    AnswersStrip .answers--question { color: $muted; }
    AnswersStrip .answers--good { color: $success; }
    AnswersStrip .answers--bad { color: $warning; }
    AnswersStrip .answers--open { color: $muted; }
    AnswersStrip:ansi .answers--question { text-style: dim; }
    """
    answers: Answers | None = None

    def show(self, answers: Answers) -> None:
        """Show the answers."""
        self.answers = answers
        self._show(answers)

    def render(self) -> Text:
        """Return the three lines."""
        if self.answers is None:
            return Text("")
        three = (self.answers.consistent, self.answers.exact, self.answers.serve)
        text = Text("\n").join([self._line(one) for one in three])
        text.no_wrap, text.overflow = True, "crop"
        return text

    def _line(self, one: Answer) -> Text:
        room = max(self.content_size.width - 13, 1)
        return Text.assemble(
            (one.question.ljust(13), self._style("answers--question")),
            (printable(one.text, room), self._style(f"answers--{one.state}")),
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


class Hints(TextLines):
    """The keys that do something at this moment, the most wanted first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hints--key", "hints--label"}
    DEFAULT_CSS = """
    Hints { padding: 0 1; background: $panel; }
    Hints .hints--key { color: $accent; text-style: bold; }
    Hints .hints--label { color: $muted; }
    Hints:ansi { background: ansi_default; }
    """
    hints: tuple[tuple[str, str, str], ...] = ()

    ALWAYS: ClassVar[frozenset[str]] = frozenset({"help", "quit"})
    """Who has no room for the rest must still find these."""

    def show(self, hints: Sequence[tuple[str, str, str]]) -> None:
        """Show the hints, each as (action, key, label); what has no room is left out."""
        self.hints = tuple(hints)
        self._show(self.hints)

    def render(self) -> Text:
        """Return as many hints as there is room for."""
        text = Text(no_wrap=True, overflow="crop")
        for _, key, label in self._fitting():
            text.append(key, self._style("hints--key"))
            text.append(f" {label}   ", self._style("hints--label"))
        return text

    def _fitting(self) -> list[tuple[str, str, str]]:
        def room(hints: Sequence[tuple[str, str, str]]) -> int:
            return sum(len(key) + len(label) + 4 for _, key, label in hints)

        last = [hint for hint in self.hints if hint[0] in self.ALWAYS]
        kept: list[tuple[str, str, str]] = []
        for hint in self.hints:
            if hint in last:
                continue
            if room([*kept, hint, *last]) - 3 > self.content_size.width:
                break
            kept.append(hint)
        return [*kept, *last]

    async def on_click(self, event: events.Click) -> None:
        """Do what the hint under the mouse says."""
        place = 1
        for action, key, label in self._fitting():
            width = len(key) + 1 + len(label)
            if place <= event.x < place + width:
                await self.app.run_action(action)
                return
            place += width + 3
