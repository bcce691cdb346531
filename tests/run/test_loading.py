"""Engines that are loaded beside one another."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from embedtui.common import machine
from embedtui.common.errors import EngineError
from embedtui.results.events import BatchEmbedded, EngineReady, SettingEnded
from embedtui.results.progress import Progress
from embedtui.results.results import Results
from embedtui.run.study import Study
from tests.fakes import EventRecorder, FakeEngine, FakeEngines, Script, plan

SETTINGS = ("float16", "bfloat16", "float32")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many engines were loading whenever one began to."""
    seen: list[int] = []
    loading: set[int] = set()
    everyone = threading.Barrier(3)
    load = FakeEngine.load

    def slow(self: FakeEngine, *arguments: object) -> object:
        loading.add(id(self))
        everyone.wait(120)  # raises unless all three come
        seen.append(len(loading))
        return load(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEngine, "load", slow)
    return seen


def test_engines_load_together_and_take_turns_for_their_first_figures(
    tmp_path: Path, at_once: list[int]
) -> None:
    engines, told = FakeEngines(Script(), logs=tmp_path), EventRecorder()
    Study(plan(6, *SETTINGS), engines, [told], together=3).run()
    assert at_once == [3, 3, 3]
    assert [event.setting for event in told.of(EngineReady)] == [0, 1, 2]
    order = [event.setting for event in told.of(BatchEmbedded)]
    first = [0, 0, 0, 1, 1, 1, 2, 2, 2]  # two texts alone and then together
    assert order[:9] == first
    assert order[9:] == sorted(order[9:])
    assert [event.setting for event in told.of(SettingEnded)] == [0, 1, 2]


def test_one_that_fails_at_its_first_figure_is_told_in_its_turn(tmp_path: Path) -> None:
    script = Script(failures={("embed", "bfloat16"): EngineError("no kernel")})
    engines, told, results = FakeEngines(script, logs=tmp_path), EventRecorder(), Results()
    Study(plan(4, *SETTINGS), engines, [told, results], together=3).run()
    assert [(e.setting, e.status) for e in told.of(SettingEnded)] == [
        (0, "finished"),
        (1, "failed"),
        (2, "finished"),
    ]
    assert [setting.unbatched.count for setting in results.settings] == [4, 0, 4]


def test_a_stop_at_the_first_figures_keeps_them(tmp_path: Path) -> None:
    studies: list[Study] = []

    def watch(event: object) -> None:
        if isinstance(event, BatchEmbedded) and event.setting == 1 and event.batch_size > 1:
            studies[0].cancel()

    engines, results = FakeEngines(Script(), logs=tmp_path), Results()
    made = plan(6, *SETTINGS)
    studies.append(Study(made, engines, [results, watch], together=3))
    assert studies[0].run() == "cancelled"
    assert [setting.unbatched.count for setting in results.settings] == [2, 2, 0]
    assert {setting.status for setting in results.settings} == {"cancelled"}


def test_progress_counts_every_text_of_settings_that_take_turns(tmp_path: Path) -> None:
    engines, progress = FakeEngines(Script(), logs=tmp_path), Progress()
    counts = []
    study = Study(
        plan(6, *SETTINGS),
        engines,
        [progress, lambda _: counts.append(progress.done)],
        together=3,
    )
    study.run()
    assert counts == sorted(counts)
    assert progress.done == progress.total


def test_figures_are_those_of_engines_that_load_alone(tmp_path: Path) -> None:
    found = []
    for together in (1, 3):
        results = Results()
        engines = FakeEngines(Script(), logs=tmp_path)
        Study(plan(6, *SETTINGS), engines, [results], together=together).run()
        found.append([setting.unbatched.vectors for setting in results.settings])
    for alone, beside in zip(*found, strict=True):
        assert (alone == beside).all()


def test_one_that_fails_does_not_end_those_beside_it(tmp_path: Path) -> None:
    script = Script(failures={("load", "bfloat16"): EngineError("no kernel")})
    engines, told = FakeEngines(script, logs=tmp_path), EventRecorder()
    Study(plan(4, *SETTINGS), engines, [told], together=3).run()
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
    Study(plan(4, *SETTINGS), engines, [], together=3).run()
    assert set(threads) == {threading.current_thread()}


def test_engines_that_were_loaded_ahead_do_not_make_room_until_they_were_used(
    tmp_path: Path, at_once: list[int]
) -> None:
    engines = FakeEngines(Script(), logs=tmp_path)
    leased = []

    def watch(event: object) -> None:
        if isinstance(event, SettingEnded):
            leased.append([state for _, state in engines.states()].count("leased"))

    Study(plan(4, *SETTINGS), engines, [watch], together=3).run()
    assert leased == [2, 1, 0]
    assert [state for _, state in engines.states()] == ["idle"] * 3


def test_an_engine_of_a_setting_that_failed_makes_room_for_the_next(tmp_path: Path) -> None:
    engines = FakeEngines(Script(), logs=tmp_path)
    states: list[str] = []

    def watch(event: object) -> None:
        if isinstance(event, EngineReady) and event.setting == 0:
            raise EngineError("not this one")
        if isinstance(event, SettingEnded) and event.setting == 0:
            states.extend(state for _, state in engines.states())

    Study(plan(4, "float16", "float32"), engines, [watch], together=1).run()
    assert states == ["idle"]
