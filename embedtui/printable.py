"""Foreign text made safe to print: what comes from files is data, never terminal commands."""

from __future__ import annotations

import unicodedata

# Cc: escape sequences begin here. Cf: direction overrides reorder what follows them.
# Cs, Co, Cn: surrogates, private use and noncharacters have no agreed width.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Joiners that spell words (Persian, Indic scripts) and emoji, and move nothing on the screen.
_JOINERS = {"\u200c", "\u200d"}


def printable(text: str, width: int | None = None) -> str:
    """Return `text` on one line with nothing in it that a terminal would obey.

    Runs of white space become one space; every other control, format, private or unassigned
    character becomes U+FFFD, so that a reader sees that something is there. With `width`, at most
    that many characters are returned, the last of them an ellipsis where text was cut off.
    """
    shown = " ".join(text.split())
    if width is not None and len(shown) > width:
        shown = shown[: width - 1] + "…" if width > 0 else ""
    return "".join(
        "\ufffd" if unicodedata.category(c) in _HIDDEN and c not in _JOINERS else c for c in shown
    )
