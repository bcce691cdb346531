from __future__ import annotations

from embedtui.common.errors import EngineError
from embedtui.results.events import BatchEmbedded, Event, RunEnded, SettingEnded
from embedtui.results.progress import Progress
from tests.fakes import REFUSED, Script, pack, plan
from tests.studies import RunStudy


class Clock:
    """Goes on by `step` seconds with every batch."""

    def __init__(self, step: float) -> None:
        self.now = 100.0
        self.step = step

    def __call__(self) -> float:
        return self.now


class Watched(Progress):
    """A progress whose figures after every event are kept."""

    def __init__(self, step: float = 0.5) -> None:
        self.clock = Clock(step)
        super().__init__(self.clock)
        self.seen: list[tuple[Event, int, float | None, float | None]] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, BatchEmbedded):
            self.clock.now += self.clock.step
        super().__call__(event)
        self.seen.append((event, self.done, self.texts_per_second, self.seconds_left))


def test_counts_texts_once_for_each_pass(run_study: RunStudy) -> None:
    progress = Watched()
    run_study(plan(10, "float16", "float32", sizes=(1, 4), repeats=1), listeners=(progress,))
    assert progress.total == 2 * 10 * 4
    assert progress.done == progress.total
    counts = [done for event, done, _, _ in progress.seen if isinstance(event, BatchEmbedded)]
    assert counts == sorted(counts)
    assert counts[-1] == progress.total
    assert progress.seconds_left == 0


def test_rate_is_texts_by_the_clock_and_the_rest_takes_as_long(run_study: RunStudy) -> None:
    progress = Watched(step=0.5)
    run_study(plan(4, sizes=(1, 4), repeats=0), listeners=(progress,))
    figures = [
        (done, rate, left)
        for event, done, rate, left in progress.seen
        if isinstance(event, BatchEmbedded)
    ]
    # Unbatched two texts a second, then one batch of four in half a second.
    assert figures == [
        (1, 2.0, 3.5),
        (2, 2.0, 3.0),
        (3, 2.0, 2.5),
        (4, 2.0, 2.0),
        (8, 8 / 2.5, 0.0),
    ]


def test_before_the_first_batch_there_is_no_rate(run_study: RunStudy) -> None:
    progress = Watched()
    run_study(plan(4), listeners=(progress,))
    before = progress.seen[: [isinstance(e, BatchEmbedded) for e, *_ in progress.seen].index(True)]
    assert len(before) > 3
    assert all(rate is None and left is None for _, _, rate, left in before)


def test_each_setting_has_a_rate_of_its_own(run_study: RunStudy) -> None:
    progress = Watched(step=1.0)

    def slower(event: Event) -> None:
        if isinstance(event, SettingEnded):
            progress.clock.step = 4.0

    made = plan(2, "float16", "float32", sizes=(1,), repeats=0)
    run_study(made, listeners=(progress, slower))
    rates = [rate for event, _, rate, _ in progress.seen if isinstance(event, BatchEmbedded)]
    assert rates == [1.0, 1.0, 0.25, 0.25]


def test_refused_texts_count_as_done(run_study: RunStudy) -> None:
    progress = Watched()
    run_study(plan(pack("a", REFUSED, "c"), sizes=(1, 2), repeats=1), listeners=(progress,))
    assert progress.total == 3 * 4
    counts = [done for event, done, _, _ in progress.seen if isinstance(event, BatchEmbedded)]
    assert counts[0] == 4 + 1
    assert counts[-1] == progress.total


def test_a_setting_that_failed_counts_as_done(run_study: RunStudy) -> None:
    progress = Watched()
    script = Script(failures={("load", "float16"): EngineError("no")})
    run_study(plan(4, "float16", "float32", sizes=(1,)), script, listeners=(progress,))
    assert progress.done == progress.total


def test_a_cancelled_run_does_not_jump_to_its_end(run_study: RunStudy) -> None:
    progress = Progress()
    told = run_study(plan(4, sizes=(1,), repeats=0)).told
    half = told.before(told.of(BatchEmbedded)[2])
    for event in [*half, SettingEnded(0, "cancelled"), RunEnded("cancelled")]:
        progress(event)
    assert (progress.done, progress.total) == (2, 4)
    assert not progress.measuring


def test_says_what_is_done(run_study: RunStudy) -> None:
    progress = Progress()
    seen: list[str] = []

    def look(_event: Event) -> None:
        if not seen or seen[-1] != progress.what:
            seen.append(progress.what)

    run_study(plan(2, "float16", sizes=(1, 2), repeats=1), listeners=(progress, look))
    assert seen == [
        "starting",
        "importing vLLM",
        "float16: reading the model's configuration",
        "float16: loading weights",
        "float16: ready",
        "float16: unbatched",
        "float16: batches of 2",
        "float16: unbatched, again",
        "float16: batches of 2, again",
        "float64 reference",
        "loading weights in float64",
        "float64 reference",
    ]
