"""Batch sizes as a person writes them."""

from __future__ import annotations

import re

from embedtui.common.errors import InputError
from embedtui.common.printable import printable

MOST_TEXTS_PER_BATCH = 65_536
MOST_BATCH_SIZES = 64

# At most nine digits: Python refuses to read numbers of thousands of them.
_SIZES = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9})(?:\s*\*\s*(\d{1,9}))?)?", re.ASCII)


def parse_batch_sizes(text: str) -> tuple[int, ...]:
    """Turn `1,2,4-64*2` into batch sizes; a range steps by one or, after `*`, by a factor.

    Raises:
        InputError: for anything else, zero, more texts than a batch can have, or more than 64
            batch sizes.
    """
    sizes: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _SIZES.fullmatch(part)
        if found is None:
            raise _bad_sizes(part)
        low, high = int(found[1]), int(found[2] or found[1])
        factor = None if found[3] is None else int(found[3])
        if not 1 <= low <= high <= MOST_TEXTS_PER_BATCH or factor in {0, 1}:
            raise _bad_sizes(part)
        sizes.update(_geometric(low, high, factor) if factor else range(low, high + 1))
    if not sizes:
        raise _bad_sizes(text)
    if len(sizes) > MOST_BATCH_SIZES:
        raise InputError(
            f"{len(sizes)} batch sizes are more than {MOST_BATCH_SIZES}: "
            "let a range grow by a factor, such as 1-256*2"
        )
    return tuple(sorted(sizes))


def _geometric(low: int, high: int, factor: int) -> list[int]:
    sizes = []
    while low <= high:
        sizes.append(low)
        low *= factor
    return sizes


def _bad_sizes(part: str) -> InputError:
    return InputError(
        f"'{printable(part, 40)}' gives no batch sizes: write whole numbers from 1 to "
        f"{MOST_TEXTS_PER_BATCH} and ranges, such as 1,2,4-64*2"
    )
