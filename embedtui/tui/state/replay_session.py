"""A session without engines: it shows run files in the same screens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embedtui.common.errors import InputError
from embedtui.plan.choices import Choices
from embedtui.storage import library, run_file
from embedtui.tui.state.session import Session
from embedtui.tui.state.supervisor import Worker

if TYPE_CHECKING:
    from embedtui.results.results import Results


class ReplaySession(Session):
    """Holds the figures of one run file at a time, out of those that were opened."""

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__(engines=None)
        self.files = tuple(files)
        self.shown: Path | None = None
        """The file whose figures are held."""

    def run(self, *choices: Choices, timeout: float | None = None) -> bool:
        """Measure nothing: there is no engine."""
        return False

    def inspect(self, results: Results, number: int) -> bool:
        """Look into nothing, as there is no engine."""
        return False

    def show(self, path: Path) -> None:
        """Read a file in the background and hold its figures in place of those before."""
        with self._state_lock:
            if self.busy:
                return
            self.state, self.problem, self.stage = "running", "", f"reading {path.stem}"
        self._touch()
        self._worker = Worker("open", f"reading {path.name}", partial(self._read, path))
        self._worker.start()

    def close(self) -> str:
        """Wait until the file under way is read."""
        self.wait(5)
        return ""

    def _read(self, path: Path) -> None:
        try:
            results = run_file.read(path)
            for setting in results.settings:
                self._judge(results, setting)
            with self.lock:
                self.runs, self.shown = [results], path
                self.recorded = library.where_of(results.environment, results.started_at)
                self._known = {results: (path, None)}
                kept = {setting.identity for setting in results.settings}
                self.faults = {key: text for key, text in self.faults.items() if key in kept}
        except InputError as error:
            self.problem = str(error)
        finally:
            with self._state_lock:
                self.state, self.stage = "idle", ""
            self._touch()
