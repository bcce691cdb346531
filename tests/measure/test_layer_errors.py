"""Parts of an error: they sum to it, and layers chosen from them are the ones that matter."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure.layer_errors import (
    ErrorDecomposition,
    LayerSite,
    best_exact,
    decompose_error,
    fewest_exact,
    relative_states,
)

WIDTH = 48

Figures = npt.NDArray[np.float64]


def places(layers: int) -> tuple[LayerSite, ...]:
    inner = (LayerSite.from_names(part, n) for n in range(layers) for part in ("attention", "mlp"))
    return (LayerSite("embeddings"), *inner, LayerSite("norm"))


def drawn_budget(
    layers: int, lengths: dict[LayerSite, float] | None = None, seed: int = 1
) -> tuple[ErrorDecomposition, list[Figures], list[Figures]]:
    """Return a budget and the vectors it is made of."""
    rng = np.random.default_rng(seed)

    def vector(length: float) -> Figures:
        found = rng.standard_normal(WIDTH)
        return np.asarray(found * (length / np.linalg.norm(found)))

    where = places(layers)
    parts = [vector((lengths or {}).get(place, 1e-3)) for place in (*where, LayerSite("pooling"))]
    roundings = [vector(1e-4) for _ in range(layers)]
    return decompose_error(parts, roundings, where), parts, roundings


def test_states_are_compared_token_by_token() -> None:
    exact = np.asarray([[3.0, 4.0], [3000.0, 4000.0]])
    moved = exact + np.asarray([[0.5, 0.0], [0.0, 0.0]])
    assert relative_states(moved, exact) == pytest.approx(np.sqrt((0.1**2 + 0) / 2))
    assert relative_states(exact, exact) == 0


def test_a_long_token_does_not_hide_the_others() -> None:
    rng = np.random.default_rng(0)
    exact = rng.standard_normal((50, 8))
    exact[0] *= 1e6
    moved = exact * 1.01
    moved[0] = exact[0]
    assert relative_states(moved, exact) == pytest.approx(0.01 * np.sqrt(49 / 50))


def test_the_parts_sum_to_the_error() -> None:
    budget, parts, _ = drawn_budget(5)
    assert budget.layers == 5
    assert budget.error == pytest.approx(np.linalg.norm(sum(parts)), rel=1e-12)
    assert budget.shares.sum() == pytest.approx(1)
    assert budget.lengths == pytest.approx([np.linalg.norm(part) for part in parts])


def error_with(budget: ErrorDecomposition, exact: Collection[int]) -> float:
    """The error that is predicted with these layers in float32, from the parts that are left."""
    weights = budget.counted(exact).astype(np.float64)
    return float(np.sqrt(max(float(weights @ budget.parts @ weights), 0.0)))


def test_exact_layers_leave_what_the_others_add_and_round_at_their_ends() -> None:
    budget, parts, roundings = drawn_budget(4)
    left = sum(parts[n] for n, place in enumerate(places(4)) if place.layer not in {1, 2})
    left = left + parts[-1] + roundings[2]  # layer 1 hands on to an exact one: nothing is rounded
    assert error_with(budget, {1, 2}) == pytest.approx(np.linalg.norm(left), rel=1e-12)
    assert error_with(budget, ()) == budget.error


def test_the_fewest_layers_are_the_fewest_by_brute_force() -> None:
    budgets = [drawn_budget(6, seed=seed)[0] for seed in range(3)]
    whole = max(budget.error for budget in budgets)
    for tolerance in np.linspace(0.4, 1.1, 8) * whole:
        by_size = [
            (size, exact)
            for size in range(7)
            for exact in combinations(range(6), size)
            if max(error_with(budget, exact) for budget in budgets) <= tolerance
        ]
        found = fewest_exact(budgets, tolerance)
        if not by_size:
            assert found is None
            continue
        assert found is not None
        assert len(found.layers) == by_size[0][0]
        assert found.error == pytest.approx(max(error_with(b, found.layers) for b in budgets))
        assert found.error <= tolerance
        assert not found.greedy


def test_the_layer_at_fault_is_the_one_that_is_chosen() -> None:
    at_fault = {LayerSite("mlp", 3): 0.1}
    budgets = [drawn_budget(6, at_fault, seed)[0] for seed in range(4)]
    assert best_exact(budgets, 1).layers == (3,)
    found = fewest_exact(budgets, 0.01)
    assert found is not None
    assert found.layers == (3,)
    assert fewest_exact(budgets, 1e-5) is None


def test_of_many_layers_not_every_set_is_tried_and_what_is_found_holds() -> None:
    faults = {LayerSite("mlp", layer): 0.1 for layer in (7, 8, 20)}
    budgets = [drawn_budget(30, faults, seed)[0] for seed in range(4)]
    found = fewest_exact(budgets, 0.02)
    assert found is not None
    assert found.greedy
    assert found.layers == (7, 8, 20)
    assert found.error == pytest.approx(max(error_with(b, found.layers) for b in budgets))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (LayerSite("embeddings"), "embeddings"),
        (LayerSite("attention", 7), "layer 7 attention"),
        (LayerSite("mlp", 0), "layer 0 MLP"),
        (LayerSite("layer", 2), "layer 2"),
        (LayerSite("norm"), "final norm"),
    ],
)
def test_places_have_names(place: LayerSite, said: str) -> None:
    assert str(place) == said
    assert LayerSite.from_names(place.part, place.layer) == place


def test_no_other_part_is_read() -> None:
    with pytest.raises(ValueError, match="unknown part"):
        LayerSite.from_names("elsewhere", 1)
