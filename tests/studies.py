from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedtui.plan.plan import Plan
from embedtui.results.results import Results
from embedtui.run.study import Listener, Study
from tests.fakes import EventRecorder, FakeEngines, Script


@dataclass
class Ran:
    """A study that ran, and all that can be asked of it."""

    status: str
    told: EventRecorder
    results: Results
    engines: FakeEngines


RunStudy = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _on_cpu(on_cpu: None) -> None:
    """Every machine looks alike to these tests."""


@pytest.fixture
def run_study(tmp_path: Path) -> RunStudy:
    def run(
        plan: Plan,
        script: Script | None = None,
        *,
        engines: FakeEngines | None = None,
        listeners: tuple[Listener, ...] = (),
        earlier: tuple[Results, ...] = (),
    ) -> Ran:
        """Run a plan on fake engines."""
        engines = engines or FakeEngines(script, logs=tmp_path)
        told, results = EventRecorder(), Results()
        study = Study(
            plan,
            engines,
            [told, results, *listeners],
            earlier=earlier,
        )
        return Ran(study.run(), told, results, engines)

    return run
