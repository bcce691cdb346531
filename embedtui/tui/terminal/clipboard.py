"""Copying over whatever lies between here and the person's own machine: OSC 52, and a file."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from embedtui.common import paths
from embedtui.common.printable import printable

MOST_BYTES = 74_994
"""Bytes of base64 that common terminals take; beyond it they take nothing at all."""
_NAME = "copied.txt"


def copy(
    text: str,
    *,
    write: Callable[[str], None],
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Copy a text by the terminal and into a file; return a sentence that says so.

    The file is always written, because no terminal tells whether it has obeyed.
    """
    environment = os.environ if environment is None else environment
    data = text.encode("utf-8", "surrogatepass")
    path = folder / _NAME
    try:
        paths.create_private(path).write_bytes(data)
    except OSError as error:
        kept = f"{printable(str(path))} cannot be written: {error.strerror}"
    else:
        kept = f"in {printable(str(path))}"
    encoded = base64.b64encode(data).decode("ascii")
    if len(encoded) > MOST_BYTES:
        return f"too long for a terminal's clipboard; {kept}"
    write(_sequence(encoded, environment))
    count = f"{len(text)} character{'s' if len(text) != 1 else ''}"
    return f"copied {count}; also {kept}" if kept.startswith("in ") else f"copied {count}; {kept}"


def _sequence(encoded: str, environment: Mapping[str, str]) -> str:
    """Return the sequence, wrapped so that tmux and screen hand it on."""
    osc = f"\x1b]52;c;{encoded}\x07"
    if environment.get("TMUX"):
        return "\x1bPtmux;" + osc.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("TERM", "").startswith("screen"):
        return f"\x1bP{osc}\x1b\\"
    return osc
