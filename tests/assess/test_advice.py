"""The search finds what the whole grid would recommend, with fewer cells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from embedtui.assess.advice import Advice, advise
from embedtui.assess.answers import Entry, answer
from embedtui.engine.settings import Setting
from embedtui.plan.scenarios import scenario, scenarios
from embedtui.results.results import Results, SettingResults
from tests.fakes import Script, plan
from tests.studies import RunStudy

SIZES = (1, 2, 4, 8, 16)
DTYPES = ("bfloat16", "float16", "float32")

Measure = Callable[[Setting, tuple[int, ...]], Entry | None]


def recorded(results: Results) -> Measure:
    """Answer from a recorded grid, and no more than was asked for."""

    def measure(setting: Setting, sizes: tuple[int, ...]) -> Entry | None:
        whole = next(one for one in results.settings if one.setting == setting)
        if not whole.unbatched.count:
            return None
        part = SettingResults(whole.number, setting, len(results.plan.pack))
        part.effective, part.status = whole.effective, whole.status
        part.passes = {key: one for key, one in whole.passes.items() if key[0] in sizes}
        return Entry(setting.label, results, part)

    return measure


def both(results: Results, key: str) -> tuple[Advice, str]:
    use = scenario(key)
    entries = [Entry(one.setting.label, results, one) for one in results.settings]
    found = advise([one.setting for one in results.settings], SIZES, use, recorded(results))
    return found, answer(entries, use).command


def speeds(results: Results, **factor: float) -> Results:
    """Give each dtype a speed that is the larger the larger the batch."""
    for setting in results.settings:
        for (size, _), one in setting.passes.items():
            one.seconds = one.count / (size * factor[setting.setting.dtype])
    return results


@pytest.mark.parametrize("key", scenarios())
@pytest.mark.parametrize(
    "factor",
    [
        {"bfloat16": 3.0, "float16": 2.0, "float32": 1.0},
        {"bfloat16": 1.0, "float16": 2.0, "float32": 3.0},
        {"bfloat16": 2.0, "float16": 1.0, "float32": 1.99},
    ],
    ids=["bfloat16 first", "float32 first", "two alike"],
)
def test_recommends_what_the_whole_grid_recommends(
    run_study: RunStudy, key: str, factor: dict[str, float]
) -> None:
    results = speeds(run_study(plan(32, *DTYPES, sizes=SIZES)).results, **factor)
    found, whole = both(results, key)
    assert found.answers.command == whole != ""
    assert found.cells < found.grid == len(DTYPES) * len(SIZES)


def test_stops_at_the_first_that_holds(run_study: RunStudy) -> None:
    results = speeds(
        run_study(plan(32, *DTYPES, sizes=SIZES)).results, bfloat16=1, float16=2, float32=9
    )
    found, _ = both(results, "golden")
    assert found.cells == 2 * len(DTYPES) + len(SIZES) - 2
    assert "--dtype float32" in found.answers.command


def test_what_fails_between_the_ends_is_found_out(run_study: RunStudy) -> None:
    def drift(dtype: str, size: int, _place: int) -> float:
        return 0.1 if (dtype, size) == ("float16", 4) else 0.0

    script = Script(drift=drift)
    results = speeds(
        run_study(plan(32, *DTYPES, sizes=SIZES), script).results,
        float16=9, bfloat16=2, float32=1,
    )  # fmt: skip
    found, whole = both(results, "rag")
    assert "--dtype bfloat16" in found.answers.command == whole


def test_where_nothing_holds_nothing_is_recommended(run_study: RunStudy) -> None:
    script = Script(drift=lambda _dtype, size, _place: 0.1 if size > 1 else 0.0)
    found, whole = both(run_study(plan(32, *DTYPES, sizes=SIZES), script).results, "rag")
    assert found.answers.command == whole == ""
    assert found.cells == 2 * len(DTYPES)


def test_what_no_server_can_be_asked_for_is_no_candidate(run_study: RunStudy) -> None:
    old = Setting("m", dtype="float16", pooling_accumulation="model")
    results = run_study(plan(8, "float32", sizes=SIZES)).results
    found = advise([old, results.settings[0].setting], SIZES, scenario("rag"), recorded(results))
    assert found.grid == len(SIZES)


def test_a_speed_that_was_not_measured_is_not_the_slowest(run_study: RunStudy) -> None:
    """Of float32 the largest batch has no time: it is looked into, not ruled out."""
    results = speeds(
        run_study(plan(32, *DTYPES, sizes=SIZES)).results, bfloat16=2, float16=3, float32=1
    )
    untimed = next(one for one in results.settings if one.setting.dtype == "float32")
    for (size, _), one in untimed.passes.items():
        one.seconds *= size != SIZES[-1]
    found = advise(
        [one.setting for one in results.settings], SIZES, scenario("rag"), recorded(results)
    )
    measured = [
        step.batch_sizes for step in found.steps if step.entry.setting.setting.dtype == "float32"
    ]
    assert measured == [(1, SIZES[-1]), SIZES]
