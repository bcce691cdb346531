"""Scenarios: what embeddings are used for, and whether a setting's batch drift is fit for it."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

from embedtui.engine.settings import nearest
from embedtui.errors import InputError
from embedtui.printable import printable

Metric = Literal["l2", "cosine", "max_abs"]

METRIC_NAMES: dict[Metric, str] = {"l2": "L2", "cosine": "1 - cos", "max_abs": "max |Δ|"}
"""How the screens name the distances."""


@dataclass(frozen=True)
class Scenario:
    """A use of embeddings and the drift that it can bear."""

    key: str
    name: str
    short: str
    """The name where there is little room."""
    metric: Metric
    tolerance: float
    """The largest drift of any text; 0 asks for equal bits."""
    reason: str
    source: str

    @property
    def bitwise(self) -> bool:
        """Whether only equal bits will do."""
        return self.tolerance == 0

    @property
    def limit(self) -> str:
        """The tolerance as it is shown."""
        if self.bitwise:
            return "equal bits"
        return f"{METRIC_NAMES[self.metric]} ≤ {self.tolerance:.0e}"

    def tolerance_in(self, metric: Metric) -> float | None:
        """Return the tolerance in another metric, None where there is none that is equal to it.

        For unit vectors 1 - cos is half the square of L2; the largest difference in one dimension
        follows from neither.
        """
        if self.bitwise:
            return None
        if metric == self.metric:
            return self.tolerance
        match self.metric, metric:
            case "cosine", "l2":
                return math.sqrt(2 * self.tolerance)
            case "l2", "cosine":
                return self.tolerance**2 / 2
            case _:
                return None


@lru_cache(maxsize=1)
def scenarios() -> dict[str, Scenario]:
    """Return the scenarios that come with embedtui, by key."""
    text = resources.files(__package__).joinpath("scenarios.toml").read_text("utf-8")
    return {key: Scenario(key=key, **values) for key, values in tomllib.loads(text).items()}


def scenario(key: str) -> Scenario:
    """Return the scenario of this name.

    Raises:
        InputError: if there is none.
    """
    known = scenarios()
    if key not in known:
        raise InputError(
            f"unknown scenario '{printable(key, 40)}'{nearest(key, known)}: "
            f"give one of {', '.join(known)}"
        )
    return known[key]
