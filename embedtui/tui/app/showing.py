"""Putting frames on the screen: header, answers, the open view, progress and hints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.widgets import ContentSwitcher

from embedtui.assess.tolerance import Outcome
from embedtui.common.printable import printable
from embedtui.plan.scenarios import scenario
from embedtui.tui.actions import ACTIONS, NEED_ENGINES, shown
from embedtui.tui.app.core import Core, Failed, Framed
from embedtui.tui.app.status_texts import status_text
from embedtui.tui.widgets.bars import AnswersStrip, Header, Hints, ProgressStrip

if TYPE_CHECKING:
    from embedtui.tui.viewmodel.frames import Frame
    from embedtui.tui.viewmodel.view_state import View


_STATES: dict[Outcome, str] = {
    "holds": "good",
    "borderline": "open",
    "falls short": "bad",
    "no limit": "open",
    "not measured": "open",
}
_TROUBLE_SECONDS = 12.0
"""How long the line of messages tells of a failure."""


class ShowingMixin(Core):
    """Shows each frame, and says by it which actions do something now."""

    @on(Framed)
    def _show_frame(self, message: Framed) -> None:
        if not self.is_running:
            return  # what it would be shown in is going
        frame, view = message.frame, message.frame.view
        if self.paused and self.frame is not None and view.view_state == self.frame.view.view_state:
            self._show_progress(view)
            return
        self.frame = frame
        with self.batch_update():
            self._show_header(view)
            self.query_one(AnswersStrip).show(view.answers)
            self._show_progress(view)
            self._show_view(frame)
            self._show_hints()
        # A run may end before any frame has shown it.
        unheard = view.problem and view.problem != self._heard
        if view.state == "idle" and (unheard or (self._was_busy and self.opened is None)):
            self._ended(view)
        self._was_busy = view.state != "idle"
        self._heard = view.problem

    @on(Failed)
    def _show_failure(self, message: Failed) -> None:
        """Say what failed; what fails in every frame is one toast."""
        if not self.is_running:
            return
        if message.line != self._trouble[0]:
            self.notify(message.line, severity="error", markup=False, timeout=_TROUBLE_SECONDS)
        self._trouble = message.line, time.monotonic() + _TROUBLE_SECONDS
        self._show_trouble()

    def _show_trouble(self) -> bool:
        """Show what failed a moment ago; say whether there is anything of the kind."""
        line, until = self._trouble
        if not line or time.monotonic() >= until:
            return False
        self.query_one(ProgressStrip).show(line, None, self._gpu, problem=True)
        return True

    def _show_view(self, frame: Frame) -> None:
        current = self.query_one("#views", ContentSwitcher).current
        if current is None:
            return
        shown_view = self.query_one(f"#{current}")
        if hasattr(shown_view, "show") and shown_view.is_mounted:
            shown_view.show(frame)

    def _show_header(self, view: View) -> None:
        line = view.focus
        if line is None:
            self._show_idle()
            return
        use = view.view_state.scenario
        state = _STATES[line.verdicts.outcome]
        where = (view.recorded, view.texts) if view.recorded else (view.texts, view.machine)
        self.query_one(Header).show(
            (view.model, line.label, *where),
            (state, f"{use.title}: {line.verdicts.both()}"),
        )

    def _show_idle(self) -> None:
        use = scenario(self.config.scenario, self.config.situation)
        model = self._model_name.get(self.choices.model, self.choices.model)
        texts = Path(self.choices.texts).name or self.choices.texts
        if self.outside.opened:
            model, texts = "recordings", ""
        self.query_one(Header).show(
            (model, texts, self._machine), ("open", f"{use.short} bears {use.limit}")
        )

    def _show_progress(self, view: View) -> None:
        if self._show_trouble():
            return
        share = view.done / view.total if view.state != "idle" and view.total else None
        said, problem = status_text(view, self.paused), bool(view.problem) and view.state == "idle"
        self.query_one(ProgressStrip).show(said, share, self._gpu, problem=problem)

    def _show_hints(self) -> None:
        hints = []
        for action in sorted((a for a in ACTIONS if a.hint), key=lambda a: a.hint):
            if self.check_action(action.id, ()):
                keys = self.config.keys.get(action.id, action.keys)
                label = self._label(action.id, action.label)
                hints.append((action.id, shown(keys.split(",")[0]), label))
        self.query_one(Hints).show(hints)

    def _label(self, action: str, label: str) -> str:
        if action == "model" and self.opened is not None:
            return "recording"
        if action == "cancel":
            return "kill the engine" if self.session.state == "cancelling" else "stop"
        if action == "pause":
            return "go on" if self.paused else "pause view"
        return label

    def _ended(self, view: View) -> None:
        """Tell that a run has ended, also to whoever has gone to another window."""
        self.bell()
        if view.problem:
            self.notify(printable(view.problem), severity="error", markup=False, timeout=12)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which actions do something now: hints and palette follow it."""
        if self.leaving:
            return False
        lines = self.frame.view.lines if self.frame else ()
        state = self.session.state if "session" in vars(self) else "idle"
        if self.opened is not None and action in NEED_ENGINES:
            return False
        able: dict[str, bool] = {
            "run": state == "idle",
            "choose_sweep": state == "idle",
            "heat": bool(lines),
            "look": state == "idle" and bool(lines),
            "cancel": state not in {"idle", "killing"},
            "pause": state != "idle" or self.paused,
            "show_all": bool(self.frame and self.frame.view.view_state.hidden),
            "serve": bool(self.frame and self.frame.view.answers.command),
            **dict.fromkeys(("next_setting", "previous_setting", "compare"), len(lines) > 1),
            **dict.fromkeys(("hide", "worst", "filter", "export"), bool(lines)),
        }
        return able.get(action, True)
