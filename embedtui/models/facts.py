"""What is worth knowing of a model at a glance: one list, for a line of the screen and commands."""

from __future__ import annotations

from typing import NamedTuple

from embedtui.models.info import ModelInfo


class Fact(NamedTuple):
    """One fact, in full and for a line that has little room."""

    full: str
    brief: str
    """Empty where it is left out there."""


def facts_of(info: ModelInfo) -> list[Fact]:
    """Return what a model's files say of it, the most telling first; nothing of what they do not.

    The unit of parameters is a million, that of bytes a megabyte (10⁶).
    """
    found: list[Fact | None] = [
        Fact(f"{info.layers} layers × {info.width}", f"{info.layers} × {info.width}")
        if info.layers and info.width
        else None,
        _same(f"{info.pooling} pooling") if info.pooling else None,
        Fact(f"{info.parameters / 1e6:.1f} M parameters", f"{info.parameters / 1e6:.3g} M")
        if info.parameters
        else None,
        Fact(f"{info.bytes_on_disk / 1e6:.1f} MB", "") if info.bytes_on_disk else None,
        Fact(f"{info.max_length} tokens", "") if info.max_length else None,
        _same("random weights") if info.random else None,
    ]
    return [fact for fact in found if fact is not None]


def _same(text: str) -> Fact:
    return Fact(text, text)
