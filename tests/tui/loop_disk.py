"""What touches the disk in the thread of the event loop, where one that is slow stops the screen.

Python tells of files that are opened, listed, made and removed by audit events; of `stat` it tells
nothing, so that is wrapped. Modules that are imported when they are needed are no part of it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

_EVENTS = {
    *("open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.truncate"),
    *("os.rmdir", "os.link", "os.symlink", "os.chmod", "os.utime", "shutil.rmtree"),
    "sqlite3.connect",
}
_NOT_OURS = ("importlib", "linecache.py", "tests/tui/conftest.py", "/_pytest/logging.py")
_NO_DISK = ("/dev/", "/proc/")

_watched: list[tuple[int, list[str]]] = []
"""The thread of the loop, and what was found; an audit hook can never be taken away again."""


def _take(event: str, what: object) -> None:
    for thread, found in _watched:
        if threading.get_ident() != thread or str(what).startswith(_NO_DISK):
            continue
        places = list(_places(sys._getframe(2)))
        if not any(part in place for place in places for part in _NOT_OURS):
            ours = next((one for one in places if "/embedtui/" in one), places[0])
            found.append(f"{event} {what} in {ours}")


def _places(frame: FrameType | None) -> Iterator[str]:
    """Yield where a frame is and what called it, without reading a line of it."""
    while frame is not None:
        yield f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in _EVENTS and not isinstance(next(iter(arguments), None), int):
        _take(event, next(iter(arguments), ""))


sys.addaudithook(_heard)


@contextmanager
def watched(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give the list of what this thread does with the disk meanwhile."""
    real = os.stat

    def stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if not isinstance(path, int):
            _take("os.stat", path)
        return real(path, *arguments, **options)

    entry = threading.get_ident(), list[str]()
    patch.setattr(os, "stat", stat)
    _watched.append(entry)
    try:
        yield entry[1]
    finally:
        _watched.remove(entry)
