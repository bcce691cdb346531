"""How often the noise test claims drift where there is none, and finds it where there is.

Vectors of 64 texts, seeded. Noise is a random direction times a length that is drawn for every
vector anew. Beside it stands the rule of a ratio: drift is what is above twice the largest
difference between repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat

import numpy as np
import numpy.typing as npt

from embedtui.measure.noise_test import Passes, noise_test

TEXTS, WIDTH = 64, 48
ORDERS = (2, 6, 29)
Lengths = Callable[[np.random.Generator, tuple[int, ...]], npt.NDArray[np.float64]]


def _lognormal(sigma: float) -> Lengths:
    return lambda rng, shape: rng.lognormal(0.0, sigma, shape)


NOISES: dict[str, Lengths] = {
    "Gaussian": lambda _rng, shape: np.ones(shape),
    "lognormal 0.5": _lognormal(0.5),
    "lognormal 1.0": _lognormal(1.0),
    "lognormal 1.5": _lognormal(1.5),
    "Pareto 2": lambda rng, shape: 1 + rng.pareto(2.0, shape),
    "rare": lambda rng, shape: (rng.random(shape) < 0.001).astype(np.float64),
}


def draw(
    rng: np.random.Generator, lengths: Lengths, orders: int, drift: float = 0.0, struck: int = TEXTS
) -> Passes:
    """Return passes of vectors of length 1 with noise of about 1e-4, float32.

    The first `struck` texts are moved by `drift` times the floor in every batch: the floor is the
    largest difference between repeats of texts alone.
    """
    base = rng.standard_normal((TEXTS, WIDTH))
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    noise = rng.standard_normal((4 + orders, TEXTS, WIDTH), dtype=np.float32)
    noise *= (1e-4 / np.sqrt(WIDTH) * lengths(rng, noise.shape[:2]))[:, :, None]
    vectors = base + noise
    floor = np.linalg.norm(vectors[0] - vectors[1], axis=1).max()
    way = rng.standard_normal((struck, WIDTH))
    vectors[2:, :struck] += drift * floor * way / np.linalg.norm(way, axis=1, keepdims=True)
    narrow = vectors.astype(np.float32)
    return Passes(tuple(narrow[:2]), tuple(narrow[2:4]), tuple(narrow[4:]))


def by_ratio(passes: Passes) -> bool:
    """Say whether the largest drift is above twice the largest difference between repeats."""
    alone, batched = passes.alone, passes.batched
    floor = max(_far(alone[0], alone[1]), _far(batched[0], batched[1]))
    most = max(_far(alone[0], one) for one in (batched[0], *passes.orders))
    return most > 2 * floor


def _far(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    return float(np.linalg.norm(one.astype(np.float64) - other, axis=1).max())


def shares(
    trials: int, noise: str, orders: int, *, drift: float = 0.0, seed: int = 0
) -> tuple[float, float]:
    """Return in what share of the trials the test and the ratio claim drift."""
    rng = np.random.default_rng([seed, orders, list(NOISES).index(noise)])
    tested = ratio = 0
    for _ in repeat(None, trials):
        passes = draw(rng, NOISES[noise], orders, drift)
        tested += noise_test(passes).outcome == "drift"
        ratio += by_ratio(passes)
    return tested / trials, ratio / trials


def noise(trials: int = 500) -> None:
    """Print false alarms and power, of the test and of the ratio."""
    print(f"{trials} trials each, {TEXTS} texts, {WIDTH} dimensions")
    print(f"{'without drift, claimed in':34}" + "".join(f"{n:>4} orders     " for n in ORDERS))
    for name in NOISES:
        _row(name, [shares(trials, name, orders) for orders in ORDERS])
    for drift in (0.3, 0.5, 1.0):
        print(f"drift of {drift} floors in every text, found in")
        for name in list(NOISES)[:-1]:
            found = [shares(trials // 4, name, orders, drift=drift) for orders in ORDERS]
            _row(name, found)


def _row(name: str, found: list[tuple[float, float]]) -> None:
    cells = "".join(f"{test:>6.1%} ({ratio:>4.0%})  " for test, ratio in found)
    print(f"  {name:31} {cells}", flush=True)


if __name__ == "__main__":
    noise()
