"""Runs: beginning, stopping and leaving them, and what is taken along of one."""

from __future__ import annotations

from dataclasses import replace

from textual import work

from embedtui.printable import printable
from embedtui.tui.app.opening import Opening
from embedtui.tui.views import WIDE


class Running(Opening):
    """Measures what is chosen."""

    async def action_run(self) -> None:
        """Measure what is chosen."""
        if self.session.run(self.choices):
            self.paused = False
            self._was_busy = True
            # Where all parts are seen at once, nothing has to come to the front.
            if self._pane == "settings" and self.size.width < WIDE:
                await self._open_pane("drift")
            self.framer.again()
            self._show_hints()

    def action_cancel(self) -> None:
        """Stop after this batch; the second time kill the engine."""
        if self.session.state == "running":
            self.session.cancel()
        elif self.session.state == "cancelling":
            self.session.kill()
        self.framer.again()
        self._show_hints()

    async def action_look(self) -> None:
        """Look into the layers of the setting in hand, and show them."""
        line = self.frame.view.focus if self.frame else None
        if line is None:
            return
        with self.session.lock:
            results, setting = self.framer.composer.shown()[line.key]
        if self.session.look(results, setting.number):
            self.paused = False
            self._was_busy = True
            await self.open_view("layers")
            self._show_hints()

    def action_pause(self) -> None:
        """Hold the picture still, or let it go on."""
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
            self.copy_and_tell(self.frame.view.answers.command)

    def action_choose_sweep(self) -> None:
        """Choose a sweep and measure it."""
        from embedtui.tui.sweeps import choose  # noqa: PLC0415 - when it is asked for

        choose(self)

    def action_export(self) -> None:
        """Write the report of the last run."""
        self._export()

    @work(thread=True, exclusive=True, group="export", exit_on_error=False)
    def _export(self) -> None:
        from embedtui.record import exports, report  # noqa: PLC0415 - when it is asked for

        with self.session.lock:
            run = self.session.runs[-1]
            path = self.session.run_path
            made = report.build(run)
        stem = path.with_suffix("") if path else self._shots() / "report"
        written = []
        try:
            for form, suffix in (("json", "json"), ("csv", "csv"), ("markdown", "md")):
                file = stem.with_name(f"{stem.name}.{suffix}")
                file.write_text(exports.FORMATS[form](made), encoding="utf-8", newline="")
                written.append(file.name)
        except OSError as error:
            said = f"{stem.parent} cannot be written: {error.strerror}"
            self.call_from_thread(self.notify, printable(said), severity="error", markup=False)
        else:
            said = f"wrote {', '.join(written)} in {stem.parent}"
            self.call_from_thread(self.notify, printable(said), markup=False, timeout=8)

    async def action_quit(self) -> None:
        """Leave, and ask first while an engine works."""
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
                "An engine is at work.",
                (
                    ("stay", "s", "stay"),
                    ("stop", "w", "wait for this batch and leave"),
                    ("kill", "k", "kill the engine and leave"),
                ),
            ),
            answered,
        )

    @work(thread=True, group="leave", exit_on_error=False)
    def _leave_when_idle(self) -> None:
        self.session.cancel()
        self.framer.again()
        self.session.wait()
        self.call_from_thread(self.exit, 0)
