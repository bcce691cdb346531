"""What the screens are given: composed from a session, and only anew where something has grown."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.plan.choices import Choices
from embedtui.plan.scenarios import scenario
from embedtui.tui.state.session import Session
from embedtui.tui.viewmodel.frames import Frame, Framer
from embedtui.tui.viewmodel.text_detail import detail_of
from embedtui.tui.viewmodel.view_builder import ViewBuilder
from embedtui.tui.viewmodel.view_state import View, ViewState
from tests.fakes import FakeEngines, Script
from tests.waiting import wait_until

RAG = ViewState(scenario("rag"), "l2")


@pytest.fixture
def choices(model_folder: Path, texts_file: Path) -> Choices:
    return Choices(
        model=str(model_folder),
        texts=str(texts_file),
        chosen=({"dtype": ["bfloat16", "float32"]},),
        batch_sizes=(1, 2, 4),
    )


@pytest.fixture
def session(tmp_path: Path) -> Session:
    engines: Any = FakeEngines(Script(), logs=tmp_path)
    return Session(engines)


def ran(session: Session, choices: Choices) -> Session:
    session.run(choices)
    session.wait(30)
    assert session.problem == ""
    return session


def test_before_a_run_there_is_nothing_and_it_says_so(session: Session) -> None:
    view = ViewBuilder(session).compose(RAG)
    assert view.lines == ()
    assert view.focus is None
    assert view.answers.serve.text == "not measured yet"


def test_a_line_holds_the_figures_of_its_setting(session: Session, choices: Choices) -> None:
    view = ViewBuilder(ran(session, choices)).compose(RAG)
    bfloat16, float32 = view.lines
    setting = session.runs[0].settings[0]
    drift = max(float(setting.drift_in_any_order(size).l2.max()) for size in (2, 4))
    assert bfloat16.drift == drift
    assert [size for size, _ in bfloat16.points] == [2, 4]
    assert bfloat16.histogram.total == 12
    assert bfloat16.noise_identical
    assert bfloat16.error == pytest.approx(5e-3, rel=0.1)
    assert float32.identical
    assert float32.points == ((2, None), (4, None))
    assert float32.histogram.identical == 12
    assert [line.style for line in view.lines] == ["series-2", "series-1"]
    assert view.status == "finished"
    assert view.histogram_sizes == (2, 4)


def test_nothing_is_composed_again_for_nothing(session: Session, choices: Choices) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    first, again = view_builder.compose(RAG), view_builder.compose(RAG)
    assert all(a is b for a, b in zip(first.lines, again.lines, strict=True))
    assert first.per_text is again.per_text


def test_a_change_of_metric_changes_every_figure(session: Session, choices: Choices) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    l2 = view_builder.compose(RAG).lines[0].drift
    cosine = view_builder.compose(ViewState(scenario("rag"), "cosine")).lines[0].drift
    assert l2 is not None
    assert cosine == pytest.approx(l2**2 / 2, rel=1e-6)


def test_per_text_figures_are_those_of_the_setting_spoken_of(
    session: Session, choices: Choices
) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    keys = [line.key for line in view_builder.compose(RAG).lines]
    view = view_builder.compose(ViewState(scenario("rag"), "l2", focus=keys[1]))
    assert view.focus is not None
    assert view.focus.label == "float32"
    assert view.per_text is not None
    assert [column.title for column in view.per_text.columns] == ["@2", "@4"]
    assert view.per_text.columns[0].identical.all()
    assert view.per_text.error is not None
    assert (view.per_text.position == np.arange(12) % 4).all()


def test_a_histogram_can_be_had_of_one_batch_size(session: Session, choices: Choices) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    view = view_builder.compose(ViewState(scenario("rag"), "l2", histogram_of=2))
    values = session.runs[0].settings[0].drift(2)[1].l2
    assert view.lines[0].histogram.high == float(values.max())


def test_hidden_settings_are_off_the_charts_and_keep_their_ink(
    session: Session, choices: Choices
) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    first = view_builder.compose(RAG).lines[0]
    view = view_builder.compose(ViewState(scenario("rag"), "l2", hidden=frozenset({first.key})))
    assert [line.label for line in view.lines] == ["float32"]
    assert view.lines[0].style == "series-1"


def test_a_pair_tells_how_far_two_settings_are_apart(session: Session, choices: Choices) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    one, other = (line.key for line in view_builder.compose(RAG).lines)
    view = view_builder.compose(ViewState(scenario("rag"), "l2", compared=(one, other)))
    assert view.pair is not None
    assert view.pair.apart is not None
    # bfloat16 is 5e-3 from the reference and float32 next to nothing.
    assert view.pair.apart.values == pytest.approx(5e-3, rel=0.1)
    assert view.pair.identical[1].all()


def test_settings_of_other_texts_stand_apart_and_are_named_for_it(
    session: Session, choices: Choices
) -> None:
    from dataclasses import replace

    ran(session, choices)
    ran(session, replace(choices, limit=6))
    view = ViewBuilder(session).compose(RAG)
    assert [line.label for line in view.lines] == ["bfloat16", "float32"]
    assert [line.label for line in view.earlier] == ["bfloat16", "float32"]
    assert {line.group for line in view.lines} == {""}
    (group,) = {line.group for line in view.earlier}
    assert "12 texts" in group
    assert view.focus in view.lines
    keys = [view.lines[0].key, None, view.earlier[0].key]
    assert (
        ViewBuilder(session)
        .compose(ViewState(scenario("rag"), "l2", compared=(keys[0], keys[2])))
        .pair
        is None
    )


def test_a_text_under_the_magnifying_glass(session: Session, choices: Choices) -> None:
    run = ran(session, choices).runs[0]
    found = detail_of(run, run.settings[0], 5, "l2")
    assert found.text.startswith("text number 5")
    assert [one.batch_size for one in found.sizes] == [2, 4]
    assert [one.position for one in found.sizes] == [1, 1]
    assert found.sizes[0].mates == (run.plan.pack.texts[4].id,)
    assert found.sizes[1].steps == (4,)
    assert found.drift is not None
    assert found.drift_at is not None
    moved = next(one.distance for one in found.sizes if one.batch_size == found.drift_at)
    assert np.linalg.norm(found.drift) == pytest.approx(moved, rel=1e-9)
    assert found.reference is not None
    assert np.linalg.norm(found.reference) == pytest.approx(found.error, rel=1e-9)
    still = detail_of(run, run.settings[1], 5, "l2")
    assert still.drift_at is None
    assert still.drift is None


class Taking(list[Frame]):
    def __init__(self) -> None:
        super().__init__()
        self.come = threading.Event()

    def __call__(self, frame: Frame) -> None:
        self.append(frame)
        self.come.set()

    def wait(self) -> Frame:
        assert self.come.wait(120)
        self.come.clear()
        return self[-1]


def test_frames_hold_pictures_of_just_the_size_that_was_asked_for(
    session: Session, choices: Choices
) -> None:
    taking = Taking()
    framer = Framer(ViewBuilder(ran(session, choices)), RAG, taking)
    framer.start()
    try:
        taking.wait()
        framer.size("histogram", (61, 17))
        wait_until(lambda: "histogram" in taking[-1].pictures)
        picture = taking[-1].pictures["histogram"]
        assert (picture.width, picture.height) == (61, 17)
        framer.change(metric="cosine")
        wait_until(lambda: taking[-1].view.view_state.metric == "cosine")
    finally:
        framer.stop()


def test_growing_figures_make_no_more_frames_than_wanted(
    session: Session, choices: Choices
) -> None:
    taking = Taking()
    framer = Framer(ViewBuilder(session), RAG, taking)
    framer.seconds = 0.1
    growths = 0

    def seven_came() -> bool:
        nonlocal growths
        for _ in range(10):
            growths += 1
            framer.grown()
        return len(taking) >= 7

    began = time.monotonic()
    framer.start()
    try:
        wait_until(seven_came)
        assert time.monotonic() - began >= 6 * framer.seconds
        assert growths > 2 * len(taking)
    finally:
        framer.stop()


def test_the_last_growth_is_shown_though_nothing_follows(session: Session) -> None:
    taking = Taking()
    framer = Framer(ViewBuilder(session), RAG, taking)
    framer.seconds = 0.05
    framer.start()
    try:
        taking.wait()
        for _ in range(5):
            framer.grown()
        session.version += 1
        framer.grown()
        wait_until(lambda: taking[-1].view.version == session.version)
    finally:
        framer.stop()


def test_a_view_can_be_read_while_a_run_goes_on(session: Session, choices: Choices) -> None:
    view_builder, views = ViewBuilder(session), list[View]()
    engines: Any = session.engines
    engines.script.sleep = 0.002
    session.run(choices)
    while session.busy:
        views.append(view_builder.compose(RAG))
    views.append(view_builder.compose(RAG))
    dones = [view.lines[0].done for view in views if view.lines]
    assert dones == sorted(dones)
    assert len(set(dones)) > 3
    assert views[-1].state == "idle"


def test_what_a_chart_had_to_hold_in_a_run_it_holds_until_another_metric(
    session: Session, choices: Choices
) -> None:
    view_builder = ViewBuilder(ran(session, choices))
    at_two = view_builder.compose(ViewState(scenario("rag"), "l2", histogram_of=2)).lines[0]
    whole = view_builder.compose(RAG).lines[0]
    assert at_two.extent is not None
    assert whole.extent is not None
    assert at_two.histogram.low != whole.histogram.low
    assert whole.extent[0] == at_two.extent[0] == at_two.histogram.low
    other = view_builder.compose(ViewState(scenario("rag"), "cosine")).lines[0]
    assert other.extent is not None
    assert other.extent[1] == max(other.histogram.high or 0, other.error or 0)
