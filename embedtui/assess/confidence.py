"""How many draws a verdict needs, and what those that were made allow to claim.

Which texts share a batch is drawn anew on every day of serving. Of n draws that all held, each with
a probability p to fall short, nobody would expect n in a row where (1 - p)ⁿ is small: with
confidence c the true p is below 1 - (1 - c)^(1/n). That is the upper limit of Clopper and Pearson
(Biometrika 26, 1934) for no failure in n trials; for c = 0.95 about 3/n, the rule of three (Hanley
and Lippman-Hand, JAMA 249, 1983).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from embedtui.measure import Distances
from embedtui.plan.scenarios import Scenario
from embedtui.results.results import SettingResults


def draws_for(confidence: float, share: float) -> int:
    """Return how many draws have to hold, so that fewer than `share` of all would fall short.

    Raises:
        ValueError: if one of the two is not between 0 and 1.
    """
    if not 0 < confidence < 1 or not 0 < share < 1:
        raise ValueError(f"confidence {confidence} and share {share} must lie between 0 and 1")
    return math.ceil(math.log1p(-confidence) / math.log1p(-share) - 1e-9)


def share_below(confidence: float, draws: int) -> float:
    """Return the share of draws that is not fallen short of, where `draws` of them all held."""
    return 1.0 if draws < 1 else -math.expm1(math.log1p(-confidence) / draws)


@dataclass(frozen=True)
class RandomOrders:
    """The random orders in which the texts went through one batch size."""

    batch_size: int
    tried: int
    fell_short: int


def random_orders(setting: SettingResults, use: Scenario) -> tuple[RandomOrders, ...]:
    """Return the random orders of every batch size that was tried in some, ascending.

    An order counts once it is through. Where no more texts are left than a batch holds, all orders
    are the same company: such a size has none.
    """
    found = []
    for size in setting.batched:
        whole = setting.pass_of(size).count
        orders = [
            distances
            for pass_key, rows, distances in setting.drifts(size)
            if pass_key.kind == "shuffle" and len(rows) == whole
        ]
        if orders and whole > size:
            short = sum(not _bears(use, distances) for distances in orders)
            found.append(RandomOrders(size, len(orders), short))
    return tuple(found)


def _bears(use: Scenario, drift: Distances) -> bool:
    if use.bitwise:
        return bool(drift.identical.all())
    values = getattr(drift, use.metric)
    return bool((values <= use.tolerance).all())  # NaN is not


def claim(confidence: float, tried: Sequence[RandomOrders]) -> str:
    """Say what draws that all held allow to claim, of each batch size by itself."""
    if not tried:
        return "no random order was tried, which allows to claim nothing of any"
    least = min(one.tried for one in tried)
    orders = "1 random order" if least == 1 else f"{least} random orders"
    sizes = ", ".join(str(one.batch_size) for one in tried)
    each = len(tried) > 1
    return (
        f"{orders} held at {'each of batch sizes' if each else 'batch size'} {sizes}: with "
        f"{confidence:.3g} confidence{' for each' if each else ''} fewer than "
        f"{share_below(confidence, least):.1%} of random orders of these texts fall short"
    )


def fallen_short(tried: Sequence[RandomOrders]) -> str:
    """Say in how many random orders of which batch sizes the limit was passed; empty for none."""
    told = [
        f"{one.fell_short} of {one.tried} at batch size {one.batch_size}"
        for one in tried
        if one.fell_short
    ]
    return f"in random orders: {', '.join(told)}" if told else ""
