"""The end of a run: asked for by signals, and what stands in its way is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from embedtui.engine.port import Stopped
from embedtui.run import ending
from embedtui.run.ending import LeftBehind, end_requests, wait_for_end
from embedtui.run.heartbeat import HEARTBEAT_SECONDS, Heartbeat
from tests.fakes import FakeEngines

ENGINE, HOST = Stopped("engine", 42), Stopped("engine host", 41)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_stopped_is_told_once_and_that_it_goes_on(tmp_path: Path) -> None:
    engines, clock = FakeEngines(logs=tmp_path), Clock()
    heartbeat = Heartbeat(engines, "Ctrl+C twice ends the run", clock)
    told = []
    for stopped in ([], [ENGINE], [ENGINE], [HOST, ENGINE], [], []):
        engines.host.stopped_ones = stopped
        told.append(heartbeat.beat())
        assert heartbeat.beat() == "", "asked again at once"
        clock.now += HEARTBEAT_SECONDS
    assert told == [
        "",
        "the engine's process is stopped (SIGSTOP): `kill -CONT 42` lets it go on, "
        "Ctrl+C twice ends the run",
        "",
        "the engine host's process is stopped (SIGSTOP): `kill -CONT 41` lets it go on, "
        "Ctrl+C twice ends the run",
        "the engine host's process goes on",
        "",
    ]
    assert heartbeat.stalled == ""
    assert HEARTBEAT_SECONDS < 10


class Run:
    """Ends when it is told to, or does not."""

    def __init__(self, ends_by: str) -> None:
        self.told: list[str] = []
        self._ends_by = ends_by

    def cancel(self) -> None:
        self.told.append("cancel")

    def kill(self) -> None:
        self.told.append("kill")

    def over(self, _seconds: float) -> bool:
        return self._ends_by in self.told


def waited(run: Run, signals: list[signal.Signals]) -> list[str]:
    """Wait for the end; the signals come one by one, each when the one before was heard."""
    said: list[str] = []
    left = list(signals)

    def over(seconds: float) -> bool:
        if left and len(run.told) == len(signals) - len(left):
            os.kill(os.getpid(), left.pop(0))
        return run.over(seconds)

    with end_requests() as asked:
        wait_for_end(run, over, asked, said.append, lambda: "")
    return said


@pytest.mark.parametrize(
    ("ends_by", "signals", "told"),
    [
        ("cancel", [signal.SIGINT], ["cancel"]),
        ("kill", [signal.SIGINT, signal.SIGINT], ["cancel", "kill"]),
        ("kill", [signal.SIGTERM], ["kill"]),
    ],
)
def test_what_is_asked_for_is_done(
    ends_by: str, signals: list[signal.Signals], told: list[str]
) -> None:
    run = Run(ends_by)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    said = waited(run, signals)
    assert run.told == told
    assert len(said) == signals.count(signal.SIGINT) // len(signals)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_run_that_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "KILL_SECONDS", 0.05)
    with pytest.raises(LeftBehind, match="did not end"):
        waited(Run("nothing"), [signal.SIGTERM])


def test_what_is_to_be_told_meanwhile_is_said() -> None:
    news = iter(["it stands still", "", "it goes on"])
    turns = iter([False, False, False, True])
    over: Callable[[float], bool] = lambda _seconds: next(turns)  # noqa: E731 - typed in a line
    said: list[str] = []
    with end_requests() as asked:
        wait_for_end(Run(""), over, asked, said.append, lambda: next(news))
    assert said == ["it stands still", "it goes on"]
