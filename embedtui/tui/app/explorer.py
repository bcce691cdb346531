"""The explorer: choose, press one key, watch the drift appear while the real engine works."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, ClassVar

from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Static

from embedtui.common import crash
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.tui import themes
from embedtui.tui.actions import ACTIONS
from embedtui.tui.app.charting import ChartingMixin
from embedtui.tui.app.choosing import ChoosingMixin
from embedtui.tui.app.core import Failed
from embedtui.tui.app.looks import LooksMixin
from embedtui.tui.app.running import RunningMixin
from embedtui.tui.app.status_texts import gpu_text
from embedtui.tui.state.background import off_the_loop
from embedtui.tui.state.supervisor import SUPERVISOR, nobody
from embedtui.tui.views import WIDE
from embedtui.tui.widgets.bars import Header, Hints, ProgressStrip, Tabs

_LEAST = (60, 15)


class Explorer(RunningMixin, ChartingMixin, ChoosingMixin, LooksMixin):
    """The explorer's app: it holds what is chosen and shows what the session holds."""

    TITLE = "embedtui"
    CSS_PATH = Path(__file__).parent.with_name("embedtui.tcss")
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-slim"),
        (_LEAST[0], "-narrow"),
        (WIDE, "-wide"),
        (160, "-huge"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-flat"),
        (_LEAST[1], "-low"),
        (34, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(a.keys, a.id, a.label, show=False, id=a.id, tooltip=a.help)
        for a in ACTIONS
        if a.keys
    ]

    def compose(self) -> ComposeResult:
        """Put the views between the header and the line of hints."""
        yield Static("embedtui needs 60 columns and 15 lines: make the window larger", id="small")
        with Vertical(id="whole"):
            yield Header(id="header")
            yield Tabs(id="tabs")
            yield ContentSwitcher(id="views")
            yield ProgressStrip(id="progress")
            yield Hints(id="hints")

    def on_mount(self) -> None:
        """Take the screen; what costs time begins when it has been drawn once."""
        if self.outside.guard is not None:
            self.outside.guard.mounted()
        SUPERVISOR.tell = self._tell_failure
        asyncio.get_running_loop().set_exception_handler(_task_failed)
        self.animation_level = "none"
        self.register_theme(themes.to_textual(self._theme))
        self.theme = self._theme.name
        self.set_keymap(dict(self.config.keys))
        self._show_idle()
        self._show_tabs()
        first = "reading the recording" if self.outside.opened else "press r to measure"
        self.query_one(ProgressStrip).show(first, None)
        self.watch(self.screen, "focused", self._show_hints, init=False)
        self.call_after_refresh(self._begin)

    async def on_key(self, event: events.Key) -> None:
        """Let Enter run also while there is nothing yet that could have the keys."""
        if event.key == "enter" and self.focused is None and self.screen is self.screen_stack[0]:
            await self.run_action("run")

    async def on_event(self, event: events.Event) -> None:
        """Take keys until the explorer ends: what comes in one read with the last is dropped."""
        if not (self.leaving and isinstance(event, events.InputEvent)):
            await super().on_event(event)

    def exit(
        self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """End the explorer."""
        self.leaving = True
        super().exit(result, return_code, message)

    async def _begin(self) -> None:
        # The view stands before what figures need is imported: that takes longer, off the loop.
        views = self.query_one("#views", ContentSwitcher)
        await self.build_view("overview")
        if views.current is None:  # a key may have opened another already
            await self.open_view("overview")
        await off_the_loop("opening the session", lambda: (self.session, self.framer))
        for ask in self._asked_early:
            ask(self.framer)
        self.session.listen(self.framer.grown)
        self.framer.seconds = self._seconds()
        self._plan_next()
        self.framer.start()
        self.set_interval(1.0, self._tick)
        if self.opened is not None:
            self.opened.show(self.opened.files[0])
        for problem in self.outside.problems:
            self.notify(printable(problem), severity="warning", markup=False, timeout=12)
        if self.opened is None:
            self._machine_name()
            self._describe_model()

    def _fatal_error(self) -> None:
        """Leave a crash report and one line about it for the terminal.

        Textual's own traceback shows local variables: a thousand lines, with a user's texts.
        """
        error = self._exception or sys.exception()
        if error is not None and not self.crashed:
            self.crashed = crash.describe(error, crash.write(error, "the explorer"))
        self._return_code = ExitCode.CRASHED
        self._close_messages_no_wait()

    def on_unmount(self) -> None:
        """End the thread that makes frames; the config gets its moment to be written."""
        SUPERVISOR.tell = nobody
        if self._config_worker is not None:
            self._config_worker.join(2)
        if "framer" in vars(self):
            self.framer.stop()

    def _tell_failure(self, line: str) -> None:
        self.post_message(Failed(line))

    def _tick(self) -> None:
        """Once a second: what moves by itself."""
        gpu = self.outside.gpu
        text = gpu_text(gpu.readings()) if gpu is not None else ""
        if text != self._gpu:
            self._gpu = text
            if self.frame is not None:
                self._show_progress(self.frame.view)
        elif (self._trouble[0] or self._note[0]) and self.frame is not None:
            self._show_progress(self.frame.view)
        self._follow_theme_file()


def _task_failed(_loop: asyncio.AbstractEventLoop, found: dict[str, Any]) -> None:
    """Take the error of a task that nobody waits for."""
    error = found.get("exception")
    if isinstance(error, Exception):
        SUPERVISOR.failed(str(found.get("message", "a task")), error)
