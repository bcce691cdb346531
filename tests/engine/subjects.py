"""The engines that the contract of engines is tried on, and how each is brought to trouble."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedtui.common.errors import Cancelled
from embedtui.engine.access import Access
from embedtui.engine.forked import ForkedEngine
from embedtui.engine.messages import BatchDone, Job, Load, Reference
from embedtui.engine.pool import VllmPool
from embedtui.engine.port import Engine, EnginePool, Lease, Stop, never, silent
from embedtui.engine.settings import Setting
from tests.fakes import FakeEngine, FakeEngines, Script
from tests.servers.fault_server import MODEL, Serve, serving

TEXTS = ("a text", "another text", "a third one", "the last of them")
ROOM = Load(largest_batch=4, token_budget=4096, longest=512)
GIB = 1 << 30


@dataclass
class Subject:
    """A pool to be tried, two settings of it, and how its engines are brought to trouble."""

    pool: EnginePool
    one: Setting
    other: Setting
    hold_load: Callable[[], None]
    """Have the next load go on until it is ended."""
    hold_fork: Callable[[], None]
    """Have the next fork not come to its end."""
    die: Callable[[Engine], None]
    """Have an engine end, or fail, in the middle of its work."""
    reference: Reference | None = None

    def state(self, setting: Setting) -> list[str]:
        return [state for one, state in self.pool.states() if one == setting]


def fake_subject(folder: Path) -> Subject:
    script = Script()
    made: EnginePool = FakeEngines(script, logs=folder)

    def hold_load() -> None:
        script.load_never_ends = True

    def hold_fork() -> None:
        def wait(stop: Stop) -> None:
            until(stop)
            raise Cancelled("cancelled while an engine was being started")

        script.on_fork = wait

    def die(engine: Engine) -> None:
        assert isinstance(engine, FakeEngine)
        engine.process.die()

    one, other = Setting("tiny", dtype="float32"), Setting("tiny", dtype="float16")
    asked = Reference("tiny", "cpu", 64, "mean", tuple(range(200)), TEXTS * 50)
    return Subject(made, one, other, hold_load, hold_fork, die, asked)


def server_subject(pool: EnginePool, serve: Serve) -> Subject:
    server = serve()
    pool.access = Access(first_wait=0.01)

    def hold_load() -> None:
        server.faults = replace(server.faults, drip=True)

    def die(_: Engine) -> None:
        server.faults = replace(server.faults, cut=True)

    def hold_fork() -> None:
        pytest.fail("nothing is forked for a server")

    one = Setting(f"{server.url}#{MODEL}")
    other = replace(one, requests="concurrent")
    return Subject(pool, one, other, hold_load, hold_fork, die)


def vllm_subject(pool: VllmPool, model: str) -> Subject:
    def nothing() -> None:
        """Loading takes long enough to be met in it."""

    def hold_fork() -> None:
        assert pool.host.pid is not None
        os.kill(pool.host.pid, signal.SIGSTOP)

    def die(engine: Engine) -> None:
        assert isinstance(engine, ForkedEngine)
        os.kill(engine.process.pid, signal.SIGKILL)

    one, other = (Setting(model, dtype="float32", threads=threads) for threads in (1, 2))
    asked = Reference(model, "cpu", 256, "mean", tuple(range(200)), TEXTS * 50)
    return Subject(pool, one, other, nothing, hold_fork, die, asked)


@contextmanager
def made_subject(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Subject]:
    if kind == "fake":
        yield fake_subject(folder)
    elif kind == "server":
        with serving() as serve:
            pool = VllmPool()
            try:
                yield server_subject(pool, serve)
            finally:
                pool.close()
    else:
        pool = request.getfixturevalue("vllm_pool")
        try:
            yield vllm_subject(pool, request.getfixturevalue("minilm"))
        finally:
            if pool.host.pid is not None and psutil.pid_exists(pool.host.pid):
                os.kill(pool.host.pid, signal.SIGCONT)


def until(condition: Callable[[], Any], seconds: float = 120) -> None:
    waited = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("what was waited for has not come")


def opened(subject: Subject, setting: Setting) -> Lease:
    """Lease a new engine that has read the texts."""
    lease = subject.pool.spawn(setting, 0)
    lease.engine.open(silent, never)
    lease.engine.prepare(TEXTS, "truncate", silent, never)
    return lease


def loaded(subject: Subject, setting: Setting) -> Lease:
    """Lease an engine that can embed the texts, one that stands if there is one."""
    lease = subject.pool.get(setting)
    if lease is None:
        lease = opened(subject, setting)
        lease.engine.load(ROOM, silent, never)
    lease.engine.prepare(TEXTS, "truncate", silent, never)
    return lease


def embed(engine: Engine, stop: Stop = never) -> list[BatchDone]:
    return list(engine.embed([Job(0, (0, 1)), Job(1, (2, 3)), Job(2, (1, 2, 3))], stop))


def each(answers: Iterator[Any], call: Callable[[Any], object]) -> None:
    for answer in answers:
        call(answer)


class Beside:
    """Work in a thread of its own, and how it ended."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error
