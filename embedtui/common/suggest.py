"""What a mistyped word may have been meant as: the one way in which messages ask back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from embedtui.common.errors import InputError
from embedtui.common.printable import printable

_WIDTH = 40


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)` with the known word nearest to `word`, or nothing.

    Upper and lower case are one; a name with a space in it is quoted, so that it is seen as one.
    """
    # Cut, because difflib takes time that grows with the square of the length.
    by_key = {other[:_WIDTH].casefold(): other for other in known}
    close = difflib.get_close_matches(word[:_WIDTH].casefold(), by_key, n=1)
    if not close:
        return ""
    shown = printable(by_key[close[0]], _WIDTH)
    return f" (did you mean {repr(shown) if ' ' in shown else shown}?)"


def unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that there is not: the nearest, and all that there are."""
    names = list(known)
    given = ", ".join(printable(one, _WIDTH) for one in names)
    return InputError(
        f"unknown {what} '{printable(name, _WIDTH)}'{suggest(name, names)}: give one of {given}"
    )
