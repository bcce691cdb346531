"""Keeps the screen to the app: whatever else writes to descriptors 1 and 2 goes to a log.

vLLM's processes, native libraries and warnings write there at any time, and one line would tear the
picture. Textual draws on `sys.__stderr__`; the app gets a copy of the terminal's descriptor under
that name, and the descriptors themselves lead into a file. Inside a running app Textual replaces
`sys.stdout` by an object without a descriptor, which breaks whatever starts processes; `mounted`
puts the log in its place.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from embedtui.common import paths

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Guard:
    """The streams while the app has the screen."""

    def __init__(self, log: TextIO, path: Path) -> None:
        self.path = path
        """The file that everything else is written to."""
        self._log = log

    def mounted(self) -> None:
        """Give `print` and all that asks for a descriptor the log; call it in `on_mount`."""
        sys.stdout = sys.stderr = self._log


class _Screen(io.FileIO):
    """The terminal; once it is gone, what is drawn goes nowhere.

    An error would end the thread that writes, and whoever draws would wait for it for ever.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return memoryview(data).nbytes


@contextmanager
def guarded(path: Path) -> Iterator[Guard]:
    """Turn descriptors 1 and 2 into the log for as long as the app runs.

    Leaving puts everything back, also when the app has failed: its traceback is for the terminal.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    streams = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    screen = io.BufferedWriter(_Screen(os.dup(2), "wb"))
    terminal = io.TextIOWrapper(screen, encoding="utf-8", errors="replace", line_buffering=True)
    log = paths.create_private(path).open("a", encoding="utf-8", errors="replace", buffering=1)
    try:
        sys.__stderr__ = sys.__stdout__ = sys.stdout = sys.stderr = terminal  # type: ignore[misc]
        for descriptor in kept:
            os.dup2(log.fileno(), descriptor)
        yield Guard(log, path)
    finally:
        log.flush()
        for descriptor, copy in kept.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
        terminal.close()


def is_terminal() -> bool:
    """Say whether there is a terminal to draw on and keys to come from it."""
    return (
        sys.stdin.isatty()
        and sys.stdout.isatty()
        and sys.stderr.isatty()
        and os.environ.get("TERM") not in {None, "", "dumb", "unknown"}
    )
