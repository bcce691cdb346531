"""Four lines that answer at one look: does it drift, is it exact, why, what to serve with."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.geometry import Size

from embedtui.common.printable import printable
from embedtui.tui.widgets.bars import TextLines

if TYPE_CHECKING:
    from embedtui.assess.answers import Answer

_NAME = 7
_MOST_LINES = 2


class AnswerLines(TextLines):
    """A line for each answer, cut between words; two where there is room for them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"answers--{name}" for name in ("name", "good", "bad", "open")
    }
    DEFAULT_CSS = """
    AnswerLines { height: auto; padding: 0 1; background: $surface; }
    AnswerLines .answers--name { color: $muted; text-style: bold; }
    AnswerLines .answers--good { color: $success; }
    AnswerLines .answers--bad { color: $warning; }
    AnswerLines .answers--open { color: $foreground; }
    AnswerLines:ansi .answers--name { text-style: dim; }
    """
    answers: tuple[Answer, ...] = ()
    wraps = False
    """Whether an answer may take a second line."""

    def show(self, answers: Sequence[Answer], *, wraps: bool) -> None:
        """Show the answers."""
        before = self._height(self.size.width - 2)
        self.answers, self.wraps = tuple(answers), wraps
        if self._height(self.size.width - 2) != before:
            self.refresh(layout=True)
        self._show(self.answers, wraps)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines that the answers need."""
        return self._height(width)

    def render(self) -> Text:
        """Return the lines."""
        lines = []
        for one in self.answers:
            name = one.question
            for part in self._parts(one, self.content_size.width):
                lines.append(
                    Text.assemble(
                        (name.ljust(_NAME), self._style("answers--name")),
                        (part, self._style(f"answers--{one.state}")),
                    )
                )
                name = ""
        return Text("\n", no_wrap=True, overflow="crop").join(lines)

    def _height(self, width: int) -> int:
        return sum(len(self._parts(one, width)) for one in self.answers)

    def _parts(self, one: Answer, width: int) -> list[str]:
        return cut(printable(one.text, None), width - _NAME, _MOST_LINES if self.wraps else 1)


def cut(text: str, width: int, most: int) -> list[str]:
    """Return a text in lines of a width, cut between words after so many."""
    width = max(width, 10)
    found = textwrap.wrap(text, width, max_lines=most, placeholder=" …", break_on_hyphens=False)
    return found or [""]
