"""Nothing that is computed of a run holds it up, and what was taken of it stays as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.plan.choices import Choices
from embedtui.plan.scenarios import scenario
from embedtui.results.events import BatchEmbedded, Event, ReferenceComputed
from embedtui.results.results import Results
from embedtui.tui.state.session import Session
from embedtui.tui.viewmodel import text_detail, view_builder
from embedtui.tui.viewmodel.setting_figures import line_of
from embedtui.tui.viewmodel.view_builder import ViewBuilder
from embedtui.tui.viewmodel.view_state import ViewState
from tests.fakes import FakeEngines, Script
from tests.tui.conftest import Make, ran, until

WIDE = (120, 40)
TEXTS = 12
RAG = ViewState(scenario("rag"), "l2")
PATIENCE = 60


@pytest.fixture
def choices(model_folder: Path, texts_file: Path) -> Choices:
    chosen = ({"dtype": ["float16"]},)
    return Choices(
        model=str(model_folder), texts=str(texts_file), batch_sizes=(1, 2, 4), chosen=chosen
    )


class Slow:
    """A step of composing that does not come back before it is let go."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._real = real

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        return self._real(*arguments, **options)


def test_a_slow_frame_does_not_hold_the_run_up(
    choices: Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(line_of)
    monkeypatch.setattr(view_builder, "line_of", slow)
    batches, first = threading.Event(), threading.Event()

    def on_job(count: int) -> None:
        if count == 2:  # one has come back
            first.set()
            assert batches.wait(PATIENCE)

    session = Session(FakeEngines(Script(on_job=on_job), logs=tmp_path))
    session.run(choices)
    assert first.wait(PATIENCE)
    views: list[Any] = []
    frames = threading.Thread(target=lambda: views.append(ViewBuilder(session).compose(RAG)))
    frames.start()
    assert slow.begun.wait(PATIENCE)
    batches.set()
    ended = session.wait(PATIENCE)
    slow.go_on.set()
    frames.join(PATIENCE)
    session.wait(PATIENCE)
    assert ended
    assert session.runs[-1].status == "finished"
    assert views[0].status == "running"  # as it was when the frame was begun
    assert views[0].per_text.columns == ()


async def test_a_slow_detail_does_not_hold_the_run_up(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    free: list[bool] = []

    def ask() -> None:
        free.append(app.session.lock.acquire(timeout=1))

    def asked(*arguments: Any) -> Any:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return real(*arguments)

    real = text_detail.detail_of
    monkeypatch.setattr(text_detail, "detail_of", asked)
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("enter")
        await until(pilot, lambda: free)
    assert free == [True]


def figures(run: Results) -> Iterator[npt.NDArray[Any]]:
    """Yield all that is known, and all that is computed, of every setting."""
    for setting in run.settings:
        for (size, key), one in sorted(setting.passes.items()):
            rows, distances = setting.drift(size, key)
            yield from (one.done, one.vectors[one.done], one.position, one.step_tokens, rows)
            yield from (getattr(distances, field.name) for field in fields(distances))
            yield np.array([one.count, one.batches, one.seconds, *map(sum, one.steps)])
        error = setting.precision_error(run.reference)
        if error is not None:
            yield error[1].l2
        yield np.array(sorted(setting.in_common()))
    yield run.reference.vectors[run.reference.done]


class Told:
    """What a run tells, as a run file would have it."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("after", [5, TEXTS + 2, 30])
def test_a_snapshot_taken_in_mid_run_stays_as_it_was(
    choices: Choices, tmp_path: Path, after: int
) -> None:
    """And its figures are those of a run that got no further, to the bit."""
    taken: list[Results] = []
    told = Told()

    def on_job(count: int) -> None:
        if count == after:
            taken.extend(session.snapshot().runs)
            until_then.extend(told.events)
            before.extend(np.copy(one) for one in figures(taken[0]))
        if count > after:  # what is computed of later snapshots is kept in the same place
            list(figures(session.snapshot().runs[0]))

    until_then: list[Event] = []
    before: list[npt.NDArray[Any]] = []
    engines = FakeEngines(Script(on_job=on_job), logs=tmp_path)
    session = Session(engines, lambda _plan: (told, None))
    session.run(choices)
    assert session.wait(PATIENCE)
    assert session.problem == ""
    cut_off = Results()
    for event in until_then:
        cut_off(event)
    assert_same(list(figures(taken[0])), before)
    assert_same(list(figures(cut_off)), before)
    assert taken[0].status == "running"
    assert session.snapshot().runs[0].status == "finished"


def assert_same(some: list[npt.NDArray[Any]], others: list[npt.NDArray[Any]]) -> None:
    assert some
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_row_that_comes_again_changes_no_snapshot(choices: Choices, tmp_path: Path) -> None:
    told = Told()
    session = Session(FakeEngines(logs=tmp_path), lambda _plan: (told, None))
    session.run(choices)
    assert session.wait(PATIENCE)
    snapshot = session.snapshot().runs[0]
    before = [np.copy(one) for one in figures(snapshot)]
    for event in told.events:
        match event:
            case BatchEmbedded():
                session.runs[0](replace(event, vectors=event.vectors + 1))
            case ReferenceComputed():
                session.runs[0](replace(event, vectors=event.vectors + 1))
    assert_same(list(figures(snapshot)), before)
