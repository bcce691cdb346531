"""Samples of texts by a seed, so that a part of a pack stands for the whole of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np

Item = TypeVar("Item")


class Sample(NamedTuple):
    """How a part of a pack was drawn."""

    seed: int
    whole: int
    """Texts that it was drawn from."""


def draw(items: Iterable[Item], count: int, seed: int) -> tuple[list[Item], int]:
    """Return `count` of the items in their own order, and how many there are.

    Every item draws a number, and those with the smallest are kept (bottom-k sampling), so that no
    more than the sample is held, and a larger one of the same seed holds the smaller.
    """
    numbers = np.random.default_rng(seed)
    kept: list[tuple[float, int, Item]] = []
    whole = 0
    for at, item in enumerate(items):
        whole = at + 1
        entry = (-float(numbers.random()), at, item)
        if len(kept) < count:
            heapq.heappush(kept, entry)
        elif kept and entry[0] > kept[0][0]:
            heapq.heapreplace(kept, entry)
    return [item for _, _, item in sorted(kept, key=_place)], whole


def _place(entry: tuple[float, int, object]) -> int:
    return entry[1]
