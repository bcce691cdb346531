"""What all figures of a setting have in common, where they should have nothing: lost digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

Figures = npt.NDArray[np.float32]

DECIMALS = (3, 4, 5, 6, 7, 8)
"""Decimals that text formats print; float32 has about eight of a figure below one."""
SIGNIFICANT = (4, 5, 6, 7)
"""Significant digits likewise; it takes nine of them to tell every float32."""
_ENOUGH = 200
"""Figures that could have had more digits, from which on it is no chance that none has."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is true of all figures of some rows."""

    rows: npt.NDArray[np.bool_]
    common: frozenset[str]
    telling: Counter[str]
    """How many figures could have shown that a regularity is none."""

    def with_more(self, fresh: npt.NDArray[np.intp], figures: Figures) -> _Seen:
        rows, telling = self.rows.copy(), self.telling.copy()
        rows[fresh] = True
        common = self.common if np.isfinite(figures).all() else frozenset[str]()
        common = frozenset(name for name in common if _REGULARITIES[name](figures))
        for name in common & _STEPS.keys():
            telling[name] += _telling(figures, _STEPS[name])
        return _Seen(rows, common, telling)


class Digits:
    """Looks at vectors that come in one batch after the other, at each of them once.

    Screens ask several times a second while a run goes on. What one figure lacks, all lack, so a
    regularity is not looked for again once a batch is without it. Any thread may ask, and nobody
    waits for another: who asks at the same time looks at the same.
    """

    def __init__(self, texts: int) -> None:
        self._nothing = _Seen(
            np.zeros(texts, dtype=np.bool_), frozenset(_REGULARITIES), Counter[str]()
        )
        self._seen = self._nothing

    def grown(self, there: npt.NDArray[np.bool_], vectors: Figures) -> frozenset[str]:
        """Look at the rows that are `there` and were not before; return what is true of all.

        Of "bfloat16" and "float16" (which hold every figure exactly), "-1, 0 or 1", "3 decimals" to
        "8 decimals" and "4 significant digits" to "7 significant digits"; nothing where some figure
        is not finite.
        """
        seen = self._seen
        if (seen.rows & ~there).any():  # more was looked at than is asked for
            seen = self._nothing
        fresh = np.flatnonzero(there & ~seen.rows)
        if len(fresh):
            seen = self._seen = seen.with_more(fresh, vectors[fresh])
        return frozenset(
            name for name in seen.common if name not in _STEPS or seen.telling[name] >= _least(name)
        )


def printed(common: frozenset[str]) -> str:
    """Say after how many digits figures end, by what they have in common; the fewest count."""
    return next((f"every figure ends after {name}" for name in _STEPS if name in common), "")


def rounded(figures: Figures, whole: Figures) -> str:
    """Say how `figures` come of `whole` by rounding; nothing where that does not explain them."""
    if figures.shape != whole.shape or not np.isfinite(whole).all():
        return ""
    if np.array_equal(figures, _as_float16(whole)):
        return "float16 on the wire"
    found = frozenset(
        name
        for name, step in _STEPS.items()
        if _telling(whole, step) >= _least(name) and _printed_from(figures, whole, step)
    )
    said = printed(found)
    return f"JSON rounding: {said}" if said else ""


def _in_bfloat16(figures: Figures) -> bool:
    return not (figures.view(np.uint32) & 0xFFFF).any()


def _in_float16(figures: Figures) -> bool:
    return np.array_equal(figures, _as_float16(figures))


def _as_float16(figures: Figures) -> Figures:
    with np.errstate(over="ignore"):
        return figures.astype(np.float16).astype(np.float32)


_Step = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""Figures to the unit of the last digit that is printed of each."""


def _decimals(exact: npt.NDArray[np.float64], *, places: int) -> npt.NDArray[np.float64]:
    return np.full(exact.shape, 10.0**-places)


def _significant(exact: npt.NDArray[np.float64], *, digits: int) -> npt.NDArray[np.float64]:
    size = np.floor(np.log10(np.where(exact == 0, 1.0, np.abs(exact))))
    return np.asarray(10.0 ** (size - digits + 1))


_STEPS: dict[str, _Step] = {
    **{f"{places} decimals": partial(_decimals, places=places) for places in DECIMALS},
    **{f"{n} significant digits": partial(_significant, digits=n) for n in SIGNIFICANT},
}


def _ends_after(figures: Figures, *, step: _Step) -> bool:
    return _printed_from(figures, figures, step)


def _printed_from(figures: Figures, whole: Figures, step: _Step) -> bool:
    exact = whole.astype(np.float64)
    unit = step(exact)
    return np.array_equal((np.round(exact / unit) * unit).astype(np.float32), figures)


def _telling(figures: Figures, step: _Step) -> int:
    """Return how many figures are finer than the last digit that would be printed of them."""
    exact = figures.astype(np.float64)
    spacing = np.spacing(np.abs(figures)).astype(np.float64)
    return int(((spacing < step(exact)) & (exact != 0)).sum())


def _least(name: str) -> int:
    """Return how many telling figures it takes: one where nearly every figure is one."""
    return 1 if name in {f"{places} decimals" for places in (3, 4, 5, 6)} else _ENOUGH


_REGULARITIES: dict[str, Callable[[Figures], bool]] = {
    "bfloat16": _in_bfloat16,
    "float16": _in_float16,
    "-1, 0 or 1": lambda figures: bool(np.isin(figures, (-1.0, 0.0, 1.0)).all()),
    **{name: partial(_ends_after, step=step) for name, step in _STEPS.items()},
}
