"""What all figures of a setting have in common, where they should have nothing: lost digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

Figures = npt.NDArray[np.float32]

DECIMALS = (3, 4, 5, 6)
"""Decimals that text formats print; float32 has about eight of a figure below one."""


class Digits:
    """Looks at vectors that come in one batch after the other, at each of them once.

    Screens ask several times a second while a run goes on. What one figure lacks, all lack, so a
    regularity is not looked for again once a batch is without it.
    """

    def __init__(self, texts: int) -> None:
        self._seen = np.zeros(texts, dtype=np.bool_)
        self._common = frozenset(_REGULARITIES)

    def grown(self, there: npt.NDArray[np.bool_], vectors: Figures) -> frozenset[str]:
        """Look at the rows that are `there` and were not before; return what is true of all.

        Of "bfloat16" and "float16" (which hold every figure exactly), "-1, 0 or 1", and
        "3 decimals" to "6 decimals"; nothing where some figure is not finite.
        """
        fresh = np.flatnonzero(there & ~self._seen)
        if len(fresh):
            self._seen[fresh] = True
            figures = vectors[fresh]
            if not np.isfinite(figures).all():
                self._common = frozenset()
            held = (name for name in self._common if _REGULARITIES[name](figures))
            self._common = frozenset(held)
        return self._common


def _in_bfloat16(figures: Figures) -> bool:
    return not (figures.view(np.uint32) & 0xFFFF).any()


def _in_float16(figures: Figures) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(figures, figures.astype(np.float16).astype(np.float32))


def _ends_after(figures: Figures, *, places: int) -> bool:
    printed = np.round(figures.astype(np.float64), places).astype(np.float32)
    return np.array_equal(printed, figures)


_REGULARITIES: dict[str, Callable[[Figures], bool]] = {
    "bfloat16": _in_bfloat16,
    "float16": _in_float16,
    "-1, 0 or 1": lambda figures: bool(np.isin(figures, (-1.0, 0.0, 1.0)).all()),
    **{f"{places} decimals": partial(_ends_after, places=places) for places in DECIMALS},
}
