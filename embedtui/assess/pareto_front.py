"""The front of precision against cost: settings that no other beats in both, and what a step costs.

Cost is time per text. Along the front every slower setting has less error, or drifts less;
the others pay for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedtui.assess.answers import ABOUT_EQUAL


@dataclass(frozen=True)
class Candidate:
    """What one setting costs, and what it gives."""

    label: str
    speed: float
    """Texts per second."""
    distance: float
    """Precision error or batch drift, whichever is weighed; 0 for equal bits."""
    model: str = ""
    """Whose error it is: each model is held against a float64 of its own, so that errors of two
    are no ranks of one list. Empty for what may be compared across models."""
    noise: float = 0.0
    """How far running again moves vectors: distances below that are not told apart."""


@dataclass(frozen=True)
class Step:
    """One setting of the front beside the one before, which is faster."""

    place: int
    """Place among the candidates."""
    slower: float
    """How many times the time per text of the step before."""
    nearer: float | None
    """By what factor the distance shrinks; None where nothing is left of it."""


def pareto_front(candidates: Sequence[Candidate]) -> list[Step]:
    """Return the settings that no other of its model beats in both speed and distance.

    The fastest first, one model after the other. Distances within `ABOUT_EQUAL`, and those below
    the noise of either, are not told apart, and nobody pays for such a difference.
    """
    models = dict.fromkeys(one.model for one in candidates)
    return [step for model in models for step in _front_of(model, candidates)]


def _front_of(model: str, candidates: Sequence[Candidate]) -> list[Step]:
    order = sorted(
        (place for place, one in enumerate(candidates) if one.model == model),
        key=lambda n: (-candidates[n].speed, candidates[n].distance),
    )
    steps: list[Step] = []
    for place in order:
        one = candidates[place]
        if not steps:
            steps.append(Step(place, 1.0, 1.0))
            continue
        before = candidates[steps[-1].place]
        told, told_before = _told(one), _told(before)
        if told * ABOUT_EQUAL < told_before:
            nearer = before.distance / one.distance if one.distance else None
            steps.append(Step(place, before.speed / one.speed, nearer))
    return steps


def _told(one: Candidate) -> float:
    """Return what of a distance is told apart from noise; equal bits are 0, whatever repeats do."""
    return max(one.distance, one.noise) if one.distance else 0.0


def describe_step(step: Step, what: str) -> str:
    """Say what a step up costs and what it buys; `what` names the distance."""
    if step.slower == 1.0 and step.nearer == 1.0:
        return "the fastest"
    about = step.slower <= ABOUT_EQUAL
    slower = "about the same time" if about else f"{step.slower:.2f} × the time"
    bought = f"no {what}" if step.nearer is None else f"{what} ÷ {_factor(step.nearer)}"
    return f"{slower}, {bought}"


def _factor(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}" if value < 1e4 else f"{value:.0e}"
