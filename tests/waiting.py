"""Waiting for what must come about."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], object],
    seconds: float = 120,
    shown: Callable[[], object] = lambda: "",
) -> None:
    """Ask again and again until something holds; fail after some seconds with what is shown."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it never came about: {shown()}"
        time.sleep(0.01)
