"""The loops of the host and of the float64 model, without the processes around them."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe

import numpy as np
import pytest

from embedtui.engine import host_process, reference
from embedtui.engine.messages import (
    CancelWork,
    Failed,
    Fork,
    ForkFailed,
    JudgeLayers,
    Quit,
    ResumeLayers,
)

NOTHING = np.zeros(2, dtype=np.float32)
BEFORE_IT_IS_OPENED = (
    JudgeLayers("a text", (), (), NOTHING, dtype="float32", normalized=True),
    ResumeLayers(0, "a text", None, None, None),
    Fork(1, "vllm", "meant for the host"),
)


@pytest.fixture
def float64() -> Iterator[Connection]:
    """The float64 model's loop in a thread; nothing is loaded until it is opened."""
    near, far = Pipe()
    thread = threading.Thread(target=reference.serve, args=(far,))
    thread.start()
    yield near
    near.send(Quit())
    thread.join(120)
    assert not thread.is_alive()


@pytest.mark.parametrize("request_", BEFORE_IT_IS_OPENED, ids=lambda one: type(one).__name__)
def test_the_float64_model_answers_also_what_it_cannot_do(
    float64: Connection, request_: object
) -> None:
    float64.send(request_)
    assert float64.poll(10), "the client would wait for ever"
    answer = float64.recv()
    assert isinstance(answer, Failed)
    assert type(request_).__name__ in answer.reason


def test_a_stop_that_comes_late_is_no_question(float64: Connection) -> None:
    float64.send(CancelWork())
    float64.send(BEFORE_IT_IS_OPENED[0])
    assert float64.poll(10)
    assert "JudgeLayers" in float64.recv().reason
    assert not float64.poll(0)


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_a_host_that_cannot_fork_says_so_and_goes_on(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = Pipe()
    made = host_process._Host(far, os.getpid())

    def fail(*_: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(*((os, "fork") if call == "fork" else (host_process, "Pipe")), fail)
    made._obey(Fork(7, "vllm", "engine.log"))
    assert near.poll(10)
    answer = near.recv()
    assert isinstance(answer, ForkFailed)
    assert answer.number == 7
    assert "Resource temporarily unavailable" in answer.reason
