"""Consoles that write foreign text as data: no markup, no escape sequences, no emoji codes."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from embedtui.common.printable import visible

_IN_ASCII = {
    "·": "-",
    "×": "x",
    "→": "->",
    "…": "...",
    "✔": "+",
    "✗": "x",
    "–": "-",
    "—": "-",
    "“": '"',
    "”": '"',
    "’": "'",
    "█": "#",
    "━": "-",
}


class _Console(Console):
    """A console that no text can give orders to, and that leaves broken pipes to the command.

    Commands make foreign text printable where they know how wide it may be; what one of them
    forgets, or a text that a program put together, stops here.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render without hidden characters; what Rich itself sends to the terminal stays."""
        if isinstance(renderable, str):
            renderable = visible(renderable, keep="\n\t")
        elif isinstance(renderable, Text) and (shown := visible(renderable.plain, keep="\n\t")) != (
            renderable.plain
        ):
            renderable = renderable.copy()
            renderable.plain = shown
        return super().render(renderable, options)

    def on_broken_pipe(self) -> None:
        """Give up on standard output; go on in silence where only progress has no reader."""
        if self.file is not sys.stderr:
            raise BrokenPipeError
        self.quiet = True
        silence(2)


def out() -> Console:
    """Return a console on standard output, for what was asked for."""
    return _Console(file=sys.stdout, markup=False, highlight=False, emoji=False)


def err() -> Console:
    """Return a console on standard error, for progress and problems."""
    return _Console(file=sys.stderr, markup=False, highlight=False, emoji=False)


def write(text: str) -> None:
    """Write text to standard output as UTF-8, also where the locale cannot encode all of it."""
    sys.stdout.flush()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(text)


def write_json(schema: str, **fields: Any) -> None:
    """Write one JSON object of the schema `embedtui.SCHEMA`, as docs/json.md has it."""
    from embedtui.report import exports  # noqa: PLC0415 - the screen stands before it is imported

    write(exports.dump({"schema": f"embedtui.{schema}", **fields}))


def unicode_works(console: Console) -> bool:
    """Return whether the console can show characters beyond ASCII."""
    return "utf" in (console.encoding or "").lower()


def wants_ascii() -> bool:
    """Return whether the locale, or a console without a font for more, asks for ASCII."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
    return "utf" not in encoding or os.environ.get("TERM") == "linux"


def degrade() -> None:
    """Have standard output and error write what their encoding lacks in ASCII, never fail."""
    codecs.register_error("embedtui", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="embedtui")


def silence(descriptor: int) -> None:
    """Let a descriptor lead nowhere: its reader has gone, and Python would complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(c, "?") for c in lost), error.end
