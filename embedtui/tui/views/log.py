"""The engines' own words, live, with a filter."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, RichLog

from embedtui.tui.state.log_tail import LogTail, log_files
from embedtui.tui.widgets.explorer_app import explorer_of

_LINES_KEPT = 5000
_SECONDS = 1.0


class LogView(Vertical):
    """Tails the newest engine's log, or the one that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "file(-1)", "previous log", show=False, id="log.previous"),
        Binding("right,l", "file(1)", "next log", show=False, id="log.next"),
        Binding("f", "newest", "follow the newest", show=False, id="log.newest"),
        Binding("slash", "filter", "filter", show=False, id="log.filter"),
        Binding("escape", "leave_filter", "leave the filter", show=False, id="log.leave"),
    ]
    DEFAULT_CSS = """
    LogView #log-bar { height: 1; }
    LogView #log-name { width: 1fr; color: $muted; padding: 0 1; }
    LogView #log-filter { width: 34; height: 1; border: none; padding: 0 1; background: $surface; }
    LogView #log-filter:focus { background: $boost; }
    LogView RichLog { background: $background; padding: 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._tail: LogTail | None = None
        self._kept: deque[str] = deque(maxlen=_LINES_KEPT)
        self._follow = True

    @property
    def _folder(self) -> Path:
        return explorer_of(self).session.engines.logs

    def compose(self) -> ComposeResult:
        """Put a line with the file's name and the filter above the log."""
        with Horizontal(id="log-bar"):
            yield Label("", id="log-name", markup=False)
            yield Input(placeholder="/ filter", id="log-filter", compact=True)
        yield RichLog(id="log-lines", max_lines=_LINES_KEPT, wrap=False, auto_scroll=True)

    def on_mount(self) -> None:
        """Read on by itself."""
        self.set_interval(_SECONDS, self._tick_shown)

    def focus_first(self) -> None:
        """Give the lines the keys, and read what has come."""
        self.query_one(RichLog).focus()
        self.tick()

    def _tick_shown(self) -> None:
        if self.display:
            self.tick()

    def tick(self) -> None:
        """Read what has come."""
        files = log_files(self._folder)
        if not files:
            self.query_one("#log-name", Label).update("no engine has said anything yet")
            return
        if self._tail is None or (self._follow and self._tail.path != files[-1]):
            self._open(files[-1])
        assert self._tail is not None
        fresh = self._tail.read()
        self._kept.extend(fresh)
        self._write(fresh)
        number = files.index(self._tail.path) + 1 if self._tail.path in files else 0
        follow = "following the newest" if self._follow else "f follows the newest"
        name = f"{self._tail.path.name}  {number} of {len(files)}, left and right change, {follow}"
        self.query_one("#log-name", Label).update(name)

    def action_file(self, by: int) -> None:
        """Show the log before or after this one."""
        files = log_files(self._folder)
        if self._tail is None or self._tail.path not in files:
            return
        place = min(max(files.index(self._tail.path) + by, 0), len(files) - 1)
        self._follow = False
        self._open(files[place])
        self.tick()

    def action_newest(self) -> None:
        """Follow whichever engine started last."""
        self._follow = True
        self.tick()

    def action_filter(self) -> None:
        """Go to the filter."""
        self.query_one(Input).focus()

    def action_leave_filter(self) -> None:
        """Clear the filter and go back to the lines."""
        filter_ = self.query_one(Input)
        if filter_.has_focus or filter_.value:
            filter_.value = ""
            self.query_one(RichLog).focus()
        else:
            explorer_of(self).action_cancel()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        log = self.query_one(RichLog)
        log.clear()
        self._write(list(self._kept))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(RichLog).focus()

    def _open(self, path: Path) -> None:
        self._tail = LogTail(path)
        self._kept.clear()
        self.query_one(RichLog).clear()

    def _write(self, lines: list[str]) -> None:
        wanted = self.query_one(Input).value.casefold()
        log = self.query_one(RichLog)
        chosen = [line for line in lines if wanted in line.casefold()]
        if chosen:
            log.write(Text("\n".join(chosen)))
