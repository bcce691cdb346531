"""The session: one run at a time, stopped in two stages, and earlier figures stay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.common.address import Address
from embedtui.common.errors import EngineError
from embedtui.engine.access import Secret
from embedtui.engine.port import Stopped
from embedtui.engine.settings import Setting
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.scenarios import scenario
from embedtui.tui.state.session import Session
from embedtui.tui.viewmodel.view_builder import ViewBuilder
from embedtui.tui.viewmodel.view_state import ViewState
from tests.fakes import FakeEngines, Script, broken
from tests.waiting import wait_until

Begin = Callable[..., tuple[Session, Choices]]


@pytest.fixture
def begin(tmp_path: Path, model_folder: Path, texts_file: Path) -> Begin:
    def begin(script: Script | None = None, **choices: Any) -> tuple[Session, Choices]:
        engines: Any = FakeEngines(script, logs=tmp_path)
        chosen = ({"dtype": ["float16", "float32"]},)
        defaults: dict[str, Any] = {"batch_sizes": (1, 2, 4), "chosen": chosen}
        return Session(engines), Choices(
            model=str(model_folder), texts=str(texts_file), **defaults | choices
        )

    return begin


def wait(session: Session) -> None:
    session.wait(60)
    assert not session.busy


def waiting_for(event: threading.Event) -> Callable[[int], None]:
    def wait(_: int) -> None:
        assert event.wait(60)

    return wait


def test_a_run_ends_idle_with_its_figures(begin: Begin) -> None:
    session, choices = begin()
    versions: list[int] = []
    session.listen(lambda: versions.append(session.version))
    assert session.run(choices)
    wait(session)
    assert [run.status for run in session.runs] == ["finished"]
    assert versions == sorted(versions)
    assert session.problem == ""
    assert session.seconds > 0


def test_a_request_may_take_as_long_as_the_sweep_says_and_a_key_typed_meanwhile_is_kept(
    begin: Begin,
) -> None:
    during: list[float] = []
    address = Address.parse("https://a.example/v1")

    def on_job(_: int) -> None:
        during.append(engines.access.timeout)
        engines.access = engines.access.with_key(address, Secret("typed"))

    session, choices = begin(Script(on_job=on_job))
    engines = session.engines
    usual = engines.access.timeout
    session.run(choices, timeout=7.0)
    wait(session)
    assert set(during) == {7.0}
    assert engines.access.timeout == usual
    assert engines.access.key_for(address) is not None


def test_while_one_runs_no_other_begins(begin: Begin) -> None:
    hold = threading.Event()
    session, choices = begin(Script(on_job=waiting_for(hold)))
    assert session.run(choices)
    assert not session.run(choices)
    hold.set()
    wait(session)
    assert len(session.runs) == 1


def test_what_is_changed_is_computed_and_what_was_stays(begin: Begin) -> None:
    session, choices = begin()
    session.run(choices)
    wait(session)
    engines: Any = session.engines
    before = engines.jobs
    session.run(choices)
    wait(session)
    assert engines.jobs == before
    assert len(session.runs) == 2


def test_cancel_lets_the_batch_end_and_keeps_what_was_measured(begin: Begin) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def on_job(count: int) -> None:
        if count == 15:
            reached.set()
            assert go_on.wait(60)

    session, choices = begin(Script(on_job=on_job))
    session.run(choices)
    assert reached.wait(60)
    session.cancel()
    assert session.state == "cancelling"
    go_on.set()
    wait(session)
    run = session.runs[-1]
    assert run.status == "cancelled"
    engines: Any = session.engines
    assert engines.jobs == 16
    assert run.settings[0].unbatched.count > 0
    assert len(engines.loaded) == 1
    assert session.run(choices)
    wait(session)
    assert session.runs[-1].status == "finished"
    assert len(engines.loaded) == 2, "the engine that was only stopped is still warm"


def test_kill_takes_the_engine_and_the_next_run_loads_another(begin: Begin) -> None:
    script = Script(sleep=0.05)
    session, choices = begin(script)
    session.run(choices)
    wait_until(lambda: session.runs and session.runs[-1].settings[0].unbatched.count)
    engines: Any = session.engines
    session.cancel()
    session.kill()
    begun = engines.jobs
    wait(session)
    assert engines.jobs <= begun + 1
    assert len(engines.loaded) == 1
    script.sleep = 0
    assert session.run(choices)
    wait(session)
    assert session.runs[-1].status == "finished"
    assert len(engines.loaded) == 3


def test_a_cancel_before_the_study_stands_ends_it(begin: Begin, monkeypatch: Any) -> None:
    from embedtui.tui.state import session as module

    session, choices = begin()
    real, entered, go_on = plan_of, threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        entered.set()
        assert go_on.wait(60)
        return real(*arguments)

    monkeypatch.setattr(module, "plan_of", slow)
    session.run(choices)
    assert entered.wait(60)
    session.cancel()
    go_on.set()
    wait(session)
    assert session.runs == []
    engines: Any = session.engines
    assert engines.jobs == 0


@pytest.mark.parametrize(
    ("choices", "said"),
    [({"model": "/no/such/folder"}, "no such folder"), ({"texts": "/no/such.txt"}, "no such")],
)
def test_bad_input_is_a_problem_in_a_sentence(begin: Begin, choices: Any, said: str) -> None:
    session, chosen = begin()
    from dataclasses import replace

    session.run(replace(chosen, **choices))
    wait(session)
    assert said in session.problem
    assert session.runs == []


def test_an_engine_that_fails_is_told_and_the_session_goes_on(
    begin: Begin, model_folder: Path
) -> None:
    label = Setting(str(model_folder), "float16").label
    script = Script(failures={("load", label): EngineError("out of memory")})
    session, choices = begin(script)
    session.run(choices)
    wait(session)
    statuses = [setting.status for setting in session.runs[-1].settings]
    assert statuses == ["failed", "finished"]
    script.failures.clear()
    session.run(choices)
    wait(session)
    assert [s.status for s in session.runs[-1].settings] == ["finished", "finished"]


def test_a_fault_is_kept_with_its_setting(begin: Begin) -> None:
    session, choices = begin(Script(plants=(broken(1, np.nan, size=4),)))
    session.run(choices)
    wait(session)
    assert len(session.faults) == 2
    assert all("NaN" in text for text in session.faults.values())


def test_only_so_many_runs_are_kept(begin: Begin) -> None:
    session, choices = begin(chosen=({"dtype": ["float32"]},), reference=False, repeats=0)
    for _ in range(11):
        session.run(choices)
        wait(session)
    assert len(session.runs) == 8


def test_closing_in_mid_run_ends_everything(begin: Begin) -> None:
    session, choices = begin(Script(sleep=0.05))
    session.run(choices)
    session.close()
    wait(session)
    engines: Any = session.engines
    assert engines.host.closed


def test_an_engine_that_stands_still_is_told_until_it_goes_on(begin: Begin) -> None:
    hold = threading.Event()
    session, choices = begin(Script(on_job=waiting_for(hold)))
    engines: Any = session.engines
    engines.host.stopped_ones = [Stopped("engine", 42)]
    builder, wish = ViewBuilder(session), ViewState(scenario("rag"), "l2")
    session.run(choices)
    wait_until(lambda: session.stalled)
    version = session.version
    stage = builder.compose(wish).stage
    assert stage.startswith("the engine's process is stopped (SIGSTOP): `kill -CONT 42` lets")
    assert stage.endswith("Esc twice ends the run")
    engines.host.stopped_ones = []
    wait_until(lambda: not session.stalled)
    assert session.version > version, "no frame would come of it"
    assert "stopped" not in builder.compose(wish).stage
    hold.set()
    wait(session)
