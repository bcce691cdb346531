"""Forecasts hold what they say in their share of samples, or nothing is said."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure.forecast import LARGEST, LEAST, Forecast, forecast
from embedtui.measure.margins import margins
from embedtui.measure.neighbours import nearest
from tests.bench.forecast import SAMPLE, coverage, forecasts, real_shares

Floats = npt.NDArray[np.float64]


def corpus(count: int, dimensions: int, seed: int = 3) -> Floats:
    """Return texts on a surface of so many dimensions, as embeddings lie."""
    draw = np.random.default_rng(seed)
    surface = np.random.default_rng(99).standard_normal((dimensions, 96))
    made = np.tanh(draw.standard_normal((count, dimensions)) @ surface / np.sqrt(dimensions))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


def moved(vectors: Floats, by: float) -> Floats:
    aside = np.random.default_rng(7).standard_normal(vectors.shape) / np.sqrt(vectors.shape[1])
    made = vectors + by * aside
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


def of(before: Floats, after: Floats, documents: int, larger: int) -> Forecast | None:
    lists = nearest(before, None, 11)
    return forecast(margins((before, before), (after, after), lists, 10), documents, larger)


@pytest.mark.parametrize("by", [1e-2, 3e-2])
def test_nine_in_ten_intervals_hold_the_real_share(by: float) -> None:
    """A small share of `tests.bench.forecast`: 24 samples, where 15 would come once in 10^4."""
    before = corpus(3_000, 40)
    after = moved(before, by)
    said = forecasts(before, after, (1_000, 3_000), 24)
    for size in (1_000, 3_000):
        real = real_shares(before, after, size)
        for value, half, held in coverage(said[size], real):
            assert held * 24 > 15
            assert half < 0.15
            assert value > 0


def test_more_than_half_of_first_documents_can_change() -> None:
    before = corpus(2_000, 40)
    after = moved(before, 1.2)
    real = real_shares(before, after, 2_000)[1]
    assert real > 0.6
    said = of(before[:SAMPLE], after[:SAMPLE], SAMPLE, 2_000)
    assert said is not None
    assert said.top1[2] > 0.5
    assert said.top1[1] <= said.top1[0] <= said.top1[2] <= 1


def test_nothing_is_said_of_few_documents_or_beyond_what_was_checked() -> None:
    before = corpus(LEAST, 20)
    after = moved(before, 1e-2)
    assert of(before, after, LEAST, LARGEST) is not None
    assert of(before[:-1], after[:-1], LEAST - 1, LARGEST) is None
    assert of(before, after, LEAST, LARGEST + 1) is None
    assert of(before, after, LEAST, 1_000_000) is None
    assert of(before, after, LEAST, LEAST) is None


def test_few_queries_say_nothing_of_many_documents() -> None:
    before = corpus(400, 20)
    after = moved(before, 1e-2)
    lists = nearest(before[:50], before[50:], 11)
    one = margins((before[:50], before[50:]), (after[:50], after[50:]), lists, 10)
    assert forecast(one, 350) is None


def test_equal_vectors_are_not_forecast() -> None:
    before = corpus(300, 20)
    assert of(before, before, 300, 5_000) is None


def test_the_interval_never_collapses() -> None:
    """Where gaps hardly depend on the corpus, κ is near 0 and as uncertain as elsewhere."""
    before = corpus(256, 200)
    said = of(before, moved(before, 1e-2), 256, LARGEST)
    assert said is not None
    assert said.power[2] - said.power[1] > 0.02
    assert said.order[2] - said.order[1] > 0.02
