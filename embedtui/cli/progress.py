"""Progress on standard error: a live bar in a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from embedtui.common.printable import printable
from embedtui.common.wording import duration
from embedtui.measure import compare
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    LayersJudged,
    ReferenceComputed,
    RunEnded,
    Waiting,
)
from embedtui.results.progress import Progress
from embedtui.results.results import Results

_PLAIN_SECONDS = 5.0
_BAR_SECONDS = 0.25
_BAR_WIDTH = 12


class Display(Protocol):
    """Something that shows a run's events as they come."""

    def __call__(self, event: Event) -> None:
        """Take in one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def display_for(results: Results, console: Console) -> Display:
    """Return the display that fits the console."""
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveBar(results, console) if live else PlainLines(results, console)


class Silence:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Take in one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class LiveBar:
    """One line that moves, at most four times a second so that a slow link keeps up."""

    def __init__(self, results: Results, console: Console) -> None:
        self._drift = _Drift(results)
        self._progress = Progress()
        self._painted = 0.0
        self._bar = Bar(
            BarColumn(bar_width=_BAR_WIDTH),
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
        self._drift(event)
        now = time.monotonic()
        if now - self._painted < _BAR_SECONDS and not isinstance(event, Waiting):
            return
        self._painted = now
        self._bar.update(
            self._task,
            total=self._progress.total or None,
            completed=self._progress.done,
            # The bar, the percentage, and a blank beside each.
            description=_line(
                self._progress, self._drift, self._bar.console.width - _BAR_WIDTH - 7
            ),
        )
        self._bar.refresh()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()


class PlainLines:
    """A line when something else begins, at the first drift, and every five seconds."""

    def __init__(self, results: Results, console: Console) -> None:
        self._drift = _Drift(results)
        self._console = console
        self._progress = Progress()
        self._began = self._said_at = time.monotonic()
        self._first_drift = False

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        self._progress(event)
        self._drift(event)
        now = time.monotonic()
        due = now - self._said_at >= _PLAIN_SECONDS
        first = isinstance(event, BatchEmbedded) and event.batch_size > 1 and not self._first_drift
        if first:
            self._first_drift = True
        if (
            isinstance(event, Waiting | RunEnded)
            or first
            or (due and isinstance(event, BatchEmbedded | ReferenceComputed | LayersJudged))
        ):
            self._said_at = now
            what = f"{event.status}" if isinstance(event, RunEnded) else None
            line = what or _line(self._progress, self._drift)
            self._console.print(f"[{now - self._began:6.1f} s] {line}", soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""


class _Drift:
    """The largest batch drift of the setting in hand.

    Kept up batch by batch: measuring all texts again for every line would slow the run down.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._setting: int | None = None
        self._texts: Counter[int] = Counter()
        self._largest = 0.0
        self._at: int | None = None
        """The batch size with the largest drift; None as long as every bit is equal."""

    def __call__(self, event: Event) -> None:
        """Take in one event, after the results have."""
        if isinstance(event, EngineReady | BatchEmbedded) and event.setting != self._setting:
            self._setting = event.setting
            self._texts, self._largest, self._at = Counter(), 0.0, None
        if isinstance(event, BatchEmbedded) and _is_drift(event):
            alone = self._results.settings[event.setting].unbatched.vectors[list(event.rows)]
            distances = compare(event.vectors, alone)
            self._texts[event.batch_size] += len(event.rows)
            moved = distances.l2[~distances.identical & np.isfinite(distances.l2)]
            if len(moved) and (self._at is None or moved.max() > self._largest):
                self._largest, self._at = float(moved.max()), event.batch_size

    def __str__(self) -> str:
        if not self._texts:
            return ""
        if self._at is None:
            return f"batch drift: none in {max(self._texts.values())} texts"
        return f"batch drift: L2 up to {self._largest:.1e} at batch size {self._at}"

    @property
    def short(self) -> str:
        """The same in as few columns as can be."""
        if not self._texts:
            return ""
        return "no drift" if self._at is None else f"L2 {self._largest:.1e}"


def _line(progress: Progress, drift: _Drift, width: int | None = None) -> str:
    """Return what is done, the drift so far, the rate and the time left, within `width` columns."""
    pace = []
    if progress.measuring and progress.texts_per_second and progress.seconds_left is not None:
        pace.append(f"{progress.texts_per_second:.0f} texts/s")
        pace.append(f"{duration(progress.seconds_left)} left")
    what = printable(progress.what)
    found = [said for said in (str(drift), drift.short) if said and progress.measuring] or [""]
    for said in found:
        line = " · ".join(part for part in (what, said, *pace) if part)
        if width is None or len(line) <= width:
            return line
    rest = "".join(f" · {part}" for part in (found[-1], *pace) if part)
    return printable(what, max((width or 0) - len(rest), 1)) + rest


def _is_drift(event: BatchEmbedded) -> bool:
    """Say whether it is one of the batches that the drift of a setting is measured by."""
    return event.batch_size > 1 and event.pass_key.kind in {"first", "shuffle"}
