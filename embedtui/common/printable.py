"""Foreign text made safe to print: what comes from files is data, never terminal commands."""

from __future__ import annotations

import unicodedata

# Cc: escape sequences begin here. Cf: direction overrides reorder what follows them.
# Cs, Co, Cn: surrogates, private use and noncharacters have no agreed width.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Joiners spell words of scripts without capitals (Persian, Indic) and put emoji together. Anywhere
# else they are invisible, and terminals disagree on how wide their neighbours are then.
_JOINED = {
    "\u200c": ({"Lo", "Mn", "Mc"}, {"Lo"}),
    "\u200d": ({"Lo", "Mn", "Mc", "So", "Sk"}, {"Lo", "So"}),
}


def printable(text: str, width: int | None = None) -> str:
    """Return `text` on one line with nothing in it that a terminal would obey.

    Runs of white space become one space; every other control, format, private or unassigned
    character becomes U+FFFD, so that a reader sees that something is there. With `width`, at most
    that many characters are returned, the last of them an ellipsis where text was cut off.
    """
    shown = " ".join(text.split())
    if width is not None and len(shown) > width:
        shown = shown[: width - 1] + "…" if width > 0 else ""
    return visible(shown)


def visible(text: str, keep: str = "") -> str:
    """Return a text of the same length in which every hidden character is U+FFFD, but for `keep`.

    Joiners stay where they join something.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        "\ufffd"
        if unicodedata.category(c) in _HIDDEN and c not in keep and not _joins(text, at)
        else c
        for at, c in enumerate(text)
    )


def _joins(text: str, at: int) -> bool:
    """Say whether the character at a place is a joiner between two that it can join."""
    if text[at] not in _JOINED or not 0 < at < len(text) - 1:
        return False
    before, after = _JOINED[text[at]]
    return (
        unicodedata.category(text[at - 1]) in before and unicodedata.category(text[at + 1]) in after
    )
