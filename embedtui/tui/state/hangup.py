"""The end of the terminal itself: a window that was closed, a connection that broke.

Whoever is the terminal's own session gets SIGHUP then. Others, as under `setsid` or a debugger, get
nothing: Textual reads the end of the file again and again and takes it for no keys.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from embedtui.tui.state.supervisor import Worker

_STDIN = 0
_MILLISECONDS = 500
"""How long the watch takes to see that it is not needed any more."""


def is_gone(wait_ms: int = 0) -> bool:
    """Say whether the terminal that keys come from is gone, or goes within some milliseconds."""
    poller = select.poll()
    poller.register(_STDIN, 0)  # the end is told without being asked for
    return bool(poller.poll(wait_ms))


@contextmanager
def watched(tell: Callable[[], object]) -> Iterator[None]:
    """Call `tell`, from a thread of its own, once the terminal is gone."""
    over = False

    def watch() -> None:
        while not over:
            if is_gone(_MILLISECONDS):
                tell()
                return

    worker = Worker("hangup", "watching the terminal", watch)
    worker.start()
    try:
        yield
    finally:
        over = True
        worker.join(2)
