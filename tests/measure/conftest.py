from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure.distances import Vectors

Points = Callable[..., npt.NDArray[np.float64]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Faulty vectors are the normal case here: measuring them must not warn."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"))


@pytest.fixture
def points() -> Points:
    """Return a function that makes unit vectors in random directions, the same every time."""

    def make(count: int, width: int = 96, seed: int = 1) -> npt.NDArray[np.float64]:
        drawn = np.random.default_rng(seed).standard_normal((count, width))
        return np.asarray(drawn / np.sqrt((drawn**2).sum(axis=1, keepdims=True)))

    return make


@pytest.fixture
def nudge(points: Points) -> Callable[[Vectors, float], npt.NDArray[np.float64]]:
    """Return a function that moves every row by a length in a random direction."""

    def move(vectors: Vectors, by: float) -> npt.NDArray[np.float64]:
        return vectors.astype(np.float64) + by * points(*vectors.shape, seed=2)

    return move
