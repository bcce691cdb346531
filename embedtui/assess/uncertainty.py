"""Shares and differences in words, with their interval: a count of few says little of many."""

from __future__ import annotations

from embedtui.measure.intervals import largest_share, share_interval


def span_of(certain: int, count: int, possible: int | None = None) -> str:
    """Return the 95 % interval of a share: `95 %: 7 to 25 %`.

    Where ties may be broken either way it reaches from the lower end for what is `certain` to the
    upper end for what is `possible`.
    """
    low = share_interval(certain, count).low
    high = share_interval(certain if possible is None else possible, count).high
    return f"95 %: {_percent(low)} to {_percent(high)} %"


def at_most(count: int) -> str:
    """Return what share none of so many still allows: `4.6 %`."""
    return f"{_percent(largest_share(0, count))} %"


def change_of(difference: float, low: float, high: float) -> str:
    """Return a mean difference with its 95 % interval: `+0.005 (95 %: -0.010 to +0.020)`."""
    return f"{difference:+.4f} (95 %: {low:+.3f} to {high:+.3f})"


def _percent(share: float) -> str:
    value = 100 * share
    return f"{value:.0f}" if value >= 10 or not value else f"{value:.2g}"
