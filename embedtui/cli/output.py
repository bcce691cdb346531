"""Consoles that write foreign text as data: no markup, no escape sequences, no emoji codes."""

from __future__ import annotations

import sys

from rich.console import Console


def out() -> Console:
    """Return a console on standard output, for what was asked for."""
    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False)


def err() -> Console:
    """Return a console on standard error, for progress and problems."""
    return Console(file=sys.stderr, markup=False, highlight=False, emoji=False)


def write(text: str) -> None:
    """Write text to standard output as it is, also where the locale cannot encode all of it."""
    sys.stdout.flush()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(text)


def unicode_works(console: Console) -> bool:
    """Return whether the console can show characters beyond ASCII."""
    return "utf" in (console.encoding or "").lower()
