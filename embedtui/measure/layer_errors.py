"""How far states inside a model are from others, and what each layer adds to the final error.

A model is cut at places: after the embeddings, after the attention and after the MLP of every
layer, after the final norm. A part is what lies between one place and the next. With x_p the
engine's own state at place p and F_p(x) the final vector of a float64 model that is given x there,
the part before p adds

    d_p = F_p(x_p) - F_{p-1}(x_{p-1})

to the final error: what the part alone got wrong, from the very input that it had, carried to the
end exactly. The parts sum to the error by construction (a telescope), as vectors; how they relate
to each other is in their inner products, and those are all that is kept.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
States = npt.NDArray[np.floating]

Part = Literal["embeddings", "attention", "mlp", "layer", "norm", "pooling"]
"""What ends at a place; `layer` where attention and MLP of a layer cannot be told apart."""

_EXHAUSTIVE = 12
"""Layers of which every set is tried: 4096 sets."""


class LayerSite(NamedTuple):
    """Where a state stands: behind this part of this layer."""

    part: Part
    layer: int = -1
    """As the weights' names count, from 0; -1 outside of the layers."""

    def __str__(self) -> str:
        match self.part:
            case "norm":
                return "final norm"
            case "embeddings" | "pooling":
                return self.part
            case "layer":
                return f"layer {self.layer}"
            case "attention":
                return f"layer {self.layer} attention"
            case _:
                return f"layer {self.layer} MLP"

    @classmethod
    def from_names(cls, part: str, layer: int) -> LayerSite:
        """Return the place that was written down.

        Raises:
            ValueError: if there is no such part.
        """
        for known in _PARTS:
            if known == part:
                return cls(known, layer)
        raise ValueError(f"unknown part {part!r}")


_PARTS: tuple[Part, ...] = ("embeddings", "attention", "mlp", "layer", "norm", "pooling")


def relative_states(states: States, reference: States) -> float:
    """Return how far one text's states are from others: tokens x width each.

    The root mean square over tokens of ‖a - b‖ / ‖b‖, in float64. Every token counts the same:
    many models keep one token whose state is a thousand times as long as the others', and a norm
    over all would show that one alone.
    """
    wide, exact = states.astype(np.float64), reference.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.linalg.norm(wide - exact, axis=1) / np.linalg.norm(exact, axis=1)
    return float(np.sqrt(np.mean(each * each)))


@dataclass(frozen=True)
class ErrorDecomposition:
    """One text's final error, part by part, as inner products of vectors of the final width.

    Rows and columns of `parts` are the places, in order, then the pooling, then the layers once
    more: what the final vector moves by where the exact output of that layer is rounded to the
    engine's dtype, as it would be for a neighbour that computes in it.
    """

    parts: Floats
    """Inner products, (places + 1 + layers) squared."""
    places: tuple[LayerSite, ...]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.parts) - len(self.places) - 1

    @property
    def error(self) -> float:
        """Length of the whole error: the precision error of this text, L2."""
        weights = (np.arange(len(self.parts)) <= len(self.places)).astype(np.float64)
        return math.sqrt(max(float(weights @ self.parts @ weights), 0.0))

    @property
    def lengths(self) -> Floats:
        """Length of what each part adds, in the order of places, the pooling last."""
        count = len(self.places) + 1
        squares = np.maximum(np.diag(self.parts)[:count], 0)
        return np.asarray(np.sqrt(squares), dtype=np.float64)

    @property
    def shares(self) -> Floats:
        """Each part's share of the error: its projection on it; they sum to 1, some may be below 0.

        NaN where there is no error.
        """
        count = len(self.places) + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            along = self.parts[:count, :count].sum(axis=1)
            return np.asarray(along / along.sum(), dtype=np.float64)

    @property
    def independence(self) -> float:
        """Return the sum of squared lengths over the squared error: 1 if parts add like noise."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.sum(self.lengths**2) / np.float64(self.error) ** 2)

    def counted(self, exact: Collection[int]) -> npt.NDArray[np.bool_]:
        """Return which rows of `parts` add to the error with these layers in float32.

        To first order: what other layers add does not change. Where an exact layer hands its state
        to one that is not, the state is rounded.
        """
        count = len(self.places) + 1
        counts = np.zeros(len(self.parts), dtype=np.bool_)
        for number, place in enumerate(self.places):
            counts[number] = place.layer not in exact
        counts[count - 1] = True
        for layer in exact:
            counts[count + layer] = layer + 1 not in exact
        return counts


def decompose_error(
    parts: Sequence[Floats], roundings: Sequence[Floats], places: Sequence[LayerSite]
) -> ErrorDecomposition:
    """Return the budget of what each part adds, the pooling last, and of each layer's rounding."""
    vectors = np.stack([*parts, *roundings])
    return ErrorDecomposition(vectors @ vectors.T, tuple(places))


class Choice(NamedTuple):
    """Layers that would be computed in float32, and the largest error that is predicted then."""

    layers: tuple[int, ...]
    error: float
    greedy: bool = False
    """Whether not every set was tried, so that a smaller one may be overlooked."""


def fewest_exact(budgets: Sequence[ErrorDecomposition], tolerance: float) -> Choice | None:
    """Return the fewest layers that bring every text's error under the tolerance, as predicted.

    Of equally many the ones with the smallest error. None where all layers together do not.
    """
    count = budgets[0].layers
    if best_exact(budgets, count).error > tolerance:
        return None
    if count > _EXHAUSTIVE:
        return _greedy(budgets, tolerance)
    return next(
        found
        for size in range(count + 1)
        if (found := best_exact(budgets, size)).error <= tolerance
    )


def best_exact(budgets: Sequence[ErrorDecomposition], size: int) -> Choice:
    """Return the layers, so many, whose float32 would leave the smallest largest error."""
    sets = list(combinations(range(budgets[0].layers), size))
    errors = _largest(budgets, sets)
    best = int(np.argmin(errors))
    return Choice(sets[best], float(errors[best]))


def _greedy(budgets: Sequence[ErrorDecomposition], tolerance: float) -> Choice:
    """Leave out one layer after the other, always the one that costs least, while it is borne.

    From the whole set down, because a lone exact layer rounds its output and gains little: sets
    that are worth having are runs of neighbours, which adding one by one does not find.
    """
    kept = tuple(range(budgets[0].layers))
    error = float(_largest(budgets, [kept])[0])
    while kept:
        trials = [tuple(one for one in kept if one != layer) for layer in kept]
        errors = _largest(budgets, trials)
        best = int(np.argmin(errors))
        if errors[best] > tolerance:
            break
        kept, error = trials[best], float(errors[best])
    return Choice(kept, error, greedy=True)


def _largest(budgets: Sequence[ErrorDecomposition], sets: Sequence[Collection[int]]) -> Floats:
    """Return by set of exact layers the largest error over texts."""
    weights = np.stack([budgets[0].counted(exact) for exact in sets]).astype(np.float64)
    squares = [np.sum((weights @ budget.parts) * weights, axis=1) for budget in budgets]
    return np.asarray(np.sqrt(np.maximum(np.max(squares, axis=0), 0)))
