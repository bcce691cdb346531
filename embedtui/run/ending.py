"""How a run is ended from outside: after the batch in hand, at once, or by being left behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from embedtui.common.errors import Cancelled

_TURN_SECONDS = 0.1
"""How soon a signal is obeyed."""
KILL_SECONDS = 10.0
"""How long a run may take to end after its engine was killed."""


class LeftBehind(Cancelled):
    """A run does not end though its engine was killed, and nobody waits for it any more."""


class Stoppable(Protocol):
    """A run; both may be called from any thread."""

    def cancel(self) -> None:
        """Stop after the batch in hand."""

    def kill(self) -> None:
        """Stop now: the engine that works is killed."""


class EndRequests:
    """How urgently the end was asked for: 0 not at all, 1 after the batch in hand, 2 at once."""

    def __init__(self) -> None:
        self.urgency = 0


@contextmanager
def end_requests() -> Iterator[EndRequests]:
    """Count Ctrl+C once and SIGTERM twice, in place of an error in the midst of anything.

    Enter it before anybody is told of Ctrl+C, and leave it when all that must be whole is closed.
    """
    asked = EndRequests()

    def on_signal(signum: int, _frame: FrameType | None) -> None:
        asked.urgency += 1 if signum == signal.SIGINT else 2

    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {signum: signal.signal(signum, on_signal) for signum in wanted}
    try:
        yield asked
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def wait_for_end(
    run: Stoppable,
    over: Callable[[float], bool],
    asked: EndRequests,
    say: Callable[[str], None],
    beat: Callable[[], str],
) -> None:
    """Wait until `over`, which waits some seconds at most, says so; obey what is asked meanwhile.

    What `beat` has to tell, asked all the time, is said.

    Raises:
        LeftBehind: if the run does not end though its engine was killed.
    """
    cancelled = False
    given_up: float | None = None
    while not over(_TURN_SECONDS):
        if news := beat():
            say(news)
        if asked.urgency and not cancelled:
            cancelled = True
            if asked.urgency == 1:
                run.cancel()
                say("stopping after this batch; Ctrl+C again kills the engine")
        if asked.urgency > 1 and given_up is None:
            given_up = time.monotonic() + KILL_SECONDS
            threading.Thread(target=run.kill, daemon=True).start()
        if given_up is not None and time.monotonic() > given_up:
            raise LeftBehind(
                f"the run did not end within {KILL_SECONDS:.0f} s though its engine was killed"
            )
