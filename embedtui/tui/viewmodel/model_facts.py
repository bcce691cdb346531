"""A model in a few words, for a line that has no room for more."""

from __future__ import annotations

from embedtui.common.printable import printable
from embedtui.models import ModelInfo
from embedtui.models.facts import facts_of

_MARKS = {"yes": "✔", "no": "✗", "unknown": "?"}


def mark_of(embeds: str) -> str:
    """Return the glyph that says whether vLLM embeds with a model; a space for what is none."""
    return _MARKS.get(embeds, " ")


def in_brief(info: ModelInfo) -> str:
    """Return layers, width, pooling and size, or why vLLM does not embed with it."""
    parts = [one.brief for one in facts_of(info) if one.brief]
    return printable(" · ".join(parts)) if parts else printable(info.reason, 60)
