"""Processes that never outlive the one they work for, whichever way that one ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, signum: signal.Signals) -> None:
    """Ask the kernel to send `signum` to this process when the parent thread that started it ends.

    `parent` is the process id that must still be the parent: if it died before the request was
    made, no signal would ever come, so this process ends at once. Only Linux has the call;
    elsewhere the closed socket alone tells that the parent is gone.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def redirect_output(log: str) -> None:
    """Point descriptors 1 and 2 at `log` and descriptor 0 at nothing.

    vLLM, native libraries and their children write to these descriptors whatever Python's
    sys.stdout is; only here can all of it be caught.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    for descriptor in (nothing, target):
        if descriptor > 2:
            os.close(descriptor)


def kill_group(pid: int) -> None:
    """Kill a process that leads a group, and everything in the group."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
