"""How far the largest of another sample may be: held by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from embedtui.measure.largest import MOST, largest_factor

Draw = Callable[[np.random.Generator, int], np.ndarray[tuple[int], np.dtype[np.float64]]]

TAILS: dict[str, Draw] = {
    "gaussian": lambda rng, n: np.abs(rng.normal(size=n)),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "lognormal 0.3": lambda rng, n: rng.lognormal(0, 0.3, n),
    "lognormal 1": lambda rng, n: rng.lognormal(0, 1, n),
}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("texts", [8, 32, 256, 1000])
def test_the_largest_of_another_sample_is_within_the_factor(tail: str, texts: int) -> None:
    rng = np.random.default_rng(texts)
    draws = 400
    within = 0
    for _ in range(draws):
        one, other = TAILS[tail](rng, texts), TAILS[tail](rng, texts)
        factor = largest_factor(one)
        within += bool(one.max() / factor <= other.max() <= one.max() * factor)
    assert within >= 0.88 * draws


def test_a_large_sample_of_a_thin_tail_has_a_small_factor() -> None:
    values = np.random.default_rng(0).uniform(0.9, 1, 1000)
    assert largest_factor(values) < 1.01


@pytest.mark.parametrize("values", [[], [0.0] * 40, [1e-6] * 7])
def test_too_few_distances_have_no_tail(values: list[float]) -> None:
    assert largest_factor(np.array(values)) == MOST
