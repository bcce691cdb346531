"""The view of neighbours: lists before and after, searched apart from screen and run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.assess import retrieval
from embedtui.plan.plan import FIRST
from embedtui.tui.app import Explorer
from embedtui.tui.state.searches import Job, Searches, jobs_of
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.viewmodel.query_lists import changed_queries, query_of
from embedtui.tui.viewmodel.view_state import Lists
from tests.fakes import Script, plan
from tests.tui.conftest import Make, ran, told, until, view_of
from tests.waiting import wait_until

WIDE, NARROW = (120, 40), (80, 24)


def drifting(by: float = 0.2) -> Script:
    def drift(_dtype: str, size: int, _position: int) -> float:
        return by if size > 1 else 0.0

    return Script(drift=drift, precision={"bfloat16": 0.1, "float16": 0.01, "float32": 0.0})


async def shown(pilot: Any, *words: str) -> None:
    await until(pilot, lambda: all(word in text_of(pilot.app) for word in words))


@pytest.fixture
def results(tmp_path: Path) -> Any:
    from embedtui.results.results import Results
    from embedtui.run.study import Study
    from tests.fakes import FakeEngines

    found = Results()
    made = plan(24, "bfloat16", sizes=(1, 2, 4))
    Study(made, FakeEngines(drifting(), logs=tmp_path), [found]).run()
    return found


def test_lists_before_and_after_with_what_became_of_each(results: Any) -> None:
    found = retrieval.batch_retrieval(results, results.settings[0], 4)
    assert found is not None
    fates = set()
    for place in range(24):
        query = query_of(found, place)
        one = [p.row for p in query.before]
        two = [p.row for p in query.after]
        assert query.order_changed == (one != two)
        assert [p.rank for p in query.before] == list(range(1, 11))
        for at, p in enumerate(query.before):
            now = two.index(p.row) if p.row in two else None
            fates.add(p.fate)
            assert p.fate == (
                "gone" if now is None else "same" if now == at else "up" if now < at else "down"
            )
            assert p.moved == (0 if now is None else abs(now - at))
            assert p.order in {"stable", "may swap", "swapped"}
            assert p.gap is not None
        for at, p in enumerate(query.after):
            was = one.index(p.row) if p.row in one else None
            fates.add(p.fate)
            assert (p.fate == "new") == (was is None)
            assert (p.fate == "up") == (was is not None and at < was)
            assert p.gap is None
        assert np.all(np.diff([p.score for p in query.before]) < 0)
    assert fates == {"same", "up", "down", "new", "gone"}
    assert changed_queries(found).tolist() == [
        place for place in range(24) if query_of(found, place).order_changed
    ]


def lists_of(app: Explorer) -> Lists:
    lists = view_of(app).lists
    assert lists is not None
    return lists


async def test_the_view_shows_a_query_and_steps_to_the_next_changed_one(make_app: Make) -> None:
    app = make_app(drifting())
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("3")
        await shown(pilot, "before: unbatched", "after: @", "text 1 of 12", "smallest margin")
        await shown(pilot, "of 12 texts change", "overlap", "pairs swapped", "expected")
        found = lists_of(app).found
        assert found is not None
        changed = changed_queries(found).tolist()
        await pilot.press("home", "n")
        want = next((p for p in changed if p > 0), changed[0])
        await shown(pilot, f"text {want + 1} of 12", "≠")
        query = query_of(found, want)
        moved = next(p for p in query.after if p.fate in {"up", "down"})
        mark = {"up": "↑", "down": "↓"}[moved.fate]
        await shown(pilot, f"{mark} {moved.moved} {moved.fate}", "swapped")
        await pilot.press("end")
        await shown(pilot, "text 12 of 12")
        await pilot.press("down")
        await shown(pilot, "text 12 of 12")
        await pilot.press("N")
        before = [p for p in changed if p < 11]
        await shown(pilot, f"text {before[-1] + 1} of 12")
        await pilot.press("k")
        await shown(pilot, f"text {before[-1]} of 12")


async def test_h_holds_it_against_the_reference_and_commas_choose_the_batches(
    make_app: Make,
) -> None:
    app = make_app(drifting())
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("3")
        await shown(pilot, "after: @")
        await pilot.press("full_stop")
        await shown(pilot, "after: @2")
        await pilot.press("full_stop")
        await shown(pilot, "after: @4")
        await pilot.press("h")
        await shown(pilot, "before: float64", "after: unbatched")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: lists_of(app).label == view_of(app).lines[1].label)


async def test_at_80_columns_both_lists_and_their_marks_are_there(make_app: Make) -> None:
    app = make_app(drifting())
    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        await pilot.press("3")
        await shown(pilot, "before: unbatched", "after: @", "n next changed")
        assert "3 Search" in text_of(app)
        marks = ("up", "down", "new", "gone")
        rows = [line for line in text_of(app).splitlines() if any(f" {m}" in line for m in marks)]
        assert rows
        assert max(len(line) for line in text_of(app).splitlines()) <= 80


async def test_nothing_measured_and_nothing_changed_are_told(make_app: Make) -> None:
    app = make_app(Script(drift=lambda *_: 0.0))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("3")
        await shown(pilot, "nothing was measured yet")
        await ran(pilot)
        await shown(pilot, "all 12 texts keep the order", "its list is identical")
        await pilot.press("n")
        await until(pilot, lambda: "no list has changed" in told(app))


async def test_what_is_not_consistent_stands_with_its_changed_lists(make_app: Make) -> None:
    app = make_app(drifting())
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await until(pilot, lambda: all(line.lists for line in view_of(app).lines))
        for line in view_of(app).lines:
            assert line.lists is not None
            count = line.lists[1].order_changed[0]
            share = "100" if count == 12 else f"{round(100 * count / 12)}"
            assert line.answers.drift.text.startswith(f"{line.label}: ")
            assert f"× the limit; top-10 order changed: {share} %" in line.answers.drift.text
        await shown(pilot, "top-10 order changed: ")


async def test_searching_holds_up_neither_frames_nor_the_run(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    search = retrieval.worst_of_orders

    def slow(*args: Any) -> Any:
        held.wait(120)
        return search(*args)

    monkeypatch.setattr(retrieval, "worst_of_orders", slow)
    app = make_app(drifting())
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("3")
        await shown(pilot, "neighbours are being searched")
        await pilot.press("2", "3")
        assert not any(line.lists for line in view_of(app).lines)
        held.set()
        await shown(pilot, "before: unbatched")


def test_large_sets_wait_until_the_run_has_ended(
    results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedtui.tui.state.searches._SMALL", 10)
    found = threading.Event()
    searches = Searches()
    searches.told = found.set
    setting = results.settings[0]
    jobs = jobs_of(results, setting, mixed=True)
    assert [job.against for job in jobs] == ["mixed", 4, "reference", 2]
    searches.want(jobs, busy=True)
    assert not searches.pending(setting)
    searches.want(jobs, busy=False)
    assert found.wait(120)
    wait_until(lambda: len(searches.lists_of(setting)) == 4)
    assert set(searches.lists_of(setting)) == {"mixed", 4, 2, "reference"}
    searches.stop()


def test_what_still_grows_is_not_searched(results: Any) -> None:
    setting = results.settings[0]
    searches = Searches()
    setting.status = "running"
    setting.passes[4, FIRST].done[3] = False
    searches.want([Job(results, setting, 4)], busy=False)
    assert not searches.pending(setting)
    assert searches.lists_of(setting) == {}


@pytest.mark.parametrize("how", ["something else is wanted", "the screen closes"])
def test_a_search_that_nobody_waits_for_is_ended(
    results: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    began, ended = threading.Event(), threading.Event()

    def endless(*_: object) -> None:
        tell = retrieval._told.get()
        assert tell is not None
        began.set()
        try:
            while True:
                tell(0.5)
        finally:
            ended.set()

    monkeypatch.setattr(retrieval, "worst_of_orders", endless)
    searches = Searches()
    setting = results.settings[0]
    searches.want([Job(results, setting, 4)], busy=False)
    assert began.wait(120)
    assert searches.pending(setting)
    if how == "the screen closes":
        searches.stop()
    else:
        searches.want([], busy=False)
    assert ended.wait(120)
    assert searches.lists_of(setting) == {}
    searches.stop()
