"""Figures in words, the same in every sentence that is shown."""

from __future__ import annotations


def text_count(count: int) -> str:
    """Return how many texts: `1 text`, `3 texts`."""
    return "1 text" if count == 1 else f"{count} texts"


def percent(part: int, whole: int) -> str:
    """Return a share in whole per cent; some are never none, and not all are never all."""
    if not whole or part in {0, whole}:
        return "100 %" if part else "0 %"
    return f"{min(99, max(1, round(100 * part / whole)))} %"


def duration(seconds: float) -> str:
    """Return seconds in words, whole ones."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
