"""What vectors lose on the way from a server: decimals, digits, or half of their bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_DECIMALS = (3, 4, 5, 6, 7, 8)
"""Decimals that text formats print; float32 has about eight of a figure below one."""
_DIGITS = (4, 5, 6, 7)
"""Significant digits likewise; it takes nine of them to tell every float32."""
_ENOUGH = 200
"""Figures that could have shown more digits than they do; fewer may be so by chance."""


def lost(vectors: Floats, *, wide: bool) -> str:
    """Say by which regularity figures have lost digits; nothing where they have none.

    What is computed in float32 and scaled to length one has no such regularity. Sixteen bits are
    looked for only where it is `wide`, computed in more than sixteen as far as anybody knows.
    """
    if not vectors.size or not np.isfinite(vectors).all():
        return ""
    if np.isin(vectors, (-1.0, 0.0, 1.0)).all():
        return ""
    said = ""
    if wide:
        # The eight bits of a bfloat16 fit a float16's eleven.
        if not (vectors.view(np.uint32) & 0xFFFF).any():
            said = "a bfloat16 holds every figure exactly"
        elif np.array_equal(vectors, vectors.astype(np.float16).astype(np.float32)):
            said = "a float16 holds every figure exactly"
    return _printed_to(vectors, vectors) or said


def rounded(figures: Floats, whole: Floats) -> str:
    """Say how `figures` come of `whole` by rounding; nothing where that does not explain them."""
    if figures.shape != whole.shape or not np.isfinite(whole).all():
        return ""
    if np.array_equal(figures, whole.astype(np.float16).astype(np.float32)):
        return "float16 on the wire"
    said = _printed_to(figures, whole)
    return f"JSON rounding: {said}" if said else ""


def _printed_to(figures: Floats, whole: Floats) -> str:
    """Say after how many digits `whole` was printed to give `figures`."""
    exact = whole.astype(np.float64)
    spacing = np.spacing(np.abs(whole)).astype(np.float64)
    for places in _DECIMALS:
        enough = _ENOUGH if places > 6 else 1
        told = (spacing < 10.0**-places) & (exact != 0)
        if told.sum() >= enough and np.array_equal(_rounded(exact, 10.0**-places), figures):
            return f"every figure ends after {places} decimals"
    size = np.floor(np.log10(np.where(exact == 0, 1.0, np.abs(exact))))
    for digits in _DIGITS:
        steps = 10.0 ** (size - digits + 1)
        told = (spacing < steps) & (exact != 0)
        if told.sum() >= _ENOUGH and np.array_equal(_rounded(exact, steps), figures):
            return f"every figure ends after {digits} significant digits"
    return ""


def _rounded(exact: npt.NDArray[np.float64], step: float | npt.NDArray[np.float64]) -> Floats:
    return (np.round(exact / step) * step).astype(np.float32)
