"""What tests of real engines do again and again."""

from __future__ import annotations

from embedtui.engine.client import Engine, Engines
from embedtui.engine.messages import BatchDone, Job, Load
from embedtui.engine.settings import Setting

ROOM = 16_384
"""Tokens a step may hold: 64 of the longest texts of a model with a limit of 256."""


def loaded(
    engines: Engines,
    setting: Setting,
    texts: tuple[str, ...],
    *,
    largest: int = 64,
    room: int | None = None,
    too_long: str = "truncate",
) -> Engine:
    """Return an engine that holds these texts, a warm one if there is one."""
    engine = engines.warm(setting)
    if engine is None:
        engine = with_texts(engines, setting, texts, too_long)
        budget = room or setting.max_num_batched_tokens or ROOM
        engine.load(Load(largest, budget, 512), silent, never)
    engine.prepare(texts, too_long, silent, never)
    return engine


def with_texts(
    engines: Engines, setting: Setting, texts: tuple[str, ...], too_long: str = "truncate"
) -> Engine:
    """Return a new engine that has tokenized these texts and not yet loaded its weights."""
    engine = engines.begin(setting, 1 << 30, never)
    engine.open(silent, never)
    engine.prepare(texts, too_long, silent, never)
    return engine


def batches(engine: Engine, count: int, size: int) -> list[BatchDone]:
    """Run the first `count` texts in batches of `size`."""
    jobs = [
        Job(number, tuple(range(start, min(start + size, count))))
        for number, start in enumerate(range(0, count, size))
    ]
    return list(engine.embed(jobs, never))


def never() -> bool:
    return False


def silent(_: str) -> None:
    pass
