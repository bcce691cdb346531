"""Which glyph and colour a setting has: its own, in every view, run and recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from embedtui.charts.glyphs import MARKS, PLACES, style_of
from embedtui.engine.settings import Setting, changed
from embedtui.tui.viewmodel.view_state import Key

_DTYPES = ("float32", "bfloat16", "float16")
_OFTEN: tuple[dict[str, Any], ...] = (
    {},
    {"pooling_accumulation": "model"},
    {"batch_invariant": True},
    {"execution": "compiled"},
    {"kernel_precision": "ieee"},
    {"kernel_precision": "tf32x3"},
    {"matmul_precision": "high"},
    {"cpu_isa": "avx512"},
)
"""What is often changed beside the dtype; with each dtype it has a place that is nobody else's."""


class SettingStyles:
    """Gives each setting a place; who has one keeps it."""

    def __init__(self) -> None:
        self._places: dict[Key, int] = {}

    def assign(self, keys: Iterable[Key]) -> Mapping[Key, str]:
        """Return the style of every key.

        Most follow from the switches alone. Where two would have the same glyph, as one setting of
        two models, the later takes the next that is free.
        """
        new = [key for key in keys if key not in self._places]
        for key in sorted(new, key=lambda key: (not is_often(key[2]), place_of(key[2]))):
            self._places[key] = _free(place_of(key[2]), set(self._places.values()))
        return {key: style_of(place) for key, place in self._places.items()}


def is_often(setting: Setting) -> bool:
    """Say whether a place belongs to this setting and to no other."""
    return setting.dtype in _DTYPES and _beside_dtype(setting) in _OFTEN


def place_of(setting: Setting) -> int:
    """Return the place that a setting would have where none is taken."""
    if is_often(setting):
        return _OFTEN.index(_beside_dtype(setting)) * len(_DTYPES) + _DTYPES.index(setting.dtype)
    return crc32(f"{setting.label} {setting.model if setting.is_server else ''}".encode()) % len(
        MARKS
    )


def _beside_dtype(setting: Setting) -> dict[str, Any]:
    return {switch.key: value for switch, value in changed(setting) if switch.key != "dtype"}


def _free(wanted: int, taken: set[int]) -> int:
    """Return the first place from `wanted` on that is free, of another glyph where there is one."""
    many = len(MARKS)
    for first in range(0, PLACES, many):
        for step in range(many):
            place = first + (wanted + step) % many
            if place not in taken:
                return place
    return wanted
