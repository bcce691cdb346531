"""The front holds what nothing beats, and says what each step up costs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embedtui.assess.pareto_front import Candidate, describe_step, pareto_front

FIGURES = st.tuples(st.floats(1, 1e5), st.one_of(st.just(0.0), st.floats(1e-12, 2)))


def candidates(figures: list[tuple[float, float]]) -> list[Candidate]:
    return [Candidate(str(n), speed, distance) for n, (speed, distance) in enumerate(figures)]


@given(st.lists(FIGURES, max_size=12))
def test_nothing_beats_what_is_on_it_and_something_matches_what_is_not(
    figures: list[tuple[float, float]],
) -> None:
    made = candidates(figures)
    there = [made[step.place] for step in pareto_front(made)]
    for one in there:
        assert not any(
            other.speed >= one.speed
            and other.distance <= one.distance
            and (other.speed, other.distance) != (one.speed, one.distance)
            for other in made
        )
    for other in made:
        assert any(
            one.speed >= other.speed and one.distance <= 1.25 * other.distance for one in there
        )


def test_each_step_up_is_told_by_what_it_costs_and_buys() -> None:
    made = candidates([(100, 1e-6), (800, 1e-2), (400, 1e-3), (300, 5e-3), (50, 0.0)])
    steps = pareto_front(made)
    assert [step.place for step in steps] == [1, 2, 0, 4]
    assert [describe_step(step, "error") for step in steps] == [
        "the fastest",
        "2.00 × the time, error ÷ 10",
        "4.00 × the time, error ÷ 1000",
        "2.00 × the time, no error",
    ]


def test_nothing_measured_has_no_front() -> None:
    assert pareto_front([]) == []


def test_distances_below_noise_are_no_steps() -> None:
    drifts = [(800.0, 4.8e-8), (400.0, 3.8e-8)]
    told = [Candidate(str(n), *one) for n, one in enumerate(drifts)]
    assert [step.place for step in pareto_front(told)] == [0, 1]
    noisy = [Candidate(str(n), *one, noise=4.5e-8) for n, one in enumerate(drifts)]
    assert [step.place for step in pareto_front(noisy)] == [0]
    # Equal bits in batches are less than any drift, whatever repeats do.
    still = [*noisy, Candidate("still", 100.0, 0.0, noise=4.5e-8)]
    assert [step.place for step in pareto_front(still)] == [0, 2]


def test_about_the_same_time_is_not_told_apart() -> None:
    steps = pareto_front(candidates([(110, 1e-2), (100, 1e-4)]))
    assert describe_step(steps[1], "error") == "about the same time, error ÷ 100"
