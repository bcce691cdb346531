"""The thread that composes what is shown, so that the one that draws has only to paint.

Frames come at most so often a second: a line over which every batch were painted would choke, and
a screen that paints all the time cannot take keys.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from embedtui import charts
from embedtui.charts import Picture
from embedtui.charts.picture import message
from embedtui.tui.state.supervisor import SUPERVISOR, Worker
from embedtui.tui.viewmodel.chart_renderer import PICTURES
from embedtui.tui.viewmodel.view_builder import ViewBuilder
from embedtui.tui.viewmodel.view_state import View, ViewState

Size = tuple[int, int]

_LONGEST_PAUSE = 10.0
"""Seconds after which a frame is tried again, however often it has failed."""


@dataclass(frozen=True)
class Frame:
    """One moment: what is there, and the charts drawn at the sizes they were asked for."""

    view: View
    pictures: Mapping[str, Picture]


class Framer:
    """Makes frames when something has changed, and hands each to `give`."""

    def __init__(
        self, view_builder: ViewBuilder, view_state: ViewState, give: Callable[[Frame], None]
    ) -> None:
        self.view_builder = view_builder
        self._give = give
        view_builder.searches.told = self.again
        self._wish = view_state
        self._sizes: dict[str, Size] = {}
        self._unicode = True
        self.seconds = 0.25
        """Least time between two frames of a run; a wish is granted at once."""
        self._condition = threading.Condition()
        self._asked = True
        self._grown = False
        self._ended = False
        self._last = 0.0
        """When the latest frame was begun."""
        self._failed = 0
        """How many frames in a row could not be made."""
        self._worker = Worker("frames", "composing the screen", self._work, restarts=True)

    @property
    def view_state(self) -> ViewState:
        """What is to be shown."""
        return self._wish

    def start(self) -> None:
        """Begin to make frames."""
        self._worker.start()

    def change(self, **wishes: Any) -> None:
        """Change what is to be shown; the frame comes at once."""
        with self._condition:
            self._wish = replace(self._wish, **wishes)
            self._ask()

    def size(self, name: str, size: Size | None, *, unicode: bool = True) -> None:
        """Say at which size a chart is on the screen; None for one that is not."""
        with self._condition:
            self._unicode = unicode
            if size is None:
                self._sizes.pop(name, None)
            elif self._sizes.get(name) != size:
                self._sizes[name] = size
                self._ask()

    def again(self) -> None:
        """Make a frame though nothing has changed."""
        with self._condition:
            self._ask()

    def grown(self) -> None:
        """Say that there are new figures; a frame comes when it is due."""
        with self._condition:
            self._grown = True
            self._condition.notify()

    def stop(self) -> None:
        """End the thread."""
        with self._condition:
            self._ended = True
            self._condition.notify()
        self.view_builder.searches.stop()
        self._worker.stop()
        self._worker.join(5)

    def _ask(self) -> None:
        self._asked = True
        self._condition.notify()

    def _work(self) -> None:
        while (asked := self._next()) is not None:
            with SUPERVISOR.watch("composing the screen") as watch:
                self._give(self._make(*asked))
            charts.preload()  # after the first frame, which has no figures yet
            self._failed = self._failed + 1 if watch.failed else 0
            if watch.failed:
                # What failed once may be whole the next time; a wish is still granted at once.
                self.grown()

    def _next(self) -> tuple[ViewState, dict[str, Size], bool] | None:
        """Wait until a frame is due; return what is to be on it, or None at the end."""
        with self._condition:
            while not self._ended and not self._asked:
                if not self._grown:
                    self._condition.wait()
                    continue
                pause = min(self.seconds * 2**self._failed, _LONGEST_PAUSE)
                rest = self._last + pause - time.monotonic()
                if rest <= 0:
                    break
                self._condition.wait(rest)
            if self._ended:
                return None
            self._asked = self._grown = False
            self._last = time.monotonic()
            return self._wish, dict(self._sizes), self._unicode

    def _make(self, view_state: ViewState, sizes: Mapping[str, Size], unicode: bool) -> Frame:
        view = self.view_builder.compose(view_state)
        return Frame(view, {name: _draw(name, view, size, unicode) for name, size in sizes.items()})


def _draw(name: str, view: View, size: Size, unicode: bool) -> Picture:
    """Return a chart; one that cannot be drawn says so, and the others are drawn all the same."""
    with SUPERVISOR.watch(f"drawing the chart {name}"):
        return PICTURES[name](view, *size, unicode=unicode)
    return message("this chart could not be drawn", *size, unicode=unicode)
