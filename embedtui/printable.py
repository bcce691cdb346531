"""Foreign text made safe to print: what comes from files is data, never terminal commands."""

from __future__ import annotations

import unicodedata

# Cc: escape sequences begin here. Cf: direction overrides reorder what follows them.
# Cs, Co, Cn: surrogates, private use and noncharacters have no agreed width.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_ZERO_WIDTH_JOINER = "\u200d"


def printable(text: str, width: int | None = None) -> str:
    """Return `text` on one line with nothing in it that a terminal would obey.

    Runs of white space become one space; every other control, format, private or unassigned
    character becomes U+FFFD, so that a reader sees that something is there. With `width`, at most
    that many characters are returned, the last of them an ellipsis where text was cut off.
    """
    budget = None if width is None else 4 * width + 64
    one_line = " ".join(text[:budget].split())
    shown = "".join(
        "\ufffd" if unicodedata.category(c) in _HIDDEN and c != _ZERO_WIDTH_JOINER else c
        for c in one_line
    )
    if width is not None and len(shown) > width:
        return shown[: max(width - 1, 0)] + "…"
    return shown
