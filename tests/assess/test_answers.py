"""What was never measured is neither the best nor the worst."""

from __future__ import annotations

from embedtui.assess.answers import Answers, Entry, answer
from embedtui.plan.scenarios import scenario
from tests.fakes import Script, no_drift, plan
from tests.studies import Ran, RunStudy

USE = scenario("rag")


def answered(*ran: Ran) -> Answers:
    entries = [Entry(f"run {n}", one.results, one.results.settings[0]) for n, one in enumerate(ran)]
    return answer(entries, USE)


def at_speed(ran: Ran, texts_per_second: float) -> Ran:
    for one in ran.results.settings[0].passes.values():
        one.seconds = one.count / texts_per_second
    return ran


def test_a_setting_without_a_precision_error_is_not_the_most_precise(run_study: RunStudy) -> None:
    """Both about as fast: the one whose error is known is served with."""
    script = Script(drift=no_drift)
    known = at_speed(run_study(plan(8, "bfloat16", sizes=(1, 4)), script), 100)
    unknown = at_speed(run_study(plan(8, "float16", sizes=(1, 4), reference=False), script), 101)
    for pair in ((known, unknown), (unknown, known)):
        found = answered(*pair)
        assert found.recommended == pair.index(known)


def test_where_no_error_is_known_the_fastest_is_served_with(run_study: RunStudy) -> None:
    script = Script(drift=no_drift)
    slow, fast = (
        at_speed(run_study(plan(8, dtype, sizes=(1, 4), reference=False), script), speed)
        for dtype, speed in (("bfloat16", 100), ("float16", 101))
    )
    assert answered(slow, fast).recommended == 1
    assert answered(fast, slow).recommended == 0


def test_the_most_precise_of_about_equally_fast_ones_is_served_with(run_study: RunStudy) -> None:
    script = Script(drift=no_drift)
    rough = at_speed(run_study(plan(8, "bfloat16", sizes=(1, 4)), script), 101)
    precise = at_speed(run_study(plan(8, "float32", sizes=(1, 4)), script), 100)
    assert answered(rough, precise).recommended == 1
