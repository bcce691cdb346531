"""Progress on standard error: a live bar in a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from embedtui.measure import summarize
from embedtui.printable import printable
from embedtui.study.events import BatchEmbedded, Event, RunEnded, TruthComputed, Waiting
from embedtui.study.progress import Progress
from embedtui.study.results import Results

_PLAIN_SECONDS = 5.0
_BAR_SECONDS = 0.25


class Display(Protocol):
    """Something that shows a run's events as they come."""

    def __call__(self, event: Event) -> None:
        """Take in one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def display_for(results: Results, console: Console) -> Display:
    """Return the display that fits the console."""
    return LiveBar(results, console) if console.is_terminal else PlainLines(results, console)


class Silence:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Take in one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class LiveBar:
    """One line that moves, at most four times a second so that a slow link keeps up."""

    def __init__(self, results: Results, console: Console) -> None:
        self._results = results
        self._progress = Progress()
        self._painted = 0.0
        self._bar = Bar(
            BarColumn(bar_width=16),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("starting", total=None)
        self._bar.start()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        self._progress(event)
        now = time.monotonic()
        if now - self._painted < _BAR_SECONDS and not isinstance(event, Waiting):
            return
        self._painted = now
        self._bar.update(
            self._task,
            total=self._progress.total or None,
            completed=self._progress.done,
            description=_line(self._progress, self._results),
        )
        self._bar.refresh()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()


class PlainLines:
    """A line when something else begins, at the first drift, and every five seconds."""

    def __init__(self, results: Results, console: Console) -> None:
        self._results = results
        self._console = console
        self._progress = Progress()
        self._began = self._said_at = time.monotonic()
        self._first_drift = False

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        self._progress(event)
        now = time.monotonic()
        due = now - self._said_at >= _PLAIN_SECONDS
        first = isinstance(event, BatchEmbedded) and event.batch_size > 1 and not self._first_drift
        if first:
            self._first_drift = True
        if (
            isinstance(event, Waiting | RunEnded)
            or first
            or (due and isinstance(event, BatchEmbedded | TruthComputed))
        ):
            self._said_at = now
            what = f"{event.status}" if isinstance(event, RunEnded) else None
            line = what or _line(self._progress, self._results)
            self._console.print(f"[{now - self._began:6.1f} s] {line}", soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""


def _line(progress: Progress, results: Results) -> str:
    parts = [progress.what]
    if progress.setting is not None and progress.measuring:
        drift = _drift_so_far(results, progress.setting)
        if drift:
            parts.append(drift)
        if progress.texts_per_second and progress.seconds_left is not None:
            parts.append(f"{progress.texts_per_second:.0f} texts/s")
            parts.append(f"{_duration(progress.seconds_left)} left")
    return printable(" · ".join(parts))


def _drift_so_far(results: Results, setting: int) -> str:
    found = results.settings[setting]
    sizes = [size for size, repeat in found.passes if repeat == 0 and size > 1]
    summaries = {size: summarize(found.drift(size)[1]) for size in sizes}
    summaries = {size: one for size, one in summaries.items() if one.pairs}
    if not summaries:
        return ""
    if all(one.all_identical for one in summaries.values()):
        return f"batch drift: none in {max(one.pairs for one in summaries.values())} texts"
    size = max(summaries, key=lambda s: summaries[s]["l2"]["max"])
    return f"batch drift: L2 up to {summaries[size]['l2']['max']:.1e} at batch size {size}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
