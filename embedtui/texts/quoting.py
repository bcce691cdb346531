"""How messages name what was given and what there is instead, on one line."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.common.printable import printable, visible

_REF_WIDTH = 240
_NAME_WIDTH = 40
_MOST_LISTED = 20


def given(ref: str) -> str:
    """Return what was given as a message begins with it; the empty string is shown as quotes."""
    return printable(ref, _REF_WIDTH) or "''"


def quoted(name: str) -> str:
    """Return a name in quotes, with every space that it has: `Text ` is another than `Text`."""
    cut = name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"
    return f"'{visible(cut)}'"


def listed(names: Sequence[str], *, exactly: bool = False) -> str:
    """Return the names with commas between, the first of them only where there are many.

    Names that a file has are told `exactly`, in quotes.
    """
    first = names[:_MOST_LISTED]
    shown = ", ".join(quoted(name) if exactly else printable(name, _NAME_WIDTH) for name in first)
    left_out = len(names) - _MOST_LISTED
    return f"{shown} and {left_out} more" if left_out > 0 else shown
