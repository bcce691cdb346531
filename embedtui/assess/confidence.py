"""How many draws a verdict needs, and what those that were made allow to claim.

Which texts share a batch is drawn anew on every day of serving. Of n draws that all held, each with
a probability p to fall short, nobody would expect n in a row where (1 - p)ⁿ is small: with
confidence c the true p is below 1 - (1 - c)^(1/n). That is the upper limit of Clopper and Pearson
(Biometrika 26, 1934) for no failure in n trials; for c = 0.95 about 3/n, the rule of three (Hanley
and Lippman-Hand, JAMA 249, 1983).
"""

from __future__ import annotations

import math


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


def claim(confidence: float, draws: int) -> str:
    """Say what `draws` orders that all held allow to claim."""
    if draws < 1:
        return "one order was tried, which allows to claim nothing of others"
    orders = "1 random order" if draws == 1 else f"{draws} random orders"
    return (
        f"{orders} held: with {confidence:.3g} confidence fewer than "
        f"{share_below(confidence, draws):.1%} of all orders fall short"
    )
