"""Putting frames on the screen: header, the open view, progress; and telling things in a line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.widgets import ContentSwitcher

from embedtui.common.printable import printable
from embedtui.plan.scenarios import METRIC_NAMES, scenario
from embedtui.tui.app.core import Core, Failed, Framed
from embedtui.tui.app.status_texts import status_text
from embedtui.tui.state.background import in_background
from embedtui.tui.widgets.bars import Header, ProgressStrip

if TYPE_CHECKING:
    from embedtui.plan.scenarios import Scenario
    from embedtui.tui.viewmodel.frames import Frame
    from embedtui.tui.viewmodel.view_state import View


_TROUBLE_SECONDS = 12.0
"""How long the line of messages tells of a failure."""
_NOTE_SECONDS = 5.0


class ShowingMixin(Core):
    """Shows each frame, and tells what is to be told where it covers nothing."""

    @on(Framed)
    def _show_frame(self, message: Framed) -> None:
        if not self.is_running:
            return  # what it would be shown in is going
        frame, view = message.frame, message.frame.view
        if self.paused and self.frame is not None and view.view_state == self.frame.view.view_state:
            self._show_progress(view)
            self._show_hints()
            return
        if self.frame is None and self.opened is None:
            # With the first frame the screen can be used; until then all cores are for it.
            self.call_after_refresh(self._warm_up)
        self.frame = frame
        with self.batch_update():
            self._show_header(view)
            self._show_progress(view)
            self._show_view(frame)
            self._show_hints()
        self._tell_story(view)
        # A run may end before any frame has shown it.
        unheard = view.problem and view.problem != self._heard
        if view.state == "idle" and (unheard or (self._was_busy and self.opened is None)):
            self._ended(view)
        self._was_busy = view.state != "idle"
        self._heard = view.problem

    @in_background("starting the host", group="host")
    def _warm_up(self) -> None:
        self.session.engines.start()

    def _tell_story(self, view: View) -> None:
        """Select the setting that a story is about and tell it, once there are figures."""
        story = self.outside.story
        if story is None or not view.lines:
            return
        from embedtui.tui.screens.story import StoryScreen  # noqa: PLC0415 - where there is one

        self.outside.story = None
        for line in view.lines:
            if line.label == story.setting:
                self.framer.change(focus=line.key)
        self.push_screen(StoryScreen(story))

    def _show_hints(self) -> None:
        """Show the keys that do something now."""

    @on(Failed)
    def _show_failure(self, message: Failed) -> None:
        """Say what failed; what fails in every frame is one toast."""
        if not self.is_running:
            return
        if message.line != self._trouble[0]:
            self.notify(message.line, severity="error", markup=False, timeout=_TROUBLE_SECONDS)
        self._trouble = message.line, time.monotonic() + _TROUBLE_SECONDS
        self._show_trouble()

    def notify(self, message: str, **how: Any) -> None:
        """Tell something in the line of progress, where it covers nothing and there is room."""
        self.told.append(message)
        stack = self.screen_stack
        if not stack:
            return  # the explorer ends
        room = self.size.width - 2
        if len(stack) > 1 or len(message) > room or not stack[0].query(ProgressStrip):
            super().notify(message, **how)
            return
        self._note_warns = how.get("severity", "information") != "information"
        self._note = message, time.monotonic() + (how.get("timeout") or _NOTE_SECONDS)
        self._show_trouble()

    def _show_trouble(self) -> bool:
        """Show what failed or was told a moment ago; say whether there is anything of the kind."""
        told = ((self._trouble, True), (self._note, self._note_warns))
        for (line, until), problem in told:
            if line and time.monotonic() < until:
                self._in_strip(line, None, problem=problem)
                return True
        return False

    def _in_strip(self, said: str, share: float | None, *, problem: bool) -> None:
        """Show something in the line of progress; a timer may outlive it."""
        for bottom in self.screen_stack[:1]:
            for strip in bottom.query(ProgressStrip):
                strip.show(said, share, self._gpu, problem=problem)

    def _show_view(self, frame: Frame) -> None:
        current = self.query_one("#views", ContentSwitcher).current
        if current is None:
            return
        shown_view = self.query_one(f"#{current}")
        if hasattr(shown_view, "show") and shown_view.is_mounted:
            shown_view.show(frame)

    def _show_header(self, view: View) -> None:
        if not (view.model and (view.lines or view.earlier)):
            self._show_idle()
            return
        random = "random weights" if view.random_weights else ""
        texts = f"{view.texts_count} texts of {view.texts}"
        where = (f"recorded {view.recorded}",) if view.recorded else (view.machine, view.engine)
        self.query_one(Header).show(
            (view.model, random, texts, *where), limit_of(view.view_state.scenario)
        )

    def _show_idle(self) -> None:
        _, model, note = self.model_facts()
        parts: tuple[str, ...] = (model, note, self._texts_name(), self._machine)
        if self.outside.opened:
            parts = ("a recording is opened",)
        self.query_one(Header).show(
            parts, limit_of(scenario(self.config.scenario, self.config.situation))
        )

    def _texts_name(self) -> str:
        name = Path(self.choices.texts).name or self.choices.texts
        limit = self.choices.limit
        return f"{limit} texts of {name}" if limit else name

    def _show_progress(self, view: View) -> None:
        if self._show_trouble():
            return
        share = view.done / view.total if view.state != "idle" and view.total else None
        problem = bool(view.problem) and view.state == "idle"
        said = status_text(view, self.paused, self._following(view))
        self._in_strip(said, share, problem=problem)

    def _following(self, view: View) -> str:
        """Say what the next run measures."""
        chosen = view.view_state.next_run
        _, model, _ = self.model_facts()
        many = f"{len(chosen.labels)} settings × {len(chosen.batch_sizes)} batch sizes"
        return f"next run: {model}, {self._texts_name()}, {many}"

    def _ended(self, view: View) -> None:
        """Tell that a run has ended, also to whoever has gone to another window."""
        self.bell()
        if view.problem:
            self.notify(printable(view.problem), severity="error", markup=False, timeout=12)


def limit_of(use: Scenario) -> str:
    """Say what distances are held against."""
    if use.bitwise:
        return f"{use.title} limit: identical"
    return f"{use.title} limit {METRIC_NAMES[use.metric]} {use.bound}"
