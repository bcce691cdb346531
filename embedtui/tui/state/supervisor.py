"""Where failures of the screen's process go: each is counted, logged, reported and told in a line.

Every thread of the explorer is a `Worker`, and what none of them caught comes here by the hooks of
`threading` and `sys`: nothing may end in silence, for a screen that stands still looks like one
that has nothing to show.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from embedtui.common import crash

_MOST_REPORTS = 10
"""Crash reports of one explorer; what fails in every frame must not fill the disk."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0

_log = logging.getLogger("embedtui")


def nobody(_line: str) -> None:
    """Stand for a screen that is not there."""


class Supervisor:
    """Counts what failed and tells the screen, from any thread."""

    def __init__(self) -> None:
        self.failures = 0
        """How many errors came here."""
        self.tell: Callable[[str], None] = nobody
        """Shows a line; called in the thread that failed."""
        self._lock = threading.Lock()
        self._reports: dict[tuple[object, ...], Path | None] = {}
        """The report of each error that was seen, by what failed where."""

    def failed(self, doing: str, error: BaseException) -> None:
        """Take note of an error; one that comes again has the report of the first time."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = (place.tb_frame.f_code, place.tb_lineno) if place is not None else None
        key = (doing, type(error), where)
        with self._lock:
            self.failures += 1
            known = key in self._reports
            if not known:
                full = len(self._reports) >= _MOST_REPORTS
                self._reports[key] = None if full else crash.write(error, doing)
            line = f"{doing} failed: {crash.describe(error, self._reports[key])}"
        _log.error("%s%s", line, "" if known else f"\n{crash.redacted(crash.trace(error))}")
        self.tell(line)

    def watch(self, doing: str) -> Watch:
        """Return a context that no error leaves: it comes here instead."""
        return Watch(self, doing)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Have what no thread caught, and what Python cannot raise, come here."""

        def in_thread(found: threading.ExceptHookArgs) -> None:
            if found.exc_value is not None and found.exc_type is not SystemExit:
                name = found.thread.name if found.thread is not None else "a thread"
                self.failed(name, found.exc_value)

        def unraisable(found: sys.UnraisableHookArgs) -> None:
            if found.exc_value is not None:
                self.failed(found.err_msg or "cleaning up", found.exc_value)

        before = threading.excepthook, sys.unraisablehook
        threading.excepthook, sys.unraisablehook = in_thread, unraisable
        try:
            yield
        finally:
            threading.excepthook, sys.unraisablehook = before


class Watch:
    """Hands an error to the supervisor in place of whoever comes next."""

    def __init__(self, supervisor: Supervisor, doing: str) -> None:
        self.failed = False
        """Whether there was an error."""
        self._supervisor, self._doing = supervisor, doing

    def __enter__(self) -> Watch:
        """Begin."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        """Take an error, but for those that end the process."""
        if not isinstance(error, Exception):
            return False
        self.failed = True
        self._supervisor.failed(self._doing, error)
        return True


SUPERVISOR = Supervisor()
"""The one of this process, as its hooks are."""


class Worker:
    """A thread whose errors are told, and that goes on after one where that makes sense."""

    def __init__(
        self, name: str, doing: str, work: Callable[[], None], *, restarts: bool = False
    ) -> None:
        self._doing, self._work, self._restarts = doing, work, restarts
        self._ended = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"embedtui-{name}", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Have the work not begun again; whoever gave it ends it."""
        self._ended.set()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the end of the work, if it has begun; say whether none is done any more."""
        # A `Thread.join` that Ctrl+C interrupts has Python take the thread for ended.
        return self._thread.ident is None or self._over.wait(seconds)

    def _run(self) -> None:
        try:
            self._go_on()
        finally:
            self._over.set()

    def _go_on(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            with SUPERVISOR.watch(self._doing) as watch:
                self._work()
            if not (watch.failed and self._restarts) or self._ended.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)
