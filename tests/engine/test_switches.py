"""Switches on the real engine: each does what it says, or says why it cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from embedtui.common import machine
from embedtui.common.errors import InputError
from embedtui.engine.messages import Load
from embedtui.engine.port import never, silent
from embedtui.engine.settings import Setting
from embedtui.measure import compare
from tests.engine.conftest import MakeModel
from tests.engine.support import Engines, batches, loaded, with_texts
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

on_the_cpu = pytest.mark.skipif(bool(machine.gpus()), reason="about vLLM's CPU backend")


@pytest.fixture(scope="module")
def decoder(make_model: MakeModel) -> str:
    return make_model("qwen3", "last")


def vectors(
    engines: Engines, setting: Setting, texts: tuple[str, ...], size: int, **room: Any
) -> tuple[npt.NDArray[np.float32], list[tuple[int, int]]]:
    engine = loaded(engines, setting, texts, **room)
    done = batches(engine, len(texts), size)
    engines.drop(engine)
    return np.concatenate([one.vectors for one in done]), [step for d in done for step in d.steps]


def test_a_prefix_cache_leaves_out_what_ran_before(
    engines: Engines, decoder: str, passages: tuple[str, ...]
) -> None:
    texts = tuple(" ".join(passages[:8]) + f" {word}" for word in ("alpha", "beta"))
    setting = Setting(decoder, dtype="float32", prefix_caching=True)
    engine = with_texts(engines, setting, texts)
    opened = engine.open(silent, never)
    prepared = engine.prepare(texts, "truncate", silent, never)
    engine.load(Load(4, 4096, 512, kv_bytes=opened.kv_bytes_per_token * 8192), silent, never)
    assert engine.effective.prefix_caching is True
    first = batches(engine, 2, 1)
    again = batches(engine, 2, 1)
    computed = [sum(tokens for _, tokens in one.steps) for one in (*first, *again)]
    whole = max(prepared.tokens)
    assert computed[2] < whole / 2, "the second time nothing was taken from the cache"
    assert compare(first[1].vectors, again[1].vectors).l2.max() < 1e-5
    engines.drop(engine)


def test_chunked_prefill_cuts_a_text_where_the_step_is_full(
    engines: Engines, decoder: str, passages: tuple[str, ...]
) -> None:
    texts = (" ".join(passages[:4]),)
    whole, steps = vectors(engines, Setting(decoder, dtype="float32"), texts, 1, room=4096)
    assert len(steps) == 1
    setting = Setting(decoder, dtype="float32", chunked_prefill=True, max_num_batched_tokens=64)
    engine = loaded(engines, setting, texts)
    assert engine.effective.chunked_prefill is True
    (done,) = batches(engine, 1, 1)
    assert len(done.steps) > 1
    assert all(tokens <= 64 for _, tokens in done.steps)
    assert sum(tokens for _, tokens in done.steps) == steps[0][1]
    assert compare(done.vectors, whole).l2.max() < 1e-4
    engines.drop(engine)


@on_the_cpu
def test_a_model_runner_is_read_back_from_the_worker(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    engine = loaded(engines, Setting(minilm, dtype="float32", model_runner="v1"), passages[:2])
    assert engine.effective.get("model_runner") == "v1"
    engines.drop(engine)


@on_the_cpu
def test_quantised_weights_move_vectors_more_than_bfloat16(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    texts = passages[:8]
    exact, _ = vectors(engines, Setting(minilm, dtype="float32"), texts, 8)
    rounded, _ = vectors(engines, Setting(minilm, dtype="bfloat16"), texts, 8)
    setting = Setting(minilm, dtype="bfloat16", quantization="fp8_per_channel")
    engine = loaded(engines, setting, texts)
    assert engine.effective.get("quantization") == "fp8_per_channel"
    (done,) = batches(engine, 8, 8)
    assert compare(done.vectors, exact).l2.max() > 2 * compare(rounded, exact).l2.max()
    engines.drop(engine)


def test_an_embedding_is_cut_short_and_scaled_to_length_one(
    engines: Engines, make_model: MakeModel, tmp_path: Path, passages: tuple[str, ...]
) -> None:
    folder = matryoshka(make_model("bert", "mean"), tmp_path / "short", [16, 32])
    texts = passages[:4]
    whole, _ = vectors(engines, Setting(folder, dtype="float32"), texts, 4, room=4096)
    short, _ = vectors(
        engines, Setting(folder, dtype="float32", dimensions=16), texts, 4, room=4096
    )
    assert short.shape == (4, 16)
    assert np.allclose(np.linalg.norm(short, axis=1), 1, atol=1e-6)
    assert compare(short, whole[:, :16]).l2.max() < 1e-6


def test_what_a_model_cannot_follow_is_refused_with_the_reason(
    engines: Engines, minilm: str, make_model: MakeModel, tmp_path: Path
) -> None:
    short = matryoshka(make_model("bert", "mean"), tmp_path / "short", [16, 32])
    for setting, said in (
        (Setting(minilm, prefix_caching=True), "prefix_caching=on cannot be had with this model"),
        (Setting(minilm, chunked_prefill=True), "chunked_prefill=on cannot be had with this model"),
        (Setting(minilm, dimensions=64), "matryoshka_dimensions"),
        (Setting(short, dimensions=20), "give one of 16, 32"),
        (Setting(minilm, tensor_parallel=5), "its 12 attention heads cannot be shared"),
    ):
        engine = engines.begin(setting, 1 << 30, never)
        with pytest.raises(InputError, match=said):
            engine.open(silent, never)
        engines.drop(engine)


@on_the_cpu
@pytest.mark.skipif(machine.usable_cores() < 2, reason="two processes need two cores")
def test_two_processes_share_the_work_and_end_with_their_engine(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    texts = passages[:8]
    one, _ = vectors(engines, Setting(minilm, dtype="float32"), texts, 8)
    engine = loaded(engines, Setting(minilm, dtype="float32", tensor_parallel=2), texts)
    assert engine.effective.get("tensor_parallel") == 2
    assert engine.process.pid is not None
    workers = psutil.Process(engine.process.pid).children(recursive=True)
    assert len(workers) >= 2
    (done,) = batches(engine, 8, 8)
    assert [sequences for sequences, _ in done.steps] == [8]
    moved = compare(done.vectors, one)
    assert 0 < moved.l2.max() < 1e-5
    engines.drop(engine)
    wait_until(lambda: not any(alive(worker) for worker in workers))


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def matryoshka(model: str, folder: Path, sizes: list[int]) -> str:
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    config["matryoshka_dimensions"] = sizes
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)
