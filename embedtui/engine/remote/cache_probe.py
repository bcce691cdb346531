"""Whether a server, or what stands before it, keeps answers: shown by texts nobody sent before.

A run sends each text alone first. A cache keeps that answer and gives it for every batch, which
then looks as if batches moved nothing. So texts that cannot have been kept go in a batch first,
then in another order, then as they went before: where that takes a fraction of the time and gives
the same bits, time after time, nothing was computed.
"""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

MOST_TEXTS = 8
_ROUNDS = 6
"""After a batch that warms the server up for its size, and does not count."""
_FASTER = 2
"""How many times faster every kept batch has to be than every fresh one."""
_LEAST_GAIN = 5e-3
"""Seconds; less is within what the way to a server varies by."""

Vectors = npt.NDArray[np.float32]
What = Literal["texts", "requests"]


@dataclass(frozen=True)
class Timed:
    """The answer to one batch."""

    vectors: Vectors
    seconds: float
    kept_by: frozenset[str]
    """Headers that say it was kept."""


@dataclass(frozen=True)
class Kept:
    """What a server keeps, with the times that show it."""

    what: What
    texts: int
    """In each batch."""
    fresh_seconds: float
    """Median over batches of texts that were never sent before."""
    again_seconds: float
    """Likewise, of those that were sent again."""


@dataclass(frozen=True)
class Probed:
    """What fresh texts showed."""

    told: bool = False
    """Whether they could show anything."""
    kept: Kept | None = None
    empty_headers: frozenset[str] = frozenset()
    """Headers that speak of a cache with answers that none can have had."""


Send = Callable[[Sequence[str]], Timed | None]
"""Sends a batch of texts; None where the server does not take it."""


def probe(texts: Sequence[str], send: Send) -> Probed:
    """Send texts that nobody has kept, and again; nothing is known of one alone, or one refused.

    It ends with the first round that does not look like a cache. By chance alone every fresh batch
    is slower than every kept one in 1 of C(12, 6) = 924 probes, and seldom by a factor.
    """
    some = texts[:MOST_TEXTS]
    if len(some) < 2 or send(_never_sent(some)) is None:
        return Probed()
    fresh: list[Timed] = []
    again: dict[What, list[Timed]] = {"texts": [], "requests": []}
    for _ in range(_ROUNDS):
        asked = _never_sent(some)
        first, turned, same = (send(order) for order in (asked, asked[::-1], asked))
        if first is None or turned is None or same is None:
            return Probed()
        fresh.append(first)
        again["texts"].append(replace(turned, vectors=turned.vectors[::-1]))
        again["requests"].append(same)
        if not any(_looks_kept(fresh, those) for those in again.values()):
            break
    headers = frozenset[str]().union(*(one.kept_by for one in fresh))
    if not any(_looks_kept(fresh, those) for those in again.values()):
        return Probed(True, None, headers)
    # That something is kept wants every round; what it is, most of them, lest one hiccup decide.
    faster = _median(again["texts"]) * _FASTER < _median(fresh)
    what: What = "texts" if faster else "requests"
    kept = Kept(what, len(some), _median(fresh), _median(again[what]))
    return Probed(True, kept, headers)


def _looks_kept(fresh: Sequence[Timed], again: Sequence[Timed]) -> bool:
    fastest, slowest = min(one.seconds for one in fresh), max(one.seconds for one in again)
    return (
        slowest * _FASTER < fastest
        and fastest - slowest > _LEAST_GAIN
        and np.array_equal(fresh[-1].vectors, again[-1].vectors)
    )


def _median(answers: Sequence[Timed]) -> float:
    return statistics.median(one.seconds for one in answers)


def _never_sent(texts: Sequence[str]) -> list[str]:
    """Return the texts behind a mark that nobody else has; in front, so that no limit cuts it."""
    mark = secrets.token_hex(6)
    return [f"{mark} {text}" for text in texts]
