"""Settings down, batch sizes across: each cell a figure, a shade and a colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embedtui.charts.glyphs import mark_of
from embedtui.charts.picture import Canvas, Picture, label_of, message

_LEVELS = (0.0, 1e-6, 1e-4, 1e-2)
"""The largest distance of each shade but the last."""
_GLYPHS, _ASCII_GLYPHS = "·░▒▓█", ".:+%#"
_CELL = 10
_LEAST = (40, 3)


@dataclass(frozen=True)
class HeatRow:
    """One setting."""

    label: str
    style: str
    cells: Mapping[int, float] = field(default_factory=dict)
    """Batch size to the largest distance; 0 for equal bits, left out where nothing was measured."""
    speed: float | None = None
    memory: int | None = None
    word: str = ""
    """What stands at the end of the row."""
    word_ink: str = "label"
    focused: bool = False


def heat_map(
    rows: Sequence[HeatRow],
    *,
    width: int,
    height: int,
    notes: Sequence[str] = (),
    same: str = "same",
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw as many rows as there is room for, the focused one among them, then the notes.

    `same` is what a distance of zero is called.
    """
    if not rows:
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    canvas = Canvas(width, height)
    longest = max(len(row.label) for row in rows)
    ends = 8 + 9 + max((len(row.word) for row in rows), default=0) + 1
    sizes = sorted({size for row in rows for size in row.cells})
    who = min(longest, max(width - 3 - ends - _CELL * min(len(sizes), 3), 12))
    shown = _with_room(sizes, (width - 3 - who - ends) // _CELL)
    canvas.put(3, 0, "setting", "axis")
    for number, size in enumerate(shown):
        title = "alone" if size == 1 else f"@{size}"
        canvas.put(3 + who + number * _CELL, 0, title.rjust(_CELL), "axis")
    end = 3 + who + len(shown) * _CELL
    canvas.put(end, 0, f"{'texts/s':>8}{'MB':>8}", "axis")
    for y, row in enumerate(_window(rows, height - 1), start=1):
        canvas.put(1, y, mark_of(row.style, unicode=unicode), row.style)
        label = label_of(row.label, who, unicode=unicode)
        canvas.put(3, y, label, "focus" if row.focused else "label")
        if row.focused:
            canvas.put(0, y, "▶" if unicode else ">", "focus")
        for number, size in enumerate(shown):
            text, style = _cell(row.cells.get(size), same, unicode=unicode)
            canvas.put(3 + who + number * _CELL, y, text.rjust(_CELL), style)
        speed = f"{row.speed:.0f}" if row.speed else ""
        memory = f"{row.memory / 1e6:.0f}" if row.memory else ""
        canvas.put(end, y, f"{speed:>8}{memory:>8}", "label")
        canvas.put(end + 17, y, row.word if unicode else _plain(row.word), row.word_ink)
    for y, note in enumerate(notes, start=min(len(rows), height) + 2):
        canvas.put(1, y, label_of(note, width - 2, unicode=unicode), "faint")
    return canvas.picture()


def _with_room(sizes: Sequence[int], room: int) -> list[int]:
    """Return the batch sizes that are shown: the largest tell most, the smallest is the measure."""
    if len(sizes) <= room:
        return list(sizes)
    return [sizes[0], *sizes[len(sizes) - room + 1 :]] if room > 1 else list(sizes[-1:])


def _window(rows: Sequence[HeatRow], room: int) -> Sequence[HeatRow]:
    at = next((n for n, row in enumerate(rows) if row.focused), 0)
    start = min(max(at - room + 2, 0), max(len(rows) - room, 0))
    return rows[start : start + room]


def _cell(value: float | None, same: str, *, unicode: bool) -> tuple[str, str]:
    if value is None:
        return "", "faint"
    level = next((n for n, most in enumerate(_LEVELS) if value <= most), len(_LEVELS))
    glyph = (_GLYPHS if unicode else _ASCII_GLYPHS)[level]
    return f"{glyph} {f'{value:.1e}' if value else same}", f"heat-{level + 1}"


def _plain(word: str) -> str:
    return word.replace("✔", "ok").replace("✗", "no").replace("◂", "<").replace("…", "..")
