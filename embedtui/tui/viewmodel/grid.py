"""The grid of settings: its rows, its columns, and which rows a window of it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedtui.tui.viewmodel.view_state import SettingRow, View


LEAST_NAME, MOST_NAME = 14, 32
_SIZE = 10
_FIXED = (
    ("consistent", 6),
    ("exact", 6),
    ("error", 9),
    ("texts/s", 8),
    ("top-10", 7),
    ("noise", 10),
)
"""Columns beside the batch sizes with their widths, the most wanted first."""
_ORDER = ("noise", "error", "consistent", "exact", "top-10", "texts/s")
_LONG = "consistent", 11


@dataclass(frozen=True)
class GridRow:
    """One line of the grid; without figures it says why, or names those below."""

    label: str
    line: SettingRow | None = None
    note: str = ""
    is_title: bool = False


@dataclass(frozen=True)
class Columns:
    """What there is room for."""

    name: int
    sizes: tuple[int, ...]
    others: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """The width of a batch size's column."""
        return _SIZE


def rows_of(view: View) -> list[GridRow]:
    """Return the settings of the latest run, those without figures, then those of earlier runs."""
    rows = [GridRow(line.label, line) for line in view.lines]
    waiting = view.waiting if view.lines or view.waiting else view.view_state.next_run.labels
    rows += [GridRow(label, note="·") for label in waiting]
    rows += [GridRow(label, note=reason) for label, reason in view.skipped]
    group = ""
    for line in view.earlier:
        if line.group != group:
            group = line.group
            rows.append(GridRow(group, is_title=True))
        rows.append(GridRow(line.label, line))
    return rows


def sizes_of(view: View) -> tuple[int, ...]:
    """Return the batch sizes that the grid's cells are of: 1 is the unbatched one's error."""
    by_error = view.view_state.heat == "error"
    sizes = view.batch_sizes or view.view_state.next_run.batch_sizes
    return tuple(sorted(size for size in set(sizes) if size > 1 or by_error))


def columns_of(labels: Sequence[str], sizes: Sequence[int], width: int) -> Columns:
    """Return the columns for a width: always the smallest and the largest batch size."""
    longest = min(max((len(label) for label in labels), default=0), MOST_NAME)
    name = max(min(longest, LEAST_NAME), 7)
    room = width - 3 - 2 - name
    shown = [*sizes[-1:], *sizes[:1]] if len(sizes) > 1 else list(sizes)
    room -= _SIZE * len(shown)
    others = {}
    for title, wide in _FIXED[:4]:
        if room >= wide:
            others[title] = wide
            room -= wide
    more = min(max(longest - name, 0), max(room, 0))
    name, room = name + more, room - more
    for title, wide in _FIXED[4:]:
        if room >= wide:
            others[title] = wide
            room -= wide
    for size in reversed(sizes[1:-1]):
        if room < _SIZE:
            break
        shown.append(size)
        room -= _SIZE
    if "consistent" in others and room >= _LONG[1] - others["consistent"]:
        others["consistent"] = _LONG[1]
    ordered = tuple((title, others[title]) for title in _ORDER if title in others)
    return Columns(name, tuple(sorted(shown)), ordered)


def window_of(count: int, height: int, kept: Sequence[int | None], top: int) -> list[int]:
    """Return the rows that a window of so many lines shows, in their order.

    It stands as near to `top` as it can while the first of the `kept` rows, the selected one, is in
    it; the others of them keep a line at the edge beyond which they lie.
    """
    pinned = [place for place in dict.fromkeys(kept) if place is not None and place < count]
    if count <= height:
        return list(range(count))
    if not pinned:
        start = min(max(top, 0), count - height)
        return list(range(start, start + height))
    selected = pinned[0]
    for held in range(len(pinned)):
        free = max(height - held, 1)
        start = min(max(top, selected - free + 1), selected)
        start = min(max(start, 0), count - free)
        inside = range(start, start + free)
        outside = [place for place in pinned[1:] if place not in inside]
        if len(outside) <= held:
            return sorted([*inside, *outside])[:height]
    return [selected]


def cue_of(count: int, shown: Sequence[int], selected: int | None) -> str:
    """Say how many rows have no place above and below those that are shown."""
    inside = set(shown)
    around = selected if selected is not None else (shown[0] if shown else 0)
    above = sum(place not in inside for place in range(around))
    below = sum(place not in inside for place in range(around, count))
    parts = [f"{above} more ↑"] if above else []
    parts += [f"{below} more ↓"] if below else []
    return "  ".join(parts)
