"""How large a distance is, as one of a few steps: a figure that stands out needs no reading."""

from __future__ import annotations

_LEVELS = (0.0, 1e-6, 1e-4, 1e-2)
"""The largest distance of each step but the last."""

HEAT = tuple(f"heat-{number}" for number in range(1, len(_LEVELS) + 2))
"""The ink of each step."""


def heat_of(value: float) -> str:
    """Return the ink of a distance; 0 is identical."""
    return HEAT[next((n for n, most in enumerate(_LEVELS) if value <= most), len(_LEVELS))]
