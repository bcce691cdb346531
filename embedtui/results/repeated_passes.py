"""The passes of one setting that a noise test compares, over the texts that all of them hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from embedtui.measure.noise_test import Passes
from embedtui.plan.plan import FIRST, PassKey, PassKind


class HasVectors(Protocol):
    """A pass, as far as it is compared."""

    done: npt.NDArray[np.bool_]
    vectors: npt.NDArray[np.float32]


Runs = Mapping[tuple[int, PassKey], HasVectors]


Keys = tuple[tuple[int, PassKey], ...]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Compared:
    """Which passes a noise test of the batches compares, and over which texts."""

    alone: Keys
    batched: Keys
    orders: Keys
    sizes: Keys
    there: Mask

    @property
    def extent(self) -> tuple[object, ...]:
        """What changes as soon as another text or pass is compared."""
        keys = (self.alone, self.batched, self.orders, self.sizes)
        return *keys, int(self.there.sum())

    def taken(self, passes: Runs, *, company_repeats: bool) -> Passes:
        """Return the vectors."""
        alone, batched, orders, sizes = (
            _rows((passes[key] for key in keys), self.there)
            for keys in (self.alone, self.batched, self.orders, self.sizes)
        )
        return Passes(alone, batched, orders, sizes, company_repeats)


def batches_against_alone(passes: Runs, different: Mask) -> Compared | None:
    """Return the passes by what their texts were with; None where nothing was run again.

    Texts count that are `different` and were repeated alone and in the largest batches; an order or
    a batch size counts once it holds all of these, which it soon does while a run goes on.
    """
    largest = max((size for size, _ in passes), default=1)
    alone, batched = (_runs_of(passes, size, "repeat") for size in (1, largest))
    if largest == 1 or len(alone) < 2 or not batched:
        return None
    there = different & _in_all([passes[key] for key in (*alone, *batched)])
    if not there.any():
        return None
    whole = sorted(key for key, one in passes.items() if bool(one.done[there].all()))
    orders = [key for key in whole if (key[0], key[1].kind) == (largest, "shuffle")]
    sizes = [key for key in whole if 1 < key[0] < largest and key[1].is_order]
    return Compared(tuple(alone), tuple(batched), tuple(orders), tuple(sizes), there)


def restarts_against_repeats(passes: Runs, size: int, different: Mask) -> Passes | None:
    """Return the passes of one engine and those of others; None where either is missing."""
    here = [passes[key] for key in _runs_of(passes, size, "repeat")]
    others = [passes[key] for key in _runs_of(passes, size, "restart")[1:]]
    if len(here) < 2 or not others:
        return None
    there = different & _in_all([*here, *others])
    return Passes(_rows(here, there), _rows(others, there), company_repeats=False)


def run_against_run(one: Runs, other: Runs, different: Mask) -> Passes | None:
    """Return the unbatched passes of two runs, one with repeats first; None where neither has any.

    Both runs are of the same texts.
    """
    groups = [[runs[key] for key in _runs_of(runs, 1, "repeat")] for runs in (one, other)]
    groups.sort(key=len, reverse=True)
    here, others = groups
    if len(here) < 2 or not others:
        return None
    there = different & _in_all([*here, *others])
    if len({each.vectors.shape for each in (*here, *others)}) != 1:
        return None
    return Passes(_rows(here, there), _rows(others, there), company_repeats=len(others) > 1)


def _runs_of(passes: Runs, size: int, why: PassKind) -> list[tuple[int, PassKey]]:
    """Return the first pass of a batch size and those that were run again for this reason."""
    again = sorted(key for key in passes if key[0] == size and key[1].kind == why)
    return [(size, FIRST), *again] if (size, FIRST) in passes else []


def _in_all(passes: Iterable[HasVectors]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce([one.done for one in passes]), dtype=np.bool_)


def _rows(
    passes: Iterable[HasVectors], there: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], ...]:
    return tuple(one.vectors[there] for one in passes)
