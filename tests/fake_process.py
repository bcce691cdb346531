"""Processes that are none: they can be killed, and die, as real ones can."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from embedtui.common.errors import Cancelled, EngineError
from embedtui.engine.port import Stop, Stopped, never
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.fakes import Script


class FakeHost:
    """Stands for the process that has imported vLLM."""

    def __init__(self, script: Script, logs: Path) -> None:
        self._script = script
        self.logs = logs
        self.closed = False
        self.stopped_ones: list[Stopped] = []
        """What a signal is said to have stopped."""

    def start(self) -> None:
        pass

    def wait_ready(self, stop: Stop = never) -> None:
        self._script.raise_for("import")
        self._script.on_import()
        if self._script.import_never_ends:
            wait_until(lambda: self.closed or stop())
            if stop():
                raise Cancelled("cancelled while vLLM was being imported")
        if self.closed:
            raise EngineError("the engine host was closed")

    def stopped(self) -> list[Stopped]:
        return list(self.stopped_ones)

    def close(self) -> str:
        self.closed = True
        return ""


class FakeProcess:
    """Stands for an engine's process."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.busy = False
        self.killed = threading.Event()
        self.died = threading.Event()
        self.closed = False

    @property
    def alive(self) -> bool:
        return not self.killed.is_set() and not self.died.is_set() and not self.closed

    def kill(self) -> None:
        self.killed.set()

    def die(self) -> None:
        """End without having been told to."""
        self.died.set()

    def close(self) -> None:
        self.closed = True

    def check(self) -> None:
        """Raise what a process that has ended raises."""
        if self.killed.is_set():
            raise Cancelled("the engine was killed")
        if not self.alive:
            raise EngineError("the engine process ended")

    @contextmanager
    def work(self) -> Iterator[None]:
        self.check()
        self.busy = True
        try:
            yield
        finally:
            self.busy = False
