"""The engines' own words, live, with a filter."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, RichLog

from embedtui.tui.state.background import in_background
from embedtui.tui.state.log_tail import LogTail, log_files
from embedtui.tui.widgets.explorer_app import explorer_of

_LINES_KEPT = 5000
_SECONDS = 1.0


class LogView(Vertical):
    """Tails the newest engine's log, or the one that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "file(-1)", "previous log", show=False, id="log.previous"),
        Binding("right", "file(1)", "next log", show=False, id="log.next"),
        Binding("f", "newest", "follow the newest", show=False, id="log.newest"),
        Binding("slash", "filter", "filter", show=False, id="log.filter"),
        Binding("escape", "leave_filter", "leave the filter", show=False, id="log.leave"),
    ]
    FOOTER: ClassVar[tuple[tuple[str, str], ...]] = (
        ("left", "log before"),
        ("right", "next log"),
        ("f", "newest"),
        ("slash", "filter"),
    )
    DEFAULT_CSS = """
    LogView #log-bar { height: 1; }
    LogView #log-name { width: 1fr; color: $muted; padding: 0 1; }
    LogView #log-filter { width: 34; height: 1; border: none; padding: 0 1; background: $surface; }
    LogView #log-filter:focus { background: $boost; }
    LogView RichLog { background: $background; padding: 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._files: list[Path] = []
        """The logs that there were when it was read last."""
        self._wanted: Path | None = None
        """The log that was chosen; None for the newest."""
        self._tail: LogTail | None = None
        """Of the thread that reads, while it reads."""
        self._shown: LogTail | None = None
        """Whose lines are kept."""
        self._kept: deque[str] = deque(maxlen=_LINES_KEPT)

    @property
    def _folder(self) -> Path:
        return explorer_of(self).session.engines.logs

    def compose(self) -> ComposeResult:
        """Put a line with the file's name and the filter above the log."""
        with Horizontal(id="log-bar"):
            yield Label("no engine has said anything yet", id="log-name", markup=False)
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

    @in_background("reading the log", group="log", once=True)
    def tick(self) -> None:
        """Read what has come."""
        wanted, files = self._wanted, log_files(self._folder)
        path = wanted or (files[-1] if files else None)
        if path is None:
            return
        if self._tail is None or self._tail.path != path:
            self._tail = LogTail(path)
        self.call_later(self._came, wanted, files, self._tail, self._tail.read())

    def _came(
        self, wanted: Path | None, files: list[Path], tail: LogTail, lines: list[str]
    ) -> None:
        """Show what was read, of another log in place of the one before."""
        self._files = files
        if self._shown is not tail:
            self._shown = tail
            self._kept.clear()
            self.query_one(RichLog).clear()
        self._kept.extend(lines)
        self._write(lines)
        number = files.index(tail.path) + 1 if tail.path in files else 0
        follow = "f follows the newest" if wanted else "following the newest"
        name = f"{tail.path.name}  {number} of {len(files)}, left and right change, {follow}"
        self.query_one("#log-name", Label).update(name)
        if wanted != self._wanted:  # another was chosen meanwhile
            self.tick()

    def action_file(self, by: int) -> None:
        """Show the log before or after this one."""
        chosen = self._wanted or (self._shown.path if self._shown else None)
        if chosen not in self._files:
            return
        place = min(max(self._files.index(chosen) + by, 0), len(self._files) - 1)
        self._wanted = self._files[place]
        self.tick()

    def action_newest(self) -> None:
        """Follow whichever engine started last."""
        self._wanted = None
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
            raise SkipAction

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

    def _write(self, lines: list[str]) -> None:
        wanted = self.query_one(Input).value.casefold()
        log = self.query_one(RichLog)
        chosen = [line for line in lines if wanted in line.casefold()]
        if chosen:
            log.write(Text("\n".join(chosen)))
