"""Whether the processes that a run waits for can answer at all."""

from __future__ import annotations

import time
from collections.abc import Callable

from embedtui.engine.port import EnginePool, Stopped

HEARTBEAT_SECONDS = 2.0
"""How often it is asked."""


class Heartbeat:
    """Tells of processes that a signal has stopped, which nothing else says of itself."""

    def __init__(
        self, engines: EnginePool, ends: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engines = engines
        self._ends = ends
        """What ends the run, as the end of a sentence."""
        self._clock = clock
        self._asked = float("-inf")
        self._stopped: list[Stopped] = []

    @property
    def stalled(self) -> str:
        """What stands still and how it goes on, in a line; empty where nothing does."""
        return f"{self._stopped[0]}, {self._ends}" if self._stopped else ""

    def beat(self) -> str:
        """Ask, if it is time to; return what has changed since, in a line."""
        now = self._clock()
        if now - self._asked < HEARTBEAT_SECONDS:
            return ""
        self._asked = now
        before, self._stopped = self._stopped, self._engines.stopped()
        if self._stopped == before:
            return ""
        return self.stalled or f"the {before[0].what}'s process goes on"
