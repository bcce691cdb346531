"""Glyphs, each with one meaning: of settings, of measures, of limit, noise floor and error."""

from __future__ import annotations

MARKS = "●■▲○□△◎▣▼◉▤▽◐▥★◑▦☆◒▧✚◓▨◍"
ASCII_MARKS = "ABCDEFGHIJKLMNOPQRSTUVWX"
"""A setting's, by its place: known without its colour."""
COLOURS = 8
"""Inks of settings; a place beyond the last glyph has the same glyph in the next colour."""
PLACES = len(MARKS) * COLOURS

LIMIT, LIMIT_ACROSS, NOISE, ERROR = ("╏", ":"), ("╍", "-"), ("┊", "'"), ("◇", "*")
"""In Unicode and in ASCII; no setting has them."""
_MEASURES = {"error": ERROR, "adds": ("⊕", "&"), "drift": ("◆", "@")}
"""What is drawn of one setting in a chart of its own."""
BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " ..oo8##"


def mark_of(style: str, *, unicode: bool = True) -> str:
    """Return the glyph of a setting's style, `series-N`, or of a measure's, `measure-NAME`."""
    kind, _, name = style.rpartition("-")
    if kind == "measure":
        return _MEASURES[name][not unicode]
    return (MARKS if unicode else ASCII_MARKS)[_place(name) % len(MARKS)]


def ink_of(style: str) -> str:
    """Return the ink of a style: that of a setting is one of as many as a theme has."""
    kind, _, name = style.rpartition("-")
    if kind != "series":
        return style
    round_, place = divmod(_place(name), len(MARKS))
    return f"series-{(place + round_) % COLOURS + 1}"


def style_of(place: int) -> str:
    """Return the style of a place, which is at least 0."""
    return f"series-{place + 1}"


def _place(name: str) -> int:
    return max(int(name) - 1, 0) if name.isdecimal() else 0
