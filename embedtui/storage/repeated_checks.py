"""What checks that follow each other claim together: draws of the same thing add up.

Random orders of the same texts, in the same batch sizes, on an engine that stayed the same, are
draws of one kind, whichever check made them. A seed that comes again makes the same orders and
adds nothing. Where one check did not hold, nothing is claimed of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from embedtui.assess.confidence import share_below
from embedtui.storage.check_history import Row

CONFIDENCE = 0.95
"""For each batch size by itself, as in one check that was asked for nothing else."""
_SAME = (
    *("model", "model_hash", "label", "texts_sha256", "scenario", "situation", "limit"),
    *("batch_sizes", "engine", "machine"),
)
"""What has to be equal for orders to be draws of one kind, as far as a history knows it."""


@dataclass(frozen=True)
class Together:
    """Checks of one setting on one engine, whose random orders are draws of one kind."""

    model: Annotated[str, "its name for people"]
    label: Annotated[str, "the setting"]
    scenario: Annotated[str, "the scenario that they were checked for"]
    engine: Annotated[str, "vLLM's version, or what the server said that it is"]
    machine: Annotated[str, "the GPU or the CPU, or which server"]
    texts: Annotated[str, "how many, and what they are"]
    batch_sizes: Annotated[str, "those that were tried in random orders, with commas"]
    checks: Annotated[int, "how many there are; those that failed to measure are left out"]
    held: Annotated[int, "how many of them held"]
    seeds: Annotated[int, "seeds that the orders were drawn from: the same one adds nothing"]
    orders: Annotated[int, "random orders of all seeds, at each batch size at least"]
    share_below: Annotated[
        float | None,
        "where all held: with 0.95 confidence, for each batch size by itself, fewer than this "
        "share of random orders of these texts fall short; null where not, or nothing adds up",
    ]

    @property
    def said(self) -> str:
        """The claim, in a sentence."""
        what = f"{self.model}, {self.label} for {self.scenario} on {self.engine}, {self.texts}: "
        if self.held < self.checks:
            short = self.checks - self.held
            return f"{what}{short} of {self.checks} checks did not hold: no claim of all orders"
        if self.share_below is None:
            return f"{what}{self.checks} checks held; their orders do not add up: no seed was kept"
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        again = ", and a seed that came again adds nothing" if self.seeds < self.checks else ""
        return (
            f"{what}{self.checks} checks held, {self.orders} random orders of {seeds} at batch "
            f"size {self.batch_sizes.replace(',', ', ')}: with {CONFIDENCE} confidence for each "
            f"fewer than {self.share_below:.1%} fall short, if the engine stayed the same{again}"
        )


def added_up(rows: Sequence[Row]) -> list[Together]:
    """Return what checks of the same thing come to together, where there are two or more.

    Checks on the distance from float64 claim nothing of orders, and are left out.
    """
    alike: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if row.outcome != "failed" and row.situation != "index":
            alike.setdefault(tuple(getattr(row, name) for name in _SAME), []).append(row)
    return [_together(group) for group in alike.values() if len(group) > 1]


def _together(group: Sequence[Row]) -> Together:
    last, held = group[-1], sum(row.outcome == "holds" for row in group)
    by_seed = {row.seed: row.orders for row in group if row.seed is not None}
    orders = sum(by_seed.values())
    claims = held == len(group) and orders > 0
    return Together(
        last.model,
        last.label,
        last.scenario,
        last.engine,
        last.machine,
        last.texts,
        last.batch_sizes,
        checks=len(group),
        held=held,
        seeds=len(by_seed),
        orders=orders,
        share_below=share_below(CONFIDENCE, orders) if claims else None,
    )
