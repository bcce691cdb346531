"""The passes of one setting that a noise test compares, over the texts that all of them hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from embedtui.measure.noise_test import Passes
from embedtui.plan.plan import FIRST, Draw, Why


class HasVectors(Protocol):
    """A pass, as far as it is compared."""

    done: npt.NDArray[np.bool_]
    vectors: npt.NDArray[np.float32]


Runs = Mapping[tuple[int, Draw], HasVectors]


def batches_against_alone(passes: Runs, *, company_repeats: bool) -> Passes | None:
    """Return the passes by what their texts were with; None where nothing was run again.

    Texts count that were repeated alone and in the largest batches; an order or a batch size counts
    once it holds all of these, which it soon does while a run goes on.
    """
    largest = max((size for size, _ in passes), default=1)
    alone = [passes[key] for key in _runs_of(passes, 1, "repeat")]
    batched = [passes[key] for key in _runs_of(passes, largest, "repeat")]
    if largest == 1 or len(alone) < 2 or not batched:
        return None
    there = _in_all([*alone, *batched])
    if not there.any():
        return None
    orders = [
        one for (size, draw), one in passes.items() if (size, draw.why) == (largest, "shuffle")
    ]
    sizes = [one for (size, draw), one in passes.items() if 1 < size < largest and draw == FIRST]
    return Passes(
        _rows(alone, there),
        _rows(batched, there),
        _rows(_complete(orders, there), there),
        _rows(_complete(sizes, there), there),
        company_repeats,
    )


def restarts_against_repeats(passes: Runs, size: int) -> Passes | None:
    """Return the passes of one engine and those of others; None where either is missing."""
    here = [passes[key] for key in _runs_of(passes, size, "repeat")]
    others = [passes[key] for key in _runs_of(passes, size, "restart")[1:]]
    if len(here) < 2 or not others:
        return None
    there = _in_all([*here, *others])
    return Passes(_rows(here, there), _rows(others, there), company_repeats=False)


def run_against_run(one: Runs, other: Runs) -> Passes | None:
    """Return the unbatched passes of two runs, one with repeats first; None where neither has any.

    Both runs are of the same texts.
    """
    groups = [[runs[key] for key in _runs_of(runs, 1, "repeat")] for runs in (one, other)]
    groups.sort(key=len, reverse=True)
    here, others = groups
    if len(here) < 2 or not others:
        return None
    there = _in_all([*here, *others])
    if len({each.vectors.shape for each in (*here, *others)}) != 1:
        return None
    return Passes(_rows(here, there), _rows(others, there), company_repeats=len(others) > 1)


def _runs_of(passes: Runs, size: int, why: Why) -> list[tuple[int, Draw]]:
    """Return the first pass of a batch size and those that were run again for this reason."""
    again = sorted(key for key in passes if key[0] == size and key[1].why == why)
    return [(size, FIRST), *again] if (size, FIRST) in passes else []


def _in_all(passes: Iterable[HasVectors]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce([one.done for one in passes]), dtype=np.bool_)


def _complete(passes: Iterable[HasVectors], there: npt.NDArray[np.bool_]) -> list[HasVectors]:
    return [one for one in passes if bool(one.done[there].all())]


def _rows(
    passes: Iterable[HasVectors], there: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], ...]:
    return tuple(one.vectors[there] for one in passes)
