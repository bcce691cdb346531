from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedtui.common.errors import EmbedtuiError
from embedtui.plan.plan import Plan
from embedtui.report import run_report
from embedtui.results.results import Results
from embedtui.run.study import Listener, Study
from embedtui.storage.run_writer import Recorder
from tests.fakes import EventRecorder, FakeEngines, Script


@dataclass
class Recorded:
    """A run that was written to a file while it was listened to."""

    path: Path
    told: EventRecorder
    results: Results

    @property
    def report(self) -> Any:
        return run_report.build(self.results)


Record = Callable[..., Recorded]


@pytest.fixture(autouse=True)
def _on_cpu(on_cpu: None) -> None:
    """Every machine looks alike to these tests."""


@pytest.fixture
def record(tmp_path: Path) -> Record:
    count = 0

    def run(
        plan: Plan, script: Script | None = None, *, listeners: tuple[Listener, ...] = ()
    ) -> Recorded:
        """Run a plan on fake engines into a run file; a run that fails is one too."""
        nonlocal count
        count += 1
        path = tmp_path / f"run-{count}.sqlite"
        told, results, recorder = EventRecorder(), Results(), Recorder(path)
        engines = FakeEngines(script, logs=tmp_path)
        study = Study(plan, engines, [recorder, told, results, *listeners])
        try:
            study.run()
        except EmbedtuiError:
            pass
        finally:
            recorder.close()
        return Recorded(path, told, results)

    return run
