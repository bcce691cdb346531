"""How far rounding may take a vector from the exact one, by what it was computed in.

The largest L2 that recordings and public models showed is 7e-6 in float32, 7e-3 in float16, 5e-2 in
bfloat16 and 1e-2 in TF32, which multiplies with ten bits. What lies well beyond is another
computation.
"""

from __future__ import annotations

_MOST = {"float32": 1e-3, "float16": 3e-2, "bfloat16": 0.1}
_MOST_TF32 = 2e-2
_MOST_OF_ALL = 0.1
_SAME = {"float32": 2e-5, "float16": 1e-2, "bfloat16": 6e-2}


def most_rounding(dtype: str | None, *, tf32: bool = False) -> float:
    """Return the largest L2 from float64 that rounding explains; an unknown dtype may be any."""
    if dtype == "float32" and tf32:
        return _MOST_TF32
    return _MOST.get(dtype or "", _MOST_OF_ALL)


def same_computation(dtype: str | None) -> float:
    """Return the L2 within which a vector is the rounded form of an exact one.

    For an unknown dtype that of float32: what is nearer than that is no accident.
    """
    return _SAME.get(dtype or "", _SAME["float32"])
