"""What every engine and every pool of engines promises, whichever they are.

The same tests drive the fake that other tests run on, a server, and the real vLLM: what the study
may count on with one of them holds with all.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from embedtui.common import machine
from embedtui.common.address import Address
from embedtui.common.errors import Cancelled, EngineError, InputError
from embedtui.engine.access import Secret
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import BatchDone, Job
from embedtui.engine.pool import VllmPool
from embedtui.engine.port import Engine, Lease, Stop, never, silent
from embedtui.engine.settings import Setting
from tests.engine.subjects import (
    GIB,
    ROOM,
    TEXTS,
    Beside,
    Subject,
    each,
    embed,
    fake_subject,
    loaded,
    made_subject,
    opened,
    server_subject,
    until,
    vllm_subject,
)
from tests.fakes import FakeEngine, FakeEngines
from tests.servers.fault_server import serving


@pytest.fixture(scope="module")
def vllm_pool() -> Iterator[VllmPool]:
    made = VllmPool()
    try:
        yield made
    finally:
        made.close()


REAL = pytest.param("vllm", marks=pytest.mark.engine)


@pytest.fixture(params=["fake", "server", REAL])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    with made_subject(request.param, request, tmp_path) as made:
        yield made


@pytest.fixture(params=["fake", REAL])
def forking(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """A pool whose engines are forked."""
    with made_subject(request.param, request, tmp_path) as made:
        yield made


def test_an_engine_is_opened_prepared_loaded_and_embeds(subject: Subject) -> None:
    with subject.pool.spawn(subject.one, 0) as lease:
        engine = lease.engine
        assert (engine.setting, engine.opened, engine.effective) == (
            subject.one,
            None,
            EffectiveConfig(),
        )
        assert engine.alive
        told: list[str] = []
        assert engine.open(told.append, never) == engine.opened
        prepared = engine.prepare(TEXTS, "truncate", told.append, never)
        assert len(prepared.tokens) == len(TEXTS)
        assert engine.load(ROOM, told.append, never) == engine.effective
        assert {"dtype", "device", "pooling", "max_length"} <= set(engine.effective.told)
        assert engine.largest_batch == ROOM.largest_batch
        assert told
        done = embed(engine)
        assert [one.job for one in done] == [0, 1, 2]
        assert [len(one.vectors) for one in done] == [2, 2, 3]
        assert {one.vectors.dtype for one in done} == {np.dtype(np.float32)}
        assert not engine.busy
        lease.discard()
    assert subject.state(subject.one) == []


def test_a_lease_is_of_one_and_a_loaded_engine_stays_for_the_next(subject: Subject) -> None:
    with loaded(subject, subject.one) as lease:
        assert subject.state(subject.one) == ["leased"]
        assert subject.pool.get(subject.one) is None
    assert subject.state(subject.one) == ["idle"]
    lease.release()
    again = subject.pool.get(subject.one)
    assert again is not None
    assert again.engine is lease.engine
    lease.release()  # the lease of before has no say any more
    assert subject.state(subject.one) == ["leased"]
    again.release()


def test_an_engine_that_was_never_loaded_is_not_kept(subject: Subject) -> None:
    opened(subject, subject.other).release()
    assert "idle" not in subject.state(subject.other)


def test_a_stop_lets_the_batch_in_hand_come_back_and_the_engine_stays(subject: Subject) -> None:
    with loaded(subject, subject.one) as lease:
        whole = embed(lease.engine)
        jobs = [Job(number, (0, 1)) for number in range(1000)]
        done: list[BatchDone] = []
        with pytest.raises(Cancelled):
            each(lease.engine.embed(jobs, lambda: bool(done)), done.append)
        assert 1 <= len(done) < 1000
        again = embed(lease.engine)
        assert all(np.array_equal(a.vectors, b.vectors) for a, b in zip(whole, again, strict=True))
    assert subject.state(subject.one) == ["idle"]


def test_leaving_the_batches_early_leaves_nothing_for_the_next(subject: Subject) -> None:
    with loaded(subject, subject.one) as lease:
        whole = embed(lease.engine)
        stream = lease.engine.embed([Job(number, (3,)) for number in range(1000)], never)
        next(stream)
        assert lease.engine.busy
        del stream
        again = embed(lease.engine)
        assert [one.job for one in again] == [0, 1, 2]
        assert all(np.array_equal(a.vectors, b.vectors) for a, b in zip(whole, again, strict=True))


def test_a_kill_in_a_load_ends_that_engine_and_no_other(subject: Subject) -> None:
    loaded(subject, subject.one).release()
    lease = opened(subject, subject.other)
    subject.hold_load()

    def load() -> None:
        with lease:
            lease.engine.load(ROOM, silent, never)

    beside = Beside(load)
    until(lambda: lease.engine.busy)
    subject.pool.kill_current()
    beside.join()
    assert isinstance(beside.error, Cancelled)
    assert subject.state(subject.other) == []
    assert subject.state(subject.one) == ["idle"]


def test_a_kill_when_nothing_works_kills_nothing(subject: Subject) -> None:
    with loaded(subject, subject.one) as lease:
        subject.pool.kill_current()
        assert lease.engine.alive
    subject.pool.kill_current()
    assert subject.state(subject.one) == ["idle"]


def test_a_kill_in_a_fork_ends_the_fork_and_not_the_engine_that_stands(forking: Subject) -> None:
    loaded(forking, forking.one).release()
    forking.hold_fork()
    beside = Beside(lambda: forking.pool.spawn(forking.other, 0))
    until(lambda: forking.state(forking.other) == ["starting"])
    forking.pool.kill_current()
    beside.join()
    assert isinstance(beside.error, Cancelled)
    assert forking.state(forking.other) == []
    assert forking.state(forking.one) == ["idle"]


def test_a_kill_strikes_the_float64_model_that_works(forking: Subject) -> None:
    loaded(forking, forking.one).release()
    assert forking.reference is not None
    with forking.pool.reference() as model:
        stream = model.embed(forking.reference, silent, never)
        with pytest.raises(Cancelled):
            each(stream, lambda _: forking.pool.kill_current())
    assert forking.state(forking.one) == ["idle"]


def test_eviction_takes_what_is_idle_and_never_what_is_leased(
    forking: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(forking, forking.one).release()
    lease = opened(forking, forking.other)  # being prepared, not yet loaded
    monkeypatch.setattr(machine, "free_memory", lambda: 0)
    forking.pool.evict(GIB)
    assert forking.state(forking.one) == []
    another = forking.pool.spawn(forking.one, GIB)
    assert lease.engine.alive
    assert lease.engine.load(ROOM, silent, never)
    assert another.engine.alive
    another.discard()
    lease.release()


def test_the_way_to_a_server_is_opened_anew_once_a_key_was_typed_for_it() -> None:
    with serving() as serve:
        pool = VllmPool()
        subject = server_subject(pool, serve)
        loaded(subject, subject.one).release()
        pool.access = pool.access.with_key(Address.parse(subject.one.model), Secret("typed"))
        assert pool.get(subject.one) is None
        assert subject.state(subject.one) == []
        pool.close()


def test_a_server_takes_no_memory_that_closing_it_would_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as serve:
        pool = VllmPool()
        subject = server_subject(pool, serve)
        loaded(subject, subject.one).release()
        monkeypatch.setattr(machine, "free_memory", lambda: 0)
        pool.evict(GIB)
        assert subject.state(subject.one) == ["idle"]
        pool.close()


def test_two_loaders_at_once_get_an_engine_each(subject: Subject) -> None:
    leases: dict[Setting, Lease] = {}

    def load(setting: Setting) -> None:
        leases[setting] = loaded(subject, setting)

    both = [Beside(lambda one=one: load(one)) for one in (subject.one, subject.other)]  # type: ignore[misc]
    for beside in both:
        beside.join()
        assert beside.error is None
    assert subject.state(subject.one) == subject.state(subject.other) == ["leased"]
    for lease in leases.values():
        assert len(embed(lease.engine)) == 3
        lease.release()


def test_an_engine_that_dies_is_told_and_is_not_given_to_the_next(subject: Subject) -> None:
    lease = loaded(subject, subject.one)
    jobs = [Job(number, (0, 1, 2)) for number in range(10_000)]
    with pytest.raises(EngineError), lease:
        each(lease.engine.embed(jobs, never), lambda _: subject.die(lease.engine))
    assert subject.state(subject.one) == []
    assert subject.pool.get(subject.one) is None


def test_an_engine_that_dies_while_it_waits_is_not_given_to_the_next(forking: Subject) -> None:
    lease = loaded(forking, forking.one)
    lease.release()
    forking.die(lease.engine)
    until(lambda: forking.state(forking.one) == ["dead"])
    assert forking.pool.get(forking.one) is None
    assert forking.state(forking.one) == []


def test_states_between_layers_are_shown_or_refused_in_words(subject: Subject) -> None:
    with loaded(subject, subject.one) as lease:
        if subject.one.is_server:
            with pytest.raises(InputError, match="shows its vectors and nothing"):
                lease.engine.layers()
        else:
            assert lease.engine.layers().open_layers().layers > 0


@pytest.mark.parametrize("kind", ["fake", "server", REAL])
def test_closing_ends_what_another_thread_loads(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with serving() as serve:
        if kind == "fake":
            subject = fake_subject(tmp_path)
        elif kind == "server":
            subject = server_subject(VllmPool(), serve)
        else:
            subject = vllm_subject(VllmPool(), request.getfixturevalue("minilm"))
        pool = subject.pool
        lease = opened(subject, subject.one)
        subject.hold_load()

        def load() -> None:
            with lease:
                lease.engine.load(ROOM, silent, never)

        beside = Beside(load)
        until(lambda: lease.engine.busy)
        pool.close()
        beside.join()
        assert isinstance(beside.error, Cancelled)
        assert pool.states() == []
        with pytest.raises(Cancelled):
            pool.spawn(subject.one, 0)
        with pytest.raises(Cancelled):
            pool.wait_ready()


def test_closing_closes_the_host_whatever_an_engine_says_to_its_end(tmp_path: Path) -> None:
    class Stubborn(FakeEngine):
        def kill(self) -> None:
            raise OSError("no")

    class StubbornPool(FakeEngines):
        def _start_engine(self, setting: Setting, stop: Stop) -> Engine:
            engine = super()._start_engine(setting, stop)
            assert isinstance(engine, FakeEngine)
            engine.__class__ = Stubborn
            return engine

    pool = StubbornPool(logs=tmp_path)
    pool.spawn(Setting("tiny"), 0)
    with pytest.raises(OSError, match="no"):
        pool.close()
    assert pool.host.closed


@pytest.mark.engine
class TestHost:
    def test_that_was_killed_is_started_again_at_the_next_request(self, minilm: str) -> None:
        pool = VllmPool()
        try:
            subject = vllm_subject(pool, minilm)
            lease = loaded(subject, subject.one)
            lease.release()
            first = pool.host.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            until(lambda: subject.state(subject.one) == ["dead"])
            with loaded(subject, subject.one) as again:
                assert again.engine is not lease.engine
                assert len(embed(again.engine)) == 3
            assert pool.host.pid != first
        finally:
            pool.close()

    def test_that_could_not_import_vllm_tries_again_at_the_next_request(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = tmp_path / "vllm.py"
        broken.write_text("raise ImportError('planted: no such kernel')")
        path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        monkeypatch.setenv("PYTHONPATH", path)
        pool = VllmPool()
        try:
            with pytest.raises(EngineError, match="planted: no such kernel"):
                pool.wait_ready()
            broken.unlink()
            pool.wait_ready()
        finally:
            pool.close()

    def test_that_can_fork_no_more_says_so_and_keeps_its_engines(self, minilm: str) -> None:
        pool = VllmPool()
        try:
            subject = vllm_subject(pool, minilm)
            lease = loaded(subject, subject.one)
            host = psutil.Process(pool.host.pid)
            before = host.rlimit(psutil.RLIMIT_NOFILE)
            host.rlimit(psutil.RLIMIT_NOFILE, (3, before[1]))  # what is open stays open
            with pytest.raises(EngineError, match="no engine process can be started: Too many"):
                pool.spawn(subject.other, 0)
            assert len(embed(lease.engine)) == 3
            host.rlimit(psutil.RLIMIT_NOFILE, before)
            with loaded(subject, subject.other) as other:
                assert len(embed(other.engine)) == 3
        finally:
            pool.close()
