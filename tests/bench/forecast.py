"""How often the forecast's intervals hold the true share, in a corpus of real texts.

`make bench ARGS=forecast-coverage` prints a table of `CHANGES`, settings of `tests.bench.corpus`
held against float32; it makes their vectors first where they are missing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.measure import nearest, unit
from embedtui.measure.forecast import Forecast, forecast
from embedtui.measure.margins import margins
from embedtui.measure.ranking import agreement
from tests.bench.corpus import made

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)
SAMPLES, SAMPLE, TOP = 300, 256, 10
_FROM = "dtype=float32"
CHANGES = ("dtype=float16", "dtype=bfloat16", "dtype=bfloat16,pooling_accumulation=model")
_QUERIES = 20_000
"""Queries at least that the true shares of one size come from; at 0.1 % that leaves ± 0.04 %."""
Vectors = npt.NDArray[np.float64]
Shares = tuple[float, float]


def real_shares(before: Vectors, after: Vectors, documents: int) -> Shares:
    """Return which shares of queries change an order and the first document, in corpora drawn."""
    order = np.random.default_rng(1).permutation(len(before))
    changed: list[npt.NDArray[np.bool_]] = []
    for start in range(0, len(order) - documents + 1, documents):
        rows = order[start : start + documents]
        one, two = (nearest(side[rows], None, TOP + 1) for side in (before, after))
        agreed = agreement(one, two, TOP)
        changed.append(np.stack([agreed.order_changed[:, 0], agreed.top1_changed[:, 0]]))
        if sum(one.shape[1] for one in changed) >= _QUERIES:
            break
    found = np.concatenate(changed, axis=1).mean(axis=1)
    return float(found[0]), float(found[1])


def forecasts(
    before: Vectors, after: Vectors, sizes: tuple[int, ...], samples: int, seed: int = 5
) -> dict[int, list[Forecast | None]]:
    """Return what samples of the texts forecast for every size."""
    draw = np.random.default_rng(seed)
    found: dict[int, list[Forecast | None]] = {size: [] for size in sizes}
    for _ in range(samples):
        rows = draw.choice(len(before), SAMPLE, replace=False)
        one, two = before[rows], after[rows]
        pairs = margins((one, one), (two, two), nearest(one, None, TOP + 1), TOP)
        for size in sizes:
            found[size].append(forecast(pairs, SAMPLE, size))
    return found


def coverage(found: list[Forecast | None], real: Shares) -> list[tuple[float, float, float]]:
    """Return for orders and first documents: mean estimate, mean half width, share that holds."""
    said = [one for one in found if one is not None]
    rows = []
    for name, true in zip(("order", "top1"), real, strict=True):
        value, low, high = np.array([getattr(one, name) for one in said]).T
        held = (low <= true) & (true <= high)
        rows.append((float(value.mean()), float((high - low).mean() / 2), float(held.mean())))
    return rows


def forecast_coverage() -> None:
    """Print the table."""
    folder = made(_FROM, *CHANGES)
    before = unit(np.load(folder / f"{_FROM}.npy"))
    print("| change | documents | order: true, forecast, holds | top 1: true, forecast, holds |")
    print("| --- | --- | --- | --- |")
    for change in CHANGES:
        after = unit(np.load(folder / f"{change}.npy"))
        size_of = f"{np.median(np.linalg.norm(after - before, axis=1)):.1e}"
        told = forecasts(before, after, SIZES, SAMPLES)
        for size in SIZES:
            real = real_shares(before, after, size)
            cells = [
                f"{100 * true:.2f} %, {100 * value:.2f} ± {100 * half:.2f} %, {100 * held:.0f} %"
                for true, (value, half, held) in zip(real, coverage(told[size], real), strict=True)
            ]
            print(f"| {change}, L2 {size_of} | {size:,} | {cells[0]} | {cells[1]} |", flush=True)


if __name__ == "__main__":
    forecast_coverage()
