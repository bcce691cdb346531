"""Runs: beginning, stopping and leaving them, and what is taken along of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widgets import ContentSwitcher

from embedtui.common.errors import EmbedtuiError
from embedtui.common.printable import printable
from embedtui.tui.app.opening import OpeningMixin
from embedtui.tui.state.background import in_background

if TYPE_CHECKING:
    from embedtui.report.report_files import ReportWriter
    from embedtui.tui.viewmodel.view_state import View


_OF_ANOTHER_RUN = ("model", "texts", "column", "id_column", "limit", "seed", "join")
"""What makes other figures than those that stand there: the new ones are spoken of then."""


class RunningMixin(OpeningMixin):
    """Measures what is chosen."""

    _report: ReportWriter | None = None
    """What writes a report just now."""

    def action_run(self) -> None:
        """Measure what is chosen."""
        if self.session.run(self.choices):
            self.paused = False
            asked = tuple(getattr(self.choices, name) for name in _OF_ANOTHER_RUN)
            if asked != self._asked:
                self._asked = asked
                self.framer.change(focus=None)
            self._was_busy = True
            self.framer.again()
            self._show_hints()

    def _ended(self, view: View) -> None:
        """Tell that a run has ended; a model that failed is not what the next start begins with."""
        super()._ended(view)
        asked = str(self._asked[0]) if self._asked else ""
        if any(run.plan.model == asked and run.settings for run in self.session.runs):
            self._good_model = asked
            self._failed_models.discard(asked)
        elif asked and view.problem:
            self._failed_models.add(asked)
            self._keep_choices()

    async def action_cancel(self) -> None:
        """Stop after this batch, the second time kill the engine; else go back."""
        if self.opened is not None or self.session.state == "idle":
            if self.query_one("#views", ContentSwitcher).current != "overview":
                await self.open_view("overview")
            else:
                self.notify("nothing runs; q leaves", timeout=3)
        elif self.session.state == "running":
            self.session.cancel()
        elif self.session.state == "cancelling":
            self.session.kill()
        self.framer.again()
        self._show_hints()

    async def action_look(self) -> None:
        """Measure the layers of the selected setting, and show them."""
        line = self.frame.view.focus if self.frame else None
        if line is None:
            return
        from embedtui.tui.viewmodel.groups import shown_of  # noqa: PLC0415 - when asked for

        shown = shown_of(self.session.snapshot()).get(line.key)
        if shown is None:
            return
        results, setting = shown
        if self.session.inspect(results, setting.number):
            self.paused = False
            self._was_busy = True
            await self.open_view("layers")
            self._show_hints()

    def action_pause(self) -> None:
        """Freeze the display, or let it go on."""
        self.paused = not self.paused
        self.framer.again()
        self._show_hints()

    def action_slow_link(self) -> None:
        """Draw less often, or as often as before."""
        self.slow = not self.slow
        self.framer.seconds = self._seconds()
        self.notify(
            "slow link: one picture a second" if self.slow else "drawing as often as before",
            timeout=3,
        )
        self._keep(replace(self.config, slow_link="on" if self.slow else "off"))

    def action_serve(self) -> None:
        """Copy the command to serve with."""
        if self.frame is not None and self.frame.view.answers.command:
            self.copy_text(self.frame.view.answers.command)

    def action_choose_sweep(self) -> None:
        """Choose a sweep and measure it."""
        from embedtui.tui.app.choosing_sweep import choose  # noqa: PLC0415 - when it is asked for

        choose(self)

    def action_export(self) -> None:
        """Write the report of the last run."""
        path = self.session.run_path
        if self._report is not None:
            self.notify("still writing the report before", timeout=3)
        elif path is None:
            self.notify("there is no run file to write a report of", severity="warning")
        else:
            self._export(path)

    @in_background("writing the report", group="export")
    def _export(self, path: Path) -> None:
        from embedtui.report.report_files import ReportWriter  # noqa: PLC0415 - when it is asked for

        # Beside a run of one's own; not among the recordings that come with embedtui.
        folder = path.parent if self.opened is None else self._shots()
        self._report = ReportWriter(path, folder / path.stem)
        try:
            names = self._report.wait()
        except EmbedtuiError as error:
            if self.is_running:
                self.call_later(self.notify, str(error), severity="error", markup=False)
        else:
            said = printable(f"wrote {', '.join(names)} in {folder}")
            self.call_later(self.notify, said, markup=False, timeout=8)
        finally:
            self._report = None

    def on_unmount(self) -> None:
        """End a report that is being written."""
        if self._report is not None:
            self._report.stop()

    async def action_quit(self) -> None:
        """Leave, and ask first while a run is in progress."""
        if self.opened is not None or not self.session.busy:
            self.exit(0)
            return
        from embedtui.tui.pickers.confirm import ConfirmScreen  # noqa: PLC0415 - when it is asked

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._leave_when_idle()
            elif answer == "kill":
                self.session.kill()
                self.exit(0)

        self.push_screen(
            ConfirmScreen(
                "A run is in progress.",
                (
                    ("keep", "r", "keep running"),
                    ("stop", "s", "stop after this batch and leave"),
                    ("kill", "k", "kill the engine and leave"),
                ),
            ),
            answered,
        )

    @in_background("waiting for the end of the run", group="leave")
    def _leave_when_idle(self) -> None:
        self.session.cancel()
        self.framer.again()
        self.session.wait()
        self.call_later(self.exit, 0)
