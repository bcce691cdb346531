"""The process between embedtui and a server that it has started: the server never outlives either.

`python -m embedtui.engine.remote.server_supervisor LOG COMMAND…` runs the command in a group of its
own and reads its standard input, which only embedtui can write to. Whatever way embedtui ends, also
by `kill -9`, the pipe closes, and everything in the group is ended: asked first, killed soon after.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

_PATIENCE = 10.0
"""Seconds that a server has to end in good order."""
_POLL = 0.1


def main(log: str, command: list[str]) -> NoReturn:
    """Run `command` until it ends or the pipe closes; exit with its status."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, _told_to_end)
    own = os.getpid()

    def die_with_keeper() -> None:
        from embedtui.engine import process_utils  # noqa: PLC0415 - in the child, after the fork

        process_utils.die_with(own, signal.SIGKILL)

    with Path(log).open("ab") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_keeper,  # noqa: PLW1509 - this process has no threads
        )
    try:
        while server.poll() is None:
            readable, _, _ = select.select([sys.stdin], [], [], _POLL)
            if readable and not os.read(sys.stdin.fileno(), 1):
                break
    except _End:
        pass
    finally:
        _end(server)
    status = server.returncode
    os._exit(status if status >= 0 else 128 - status)


class _End(BaseException):
    """A signal asked this process to end."""


def _told_to_end(_signum: int, _frame: FrameType | None) -> None:
    raise _End


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and whatever it has started."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    group = server.pid
    if server.poll() is None:
        server.terminate()  # it ends in good order what it has started
    until = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < until:
        time.sleep(_POLL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    server.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
