"""Every line in ASCII, for terminals and fonts that have nothing else.

It works on what is about to be drawn, so that no widget has to think of it; charts and chips draw
themselves in ASCII beforehand, because there a character's shape is the picture.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_KNOWN = (
    dict(zip("●■▲○□△◎▣▼◉▤▽◐▥★◑▦☆◒▧✚◓▨◍", "ABCDEFGHIJKLMNOPQRSTUVWX", strict=True))
    | dict(zip("╏╍┊◇⊕◆", ":-'*&@", strict=True))
    | dict(zip("✔✗·…→←↑↓‹›≤≥×–—−Δ“”‘’◂▸▾▴", "+x.~><^v<><>x---d\"\"''<>v^", strict=True))
    | {"━": "=", "█": "#"}
)


class AsciiFilter(LineFilter):
    """Puts a character of the same width in the place of every other that is not ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII."""
        return [
            segment if segment.control else Segment(in_ascii(segment.text), segment.style)
            for segment in segments
        ]


@lru_cache(4096)
def in_ascii(text: str) -> str:
    """Return text of the same width in ASCII."""
    return text if text.isascii() else "".join(map(_one, text))


def _one(character: str) -> str:
    if character.isascii():
        return character
    if character in _KNOWN:
        return _KNOWN[character]
    if "\u2500" <= character <= "\u257f":
        name = unicodedata.name(character)
        across, up = "HORIZONTAL" in name, "VERTICAL" in name
        return "-" if across and not up else "|" if up and not across else "+"
    if "\u2580" <= character <= "\u259f":
        return "#"
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    width = cell_len(character)
    return plain if len(plain) == width else "?" * width
