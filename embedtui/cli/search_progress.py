"""Searches for neighbours that take long say how far they are, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from rich.console import Console

from embedtui.assess.retrieval import reporting_progress
from embedtui.cli import output

_SECONDS = 5.0

Given = ParamSpec("Given")
Result = TypeVar("Result")


def with_search_progress(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Have a command tell of the searches that it waits for, unless it was asked to be quiet."""

    @wraps(command)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if kwargs.get("quiet"):
            return command(*args, **kwargs)
        with reporting_progress(Lines(output.err())):
            return command(*args, **kwargs)

    return told


class Lines:
    """A line every five seconds, so that one that is soon over says nothing."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._said_at = clock()
        self._share = 1.0

    def __call__(self, share: float) -> None:
        """Take in which share of a search is done, 0 to 1."""
        now = self._clock()
        if share < self._share:  # another search begins
            self._said_at = max(self._said_at, now - _SECONDS / 2)
        self._share = share
        if now - self._said_at >= _SECONDS:
            self._said_at = now
            self._console.print(f"searching neighbours: {share:.0%}", soft_wrap=True)
