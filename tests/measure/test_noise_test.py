"""The noise test: what it claims without drift, what it finds, and what ties do to it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from embedtui.measure.noise_test import (
    LEVEL,
    Passes,
    binomial_tail,
    median_interval,
    noise_test,
)
from tests.bench.noise import NOISES, draw, shares

Figures = npt.NDArray[np.float32]


def vectors(seed: int = 0, texts: int = 16) -> Figures:
    return np.random.default_rng(seed).standard_normal((texts, 24)).astype(np.float32)


def moved(found: Figures, rows: int | slice, by: float = 1e-3) -> Figures:
    other = found.copy()
    other[rows, 0] += np.float32(by)
    return other


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("orders", [2, 29])
def test_at_most_two_in_a_hundred_runs_without_drift_are_told_as_drift(
    noise: str, orders: int
) -> None:
    tested, _ = shares(100, noise, orders, seed=1)
    assert tested <= 0.02


@pytest.mark.parametrize("orders", [2, 29])
def test_half_a_floor_of_drift_in_every_text_is_found(orders: int) -> None:
    tested, ratio = shares(30, "Gaussian", orders, drift=0.5, seed=2)
    assert tested >= 0.9
    assert ratio == 0


@pytest.mark.parametrize("scale", [1.0, 1.2])
def test_noise_of_another_size_in_batches_is_not_drift(scale: float) -> None:
    rng = np.random.default_rng(3)
    claimed = 0
    for _ in range(100):
        found = draw(rng, lambda _rng, shape: np.r_[1, 1, scale, scale][:, None].repeat(64, 1), 0)
        claimed += noise_test(found).outcome == "drift"
    assert claimed <= 3


def test_one_noisy_text_does_not_hide_drift_in_the_others() -> None:
    found = draw(np.random.default_rng(4), NOISES["Gaussian"], 2, drift=0.5)
    noisy = found.alone[1].copy()
    noisy[0] = -noisy[0]
    assert noise_test(replace(found, alone=(found.alone[0], noisy))).outcome == "drift"


def test_drift_of_one_text_far_beyond_the_noise_is_found() -> None:
    found = draw(np.random.default_rng(5), NOISES["Gaussian"], 2, drift=200.0, struck=1)
    assert noise_test(found).outcome == "drift"


def test_one_order_that_moves_texts_is_found() -> None:
    found = draw(np.random.default_rng(6), NOISES["Gaussian"], 6)
    orders = (*found.orders[:5], moved(found.orders[5], slice(None), 3e-4))
    assert noise_test(found).outcome == "noise"
    assert noise_test(replace(found, orders=orders)).outcome == "drift"


class TestEqualBits:
    def test_nothing_differs(self) -> None:
        same = vectors()
        found = noise_test(Passes((same, same), (same, same), (same,)))
        assert (found.outcome, found.p, found.untied, found.effect) == ("identical", 1, 0, None)

    def test_one_text_that_batches_move_twice_the_same_is_drift_and_certain(self) -> None:
        one = vectors()
        other = moved(one, 3, 1e-6)
        found = noise_test(Passes((one, one), (other, other)))
        assert (found.outcome, found.p) == ("drift", 0)
        assert found.effect is not None
        assert math.isinf(found.effect.median)

    def test_a_text_that_differs_where_nobody_repeated_is_open(self) -> None:
        one = vectors()
        found = noise_test(Passes((one, one), (one, one), (moved(one, 3), one)))
        assert found.outcome == "open"
        assert found.p > LEVEL

    def test_many_that_differ_there_are_drift(self) -> None:
        one = vectors()
        assert noise_test(Passes((one, one), (one, one), (moved(one, slice(8)),))).outcome == (
            "drift"
        )

    def test_a_single_odd_pass_of_a_text_is_a_tie_and_says_nothing(self) -> None:
        one = vectors()
        for place, outcome in enumerate(("noise", "identical", "noise", "noise")):
            four = [one] * 4
            four[place] = moved(one, 3)
            found = noise_test(Passes(tuple(four[:2]), tuple(four[2:])))
            assert (found.outcome, found.untied) == (outcome, 0)

    def test_other_bits_of_the_same_direction_are_a_difference(self) -> None:
        one = vectors()
        assert noise_test(Passes((one, one), (2 * one, 2 * one))).outcome == "drift"


class TestCompanyThatCannotBeRepeated:
    def test_what_varies_with_it_is_drift(self) -> None:
        one, rng = vectors(texts=64), np.random.default_rng(7)
        alone = tuple(one + 1e-8 * rng.standard_normal(one.shape) for _ in range(2))
        batched = tuple(one + 1e-3 * rng.standard_normal(one.shape) for _ in range(2))
        found = noise_test(Passes(alone, batched, company_repeats=False))
        assert found.outcome == "drift"
        assert found.nearest == found.untied == 64
        assert found.effect is not None
        assert found.effect.median > 1e4

    def test_without_drift_it_is_noise(self) -> None:
        rng = np.random.default_rng(8)
        made = [draw(rng, NOISES["lognormal 1.0"], 2) for _ in range(100)]
        found = [noise_test(replace(one, company_repeats=False)).outcome for one in made]
        assert found.count("drift") <= 2


def test_vectors_without_a_direction_are_left_out() -> None:
    one = vectors()
    broken = moved(one, slice(4))
    broken[0], broken[1, 2], broken[2, 2] = 0, np.nan, np.inf
    found = noise_test(Passes((one, one), (broken, broken)))
    assert (found.texts, found.outcome) == (13, "drift")


def test_many_texts_give_what_few_at_a_time_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = draw(np.random.default_rng(9), NOISES["Gaussian"], 2, drift=0.1)
    whole = noise_test(found)
    monkeypatch.setattr("embedtui.measure.noise_test._BLOCK", 1000)
    assert noise_test(found) == whole


def test_passes_that_cannot_be_compared_are_refused() -> None:
    one = vectors()
    with pytest.raises(ValueError, match="repeat"):
        noise_test(Passes((one,), (one,)))
    with pytest.raises(ValueError, match="shape"):
        noise_test(Passes((one, one), (one[1:],)))


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 5), (3, 5), (5, 5), (700, 2000), (690, 2000)]
)
@pytest.mark.parametrize("share", [1 / 3, 1 / 31])
def test_tails_are_those_of_scipy(successes: int, trials: int, share: float) -> None:
    exact = stats.binom.sf(successes - 1, trials, share)
    assert binomial_tail(successes, trials, share) == pytest.approx(exact, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("count", [6, 9, 64, 501])
def test_the_median_lies_in_its_interval_as_often_as_is_said(count: int) -> None:
    rng = np.random.default_rng(count)
    found = [median_interval(rng.standard_cauchy(count)) for _ in range(400)]
    held = sum(one.low <= 0 <= one.high for one in found) / 400
    assert 0.93 <= held <= 0.995
