"""The screen as a file: SVG for showing, text for pasting."""

from __future__ import annotations

import re
import time
import unicodedata
from pathlib import Path
from typing import Any

from textual.app import App

from embedtui.common.errors import InputError
from embedtui.common.printable import printable

_MOST_CHARACTERS = 90
# What XML 1.0 cannot hold, even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg_of(app: App[Any], what: str) -> str:
    """Return the screen as SVG, with what it shows as its title."""
    return _NOT_XML.sub("\ufffd", app.export_screenshot(title=printable(what, 100)))


def text_of(app: App[Any]) -> str:
    """Return the characters of the screen, line by line, blanks at their ends cut off."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines) + "\n"


def name_of(what: str) -> str:
    """Return a file's name without its suffix: when, and what is shown."""
    plain = unicodedata.normalize("NFKD", printable(what)).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9.=+-]+", "-", plain).strip("-.")[:_MOST_CHARACTERS].strip("-.")
    return f"{time.strftime('%Y-%m-%d-%H%M%S')}-{words or 'screen'}"


def save(folder: Path, what: str, suffix: str, content: str) -> Path:
    """Save a picture of the screen under a name that says what it shows.

    Raises:
        InputError: if it cannot be written.
    """
    stem = name_of(what)
    for number in range(1, 1000):
        more = "" if number == 1 else f"-{number}"
        path = folder / f"{stem}{more}.{suffix}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(content)
        except FileExistsError:
            continue
        except OSError as error:
            shown = printable(str(path))
            raise InputError(f"{shown} cannot be written: {error.strerror}") from error
        return path
    raise InputError(f"{printable(str(folder))} is full of screenshots of this second")
