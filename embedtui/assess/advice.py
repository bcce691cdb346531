"""The search for the cheapest setting that holds, without measuring the whole grid.

Every candidate is measured unbatched and at the largest batch: that gives its speed, and rules out
most that do not hold. From the fastest of the rest on, the batch sizes between are measured until
one holds; it is the one that the whole grid would recommend, for nothing slower is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embedtui.assess.answers import Answers, Entry, answer
from embedtui.assess.tolerance import Verdicts, judge
from embedtui.engine.serve_command import serve_command
from embedtui.engine.settings import Setting
from embedtui.measure.intervals import Spread, about_equal
from embedtui.plan.scenarios import Scenario
from embedtui.results.speeds import speed_of

Measure = Callable[[Setting, tuple[int, ...]], Entry | None]
"""Measures a setting at these batch sizes; None where it cannot be run."""


@dataclass(frozen=True)
class Step:
    """What one candidate showed."""

    entry: Entry
    batch_sizes: tuple[int, ...]
    verdicts: Verdicts
    spread: Spread | None
    """Texts per second at the largest batch; None where it was not measured."""

    @property
    def speed(self) -> float | None:
        """The median of that."""
        return None if self.spread is None else self.spread.median


@dataclass(frozen=True)
class Advice:
    """What the search came to."""

    answers: Answers
    entries: tuple[Entry, ...]
    """The settings that `answers` speaks of: those that were measured at every batch size, or ruled
    out before."""
    steps: tuple[Step, ...]
    cells: int
    """Settings x batch sizes that were measured."""
    grid: int
    """How many the whole grid would have had."""


def advise(
    settings: Sequence[Setting],
    batch_sizes: Sequence[int],
    use: Scenario,
    measure: Measure,
    tell: Callable[[Step], None] = lambda _: None,
) -> Advice:
    """Return the cheapest setting that holds, and what was measured to find it.

    Settings that no server can be asked for are left out.
    """
    sizes = tuple(sorted({1, *batch_sizes}))
    ends = tuple(sorted({1, sizes[-1]}))
    able = [setting for setting in settings if serve_command(setting, 1) is not None]
    steps: list[Step] = []

    def take(setting: Setting, wanted: tuple[int, ...]) -> Step | None:
        entry = measure(setting, wanted)
        if entry is None or not entry.setting.unbatched.count:
            return None
        speed = speed_of(entry.setting, sizes[-1])
        verdicts = judge(entry.results, entry.setting, use)
        step = Step(entry, wanted, verdicts, speed)
        steps.append(step)
        tell(step)
        return step

    first = [step for step in (take(setting, ends) for setting in able) if step is not None]
    cells = len(ends) * len(first)
    out = [step.entry for step in first if not _may_hold(step)]
    hopeful = sorted((step for step in first if _may_hold(step)), key=by_speed)
    whole: list[Entry] = []
    best: Spread | None = None
    for step in hopeful:
        if best is not None and step.spread is not None and not about_equal(step.spread, best):
            continue
        done: Step | None = step
        if sizes != ends:
            done = take(step.entry.setting.setting, sizes)
            cells += len(sizes) - len(ends)
        if done is None:
            continue
        whole.append(done.entry)
        if best is None and _may_hold(done):
            best = step.spread
    entries = (*whole, *out)
    return Advice(answer(entries, use), entries, tuple(steps), cells, len(able) * len(sizes))


def by_speed(step: Step) -> float:
    """Order steps by their speed, the fastest first, those without one last."""
    return math.inf if step.speed is None else -step.speed


def _may_hold(step: Step) -> bool:
    return step.verdicts.fits and not step.entry.fault
