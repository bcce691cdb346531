"""A model in a few words, for a line that has no room for more."""

from __future__ import annotations

from embedtui.common.printable import printable
from embedtui.models import ModelInfo

_MARKS = {"yes": "✔", "no": "✗", "unknown": "?"}


def mark_of(embeds: str) -> str:
    """Return the glyph that says whether vLLM embeds with a model; a space for what is none."""
    return _MARKS.get(embeds, " ")


def in_brief(info: ModelInfo) -> str:
    """Return layers, width, pooling and size, or why vLLM does not embed with it."""
    parts = []
    if info.layers and info.width:
        parts.append(f"{info.layers} × {info.width}")
    if info.pooling:
        parts.append(f"{info.pooling} pooling")
    if info.parameters:
        parts.append(f"{info.parameters / 1e6:.3g} M")
    if info.random:
        parts.append("random weights")
    return printable(" · ".join(parts)) if parts else printable(info.reason, 60)
