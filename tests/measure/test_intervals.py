"""Intervals hold what they say, counted exactly or over seeded samples."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from embedtui.measure.intervals import (
    Spread,
    about_equal,
    largest_share,
    largest_share_beyond,
    least_share,
    mean_interval,
    quantile_bound,
    quantile_interval,
    share_interval,
    spread,
    texts_for_quantile,
)

Values = npt.NDArray[np.float64]


@pytest.mark.parametrize(("count", "trials"), [(0, 64), (9, 64), (64, 64), (1, 3), (700, 24_562)])
def test_a_share_has_the_ends_of_clopper_and_pearson(count: int, trials: int) -> None:
    found = share_interval(count, trials)
    wanted = stats.binomtest(count, trials).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("trials", [5, 64, 300])
def test_a_share_s_interval_holds_it_in_95_of_100_samples_whatever_it_is(trials: int) -> None:
    counts = np.arange(trials + 1)
    ends = [share_interval(int(count), trials) for count in counts]
    for share in np.linspace(0.002, 0.998, 97):
        held = np.array([share in one for one in ends])
        assert stats.binom.pmf(counts, trials, share)[held].sum() >= 0.95


def test_none_of_64_allows_almost_five_in_a_hundred() -> None:
    assert largest_share(0, 64) == pytest.approx(1 - 0.05 ** (1 / 64))
    assert least_share(64, 64) == pytest.approx(0.05 ** (1 / 64))
    assert (largest_share(64, 64), least_share(0, 64)) == (1.0, 0.0)


@pytest.mark.parametrize(("count", "trials"), [(-1, 4), (5, 4), (0, 0)])
def test_what_is_no_count_has_no_share(count: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no count"):
        share_interval(count, trials)


def test_texts_beyond_a_limit_are_those_not_known_to_be_within() -> None:
    values = [0.0, 1.0, 2.0, math.nan]
    assert largest_share_beyond(values, 1.0) == pytest.approx(largest_share(2, 4))
    assert largest_share_beyond(values, 5.0) == pytest.approx(largest_share(1, 4))


@pytest.mark.parametrize(("quantile", "texts"), [(0.99, 299), (0.95, 59), (0.5, 5)])
def test_a_quantile_has_a_bound_from_so_many_texts_on(quantile: float, texts: int) -> None:
    assert texts_for_quantile(quantile) == texts
    values = np.arange(float(texts))
    assert quantile_bound(values, quantile) == texts - 1
    assert quantile_bound(values[1:], quantile) is None


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("count", [30, 400])
def test_a_quantile_s_interval_holds_it_in_95_of_100_samples(quantile: float, count: int) -> None:
    draw = np.random.default_rng(5)
    reference = stats.lognorm.ppf(quantile, 1.5)
    samples = draw.lognormal(0.0, 1.5, (2_000, count))
    ends = [quantile_interval(one, quantile) for one in samples]
    assert np.mean([reference in one for one in ends]) >= 0.94
    bounds = [quantile_bound(one, quantile) for one in samples]
    assert np.mean([bound is None or reference <= bound for bound in bounds]) >= 0.94
    sharp = [one for one in ends if math.isfinite(one.high)]
    assert bool(sharp) == (count >= math.log(0.025) / math.log(quantile))


def test_an_interval_s_ends_are_values_of_the_sample() -> None:
    found = quantile_interval(np.arange(100.0), 0.5)
    assert (found.low, found.high) == (39.0, 60.0)
    assert quantile_interval([1.0, 2.0], 0.5).high == math.inf
    assert quantile_interval([1.0, 2.0], 0.5).low == -math.inf
    assert quantile_interval([], 0.5).high == math.inf


def test_a_quantile_of_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="numbers"):
        quantile_interval([1.0, math.nan], 0.5)


def _normal(draw: np.random.Generator, count: int) -> tuple[Values, float]:
    return draw.normal(0.01, 0.1, count).clip(-1, 1), 0.01


def _few_steps(draw: np.random.Generator, count: int) -> tuple[Values, float]:
    steps = np.array([-0.37, -0.13, 0.07, 0.25, 0.5])
    return (draw.random(count) < 0.1) * draw.choice(steps, count), 0.1 * float(steps.mean())


def _rare_losses(draw: np.random.Generator, count: int) -> tuple[Values, float]:
    return -((draw.random(count) < 0.05) * draw.beta(1, 3, count)), -0.05 / 4


@pytest.mark.parametrize("changes", [_normal, _few_steps, _rare_losses])
@pytest.mark.parametrize("count", [20, 64, 200])
def test_the_interval_of_a_mean_difference_holds_it_in_95_of_100_samples(
    changes: Callable[[np.random.Generator, int], tuple[Values, float]], count: int
) -> None:
    draw = np.random.default_rng(3)
    held = []
    for _ in range(400):
        values, reference = changes(draw, count)
        held.append(reference in mean_interval(values, values))
    assert np.mean(held) >= 0.94


def test_where_values_are_0_and_1_it_is_clopper_s_and_pearson_s() -> None:
    values = np.repeat([0.0, 1.0], [57, 7])
    assert mean_interval(values, values).high == pytest.approx(share_interval(7, 64).high, rel=0.05)
    none = np.zeros(64)
    assert mean_interval(none, none).high == pytest.approx(share_interval(0, 64).high, rel=0.1)


def test_a_clear_gain_is_told_from_none() -> None:
    draw = np.random.default_rng(2)
    gain = np.where(draw.random(100) < 0.4, 0.2, 0.0)
    found = mean_interval(gain, gain)
    assert 0 < found.low < gain.mean() < found.high
    assert 0.0 in mean_interval(gain - 0.08, gain - 0.08)


def test_ties_widen_the_interval_of_a_mean() -> None:
    values = np.linspace(-0.1, 0.1, 40)
    narrow, wide = mean_interval(values, values), mean_interval(values - 0.1, values + 0.1)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("values", [[], [math.nan, 0.0]])
def test_a_mean_of_nothing_or_of_no_number_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_interval(values, values)


def test_speeds_are_told_apart_where_ranges_and_medians_are() -> None:
    steady, close = spread([100.0, 101.0, 99.0]), spread([124.0])
    assert steady == Spread(100.0, 99.0, 101.0, 3)
    assert close
    assert about_equal(steady, close)
    far, loose = Spread(200.0, 190.0, 210.0, 3), Spread(200.0, 95.0, 210.0, 3)
    assert not about_equal(steady, far)
    assert not about_equal(far, steady)
    assert about_equal(loose, steady)
    assert spread([]) is None


def test_short_timings_are_told_apart_only_beyond_what_one_kernel_varies_by() -> None:
    """Speeds of passes of 0.1 s on an H100, of two settings with the same kernels."""
    one = spread([2094.0, 1839.0, 2969.0], seconds=0.35)
    other = spread([4338.0, 3700.0, 4339.0], seconds=0.19)
    assert one
    assert other
    assert about_equal(one, other)
    long = spread([4338.0, 3700.0, 4339.0], seconds=4.0)
    slow = spread([2094.0, 1839.0, 2969.0], seconds=8.0)
    assert long
    assert slow
    assert not about_equal(long, slow)
