"""Engines that are loaded beside one another."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from embedtui import machine
from embedtui.errors import EngineError
from embedtui.study.events import BatchEmbedded, EngineReady, SettingEnded
from embedtui.study.results import Results
from embedtui.study.study import Study
from tests.fakes import FakeEngine, FakeEngines, Script, Told, plan

SETTINGS = ("float16", "bfloat16", "float32")


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 1 << 40)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many engines were loading whenever one began to."""
    seen: list[int] = []
    loading: set[int] = set()
    everyone = threading.Barrier(3)
    load = FakeEngine.load

    def slow(self: FakeEngine, *arguments: object) -> object:
        loading.add(id(self))
        everyone.wait(5)  # raises unless all three come
        seen.append(len(loading))
        return load(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEngine, "load", slow)
    return seen


def test_engines_load_together_and_measure_one_after_the_other(
    tmp_path: Path, at_once: list[int]
) -> None:
    engines, told = FakeEngines(Script(), logs=tmp_path), Told()
    Study(plan(6, *SETTINGS), engines, [told], together=3).run()  # type: ignore[arg-type]
    assert at_once == [3, 3, 3]
    assert [event.setting for event in told.of(EngineReady)] == [0, 1, 2]
    order = [event.setting for event in told.of(BatchEmbedded)]
    assert order == sorted(order)


def test_figures_are_those_of_engines_that_load_alone(tmp_path: Path) -> None:
    found = []
    for together in (1, 3):
        results = Results()
        engines = FakeEngines(Script(), logs=tmp_path)
        Study(plan(6, *SETTINGS), engines, [results], together=together).run()  # type: ignore[arg-type]
        found.append([setting.unbatched.vectors for setting in results.settings])
    for alone, beside in zip(*found, strict=True):
        assert (alone == beside).all()


def test_one_that_fails_does_not_end_those_beside_it(tmp_path: Path) -> None:
    script = Script(failures={("load", "bfloat16"): EngineError("no kernel")})
    engines, told = FakeEngines(script, logs=tmp_path), Told()
    Study(plan(4, *SETTINGS), engines, [told], together=3).run()  # type: ignore[arg-type]
    assert [event.status for event in told.of(SettingEnded)] == ["finished", "failed", "finished"]
    assert told.of(SettingEnded)[1].reason == "no kernel"


def test_no_more_load_together_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 1 << 30)
    engines = FakeEngines(Script(), logs=tmp_path)
    threads = []
    load = FakeEngine.load

    def noted(self: FakeEngine, *arguments: object) -> object:
        threads.append(threading.current_thread())
        return load(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEngine, "load", noted)
    Study(plan(4, *SETTINGS), engines, [], together=3).run()  # type: ignore[arg-type]
    assert set(threads) == {threading.current_thread()}


def test_engines_that_were_loaded_ahead_do_not_make_room_until_they_were_used(
    tmp_path: Path, at_once: list[int]
) -> None:
    engines = FakeEngines(Script(), logs=tmp_path)
    held = []

    def watch(event: object) -> None:
        if isinstance(event, EngineReady):
            held.append([engine.held for engine in engines._warm.values()])

    Study(plan(4, *SETTINGS), engines, [watch], together=3).run()  # type: ignore[arg-type]
    assert [sum(one) for one in held] == [3, 2, 1]
    assert not any(engine.held for engine in engines._warm.values())
