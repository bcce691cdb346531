"""Texts per second of a setting at a batch size, over all passes that tell it."""

from __future__ import annotations

from embedtui.measure.intervals import Spread, spread
from embedtui.plan.plan import FIRST
from embedtui.results.results import SettingResults


def speed_of(setting: SettingResults, batch_size: int) -> Spread | None:
    """Return the spread of texts per second over warm passes; None before the first batch.

    Repeats and other orders run what the first pass ran, once kernels are compiled and memory is
    there, so that the first pass counts only where it is the only one. So do restarts, whose engine
    is new. A pass that lacks texts may have the short ones: it counts only if none is through.
    """
    passes = {key: one for (size, key), one in setting.passes.items() if size == batch_size}
    most = max((one.count for one in passes.values()), default=0)
    whole = {key: one for key, one in passes.items() if one.count == most}
    warm = {key: one for key, one in whole.items() if key.kind in {"shuffle", "repeat"}}
    timed = warm or {key: one for key, one in whole.items() if key == FIRST} or whole
    speeds = (one.texts_per_second for one in timed.values())
    seconds = sum(one.seconds for one in timed.values())
    return spread([speed for speed in speeds if speed is not None], seconds)


def fastest(setting: SettingResults) -> tuple[int, Spread] | None:
    """Return the most texts that a step held at the fastest batch size, and its speed.

    A batch size of which a part is still to come counts only while none is through: the first
    batches of a pass may be shorter texts than the rest.
    """
    speeds = [
        (one.count == len(one.done), speed.median, one.most_together, speed)
        for size in (1, *setting.batched)
        if (one := setting.pass_of(size)).count and (speed := speed_of(setting, size)) is not None
    ]
    if not speeds:
        return None
    *_, held, speed = max(speeds, key=lambda found: found[:3])
    return held, speed


def describe(found: Spread) -> str:
    """Return the median with its range, or that one pass alone was timed."""
    if found.passes == 1:
        return f"{_figure(found.median)} texts/s in one pass"
    return (
        f"{_figure(found.median)} texts/s, {_figure(found.low)} to {_figure(found.high)} in "
        f"{found.passes} passes"
    )


def _figure(speed: float) -> str:
    return f"{speed:.0f}" if speed >= 10 else f"{speed:.2g}"
