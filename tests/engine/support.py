"""What tests of real engines do again and again."""

from __future__ import annotations

from collections.abc import Iterator

from embedtui.engine.forked import ForkedEngine
from embedtui.engine.messages import BatchDone, Job, Load, Reference, ReferenceDone, TooLong
from embedtui.engine.pool import EngineLease, VllmPool
from embedtui.engine.port import Engine, OnStage, Stop, never, silent
from embedtui.engine.settings import Setting

ROOM = 16_384
"""Tokens a step may hold: 64 of the longest texts of a model with a limit of 256."""


class Engines(VllmPool):
    """A pool that keeps the leases of what tests take from it, until they drop or leave it."""

    def __init__(self) -> None:
        super().__init__()
        self._taken: list[EngineLease] = []

    def warm(self, setting: Setting) -> ForkedEngine | None:
        """Return the living engine of this setting if one stands."""
        for lease in list(self._taken):
            if not lease.engine.alive:
                self.drop(lease.engine)
            elif lease.engine.setting == setting:
                return _forked(lease)
        found = self.get(setting)
        return None if found is None else self._take(found)

    def begin(self, setting: Setting, needed_bytes: int, stop: Stop) -> ForkedEngine:
        return self._take(self.spawn(setting, needed_bytes, stop))

    def leave(self, engine: Engine) -> None:
        """Give an engine back, so that it may have to make room."""
        for lease in self._leases_of(engine):
            lease.release()

    def drop(self, engine: Engine) -> None:
        for lease in self._leases_of(engine):
            lease.discard()

    def float64_of(self, request: Reference, tell: OnStage, stop: Stop) -> Iterator[ReferenceDone]:
        with self.reference(stop) as model:
            yield from model.embed(request, tell, stop)

    def _take(self, lease: EngineLease) -> ForkedEngine:
        self._taken.append(lease)
        return _forked(lease)

    def _leases_of(self, engine: Engine) -> list[EngineLease]:
        """Return the leases of an engine, which are kept no longer."""
        found = [lease for lease in self._taken if lease.engine is engine]
        self._taken = [lease for lease in self._taken if lease.engine is not engine]
        return found


def _forked(lease: EngineLease) -> ForkedEngine:
    assert isinstance(lease.engine, ForkedEngine)
    return lease.engine


def loaded(
    engines: Engines,
    setting: Setting,
    texts: tuple[str, ...],
    *,
    largest: int = 64,
    room: int | None = None,
    too_long: TooLong = "truncate",
) -> ForkedEngine:
    """Return an engine that holds these texts, a warm one if there is one."""
    engine = engines.warm(setting)
    if engine is None:
        engine = with_texts(engines, setting, texts, too_long)
        budget = room or setting.max_num_batched_tokens or ROOM
        engine.load(Load(largest, budget, 512), silent, never)
    engine.prepare(texts, too_long, silent, never)
    return engine


def with_texts(
    engines: Engines, setting: Setting, texts: tuple[str, ...], too_long: TooLong = "truncate"
) -> ForkedEngine:
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
