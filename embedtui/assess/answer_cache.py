"""Answers that a server, or what stands before it, kept instead of computing them again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.plan.plan import PassKey
from embedtui.results.results import SettingResults

_FASTER = 4
"""How many times faster a text sent again has to come for a cache to be why."""
_LEAST_REQUESTS = 8
_LEAST_SECONDS = 2e-3
"""Below this a request is mostly the way to the server."""


@dataclass(frozen=True)
class Cached:
    """Median seconds of a request for one text."""

    first: float
    again: float


def from_cache(setting: SettingResults) -> Cached | None:
    """Return the times that give a cache away: the same bits, several times faster, when repeated.

    Medians, so that the first requests, which warm a server up, do not count.
    """
    if not setting.setting.is_server:
        return None
    first, again = setting.unbatched, setting.pass_of(1, PassKey("repeat", 1))
    if min(first.batches, again.batches) < _LEAST_REQUESTS:
        return None
    rows = first.done & again.done
    was, now = (float(np.median(pass_.batch_seconds)) for pass_ in (first, again))
    same = np.array_equal(first.vectors[rows], again.vectors[rows])
    if not same or was < _LEAST_SECONDS or now * _FASTER > was:
        return None
    return Cached(was, now)
