"""The real engine on a CUDA machine: switches in force, drift and reference, memory given back.

Skipped where there is no GPU. The model is the packaged one, or the folder that EMBEDTUI_TEST_MODEL
names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui import models
from embedtui.common import machine
from embedtui.engine.forked import ForkedEngine
from embedtui.engine.messages import Load
from embedtui.engine.port import never, silent
from embedtui.engine.settings import Setting
from embedtui.measure import compare
from tests.engine.conftest import MakeModel
from tests.engine.support import Engines, batches, with_texts
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not machine.gpus(), reason="there is no NVIDIA GPU here"),
]

SHARE = 0.05
ROOM = 16_384


@pytest.fixture(scope="session")
def model() -> str:
    named = os.environ.get("EMBEDTUI_TEST_MODEL")
    return named or str(models.resolve("minilm").folder)


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    made = Engines()
    yield made
    made.close()


def on_gpu(engines: Engines, setting: Setting, texts: tuple[str, ...]) -> ForkedEngine:
    engine = with_texts(engines, setting, texts)
    engine.load(Load(64, ROOM, 512, free_share=SHARE), silent, never)
    return engine


def used() -> int:
    gpu = machine.gpus()[0]
    return gpu.memory_bytes - gpu.free_bytes


def test_the_host_imports_vllm_without_touching_the_gpu() -> None:
    before = used()
    engines = Engines()
    try:
        engines.host.wait_ready()
        assert used() - before < 50 << 20
    finally:
        engines.close()


@pytest.mark.parametrize(
    "switch",
    [
        {"dtype": "float16"},
        {"dtype": "bfloat16"},
        {"dtype": "float32"},
        {"dtype": "float32", "matmul_precision": "high"},
        {"dtype": "float32", "kernel_precision": "ieee"},
        {"dtype": "float32", "kernel_precision": "tf32x3"},
        {"dtype": "float16", "batch_invariant": True},
        {"dtype": "float32", "attention_backend": "flex_attention"},
        {"dtype": "float32", "attention_backend": "triton_attn"},
        {"dtype": "float16", "pooling_accumulation": "model"},
        {"dtype": "float16", "execution": "compiled"},
        {"dtype": "float16", "model_runner": "v1"},
        {"dtype": "float16", "model_runner": "v2"},
    ],
    ids=lambda switch: "-".join(f"{k}={v}" for k, v in switch.items()),
)
def test_a_switch_is_in_force_and_batches_are_what_they_claim(
    engines: Engines, model: str, passages: tuple[str, ...], switch: dict[str, Any]
) -> None:
    before = used()
    engine = on_gpu(engines, Setting(model, **switch), passages[:64])
    for key, value in switch.items():
        assert engine.effective.get(key) == value
    assert engine.effective.device == "cuda"
    done = batches(engine, 64, 16)
    assert [steps for one in done for steps, _ in one.steps] == [16] * 4
    assert all(np.isfinite(one.vectors).all() for one in done)
    engines.drop(engine)
    wait_until(lambda: used() - before < 100 << 20, 10)


def test_a_killed_engine_gives_its_memory_back(
    engines: Engines, model: str, passages: tuple[str, ...]
) -> None:
    before = used()
    engine = on_gpu(engines, Setting(model, dtype="float16"), passages[:8])
    assert used() > before
    engine.kill()
    wait_until(lambda: used() - before < 100 << 20, 10)


def test_two_engines_stand_side_by_side(
    engines: Engines, model: str, passages: tuple[str, ...]
) -> None:
    first = on_gpu(engines, Setting(model, dtype="float16"), passages[:8])
    second = on_gpu(engines, Setting(model, dtype="float32"), passages[:8])
    for engine in (first, second, first):
        assert len(batches(engine, 8, 4)) == 2
    engines.drop(first)
    engines.drop(second)


def test_strict_float32_is_near_the_reference_and_plain_float32_is_not(
    model: str, tmp_path: Path
) -> None:
    command = [
        sys.executable, "-m", "embedtui", "run", model, "--limit", "64", "--dtype", "float32",
        "--setting", "kernel_precision=default,ieee", "--batch-sizes", "1,2,64", "--json",
        "--out", str(tmp_path / "run.sqlite"),
    ]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    plain, strict = json.loads(said)["settings"]
    assert strict["precision_error"]["l2"]["max"] < 5e-6
    assert plain["precision_error"]["l2"]["max"] > 20 * strict["precision_error"]["l2"]["max"]


def test_batched_and_unbatched_float16_are_compared_on_the_gpu(
    engines: Engines, model: str, passages: tuple[str, ...]
) -> None:
    engine = on_gpu(engines, Setting(model, dtype="float16"), passages[:64])
    alone = np.concatenate([done.vectors for done in batches(engine, 64, 1)])
    (together,) = batches(engine, 64, 64)
    assert compare(together.vectors, alone).l2.max() < 1e-2
    engines.drop(engine)


@pytest.mark.parametrize(
    ("architecture", "pooling", "dtype"),
    [
        ("bert", "mean", "float16"),
        ("modernbert", "mean", "bfloat16"),
        ("qwen3", "last", "bfloat16"),
        ("qwen3", "last", "float16"),
        ("mistral", "last", "float16"),
        ("gemma3", "mean", "bfloat16"),
    ],
)
def test_layers_are_looked_into_on_the_gpu(
    engines: Engines,
    make_model: MakeModel,
    passages: tuple[str, ...],
    architecture: str,
    pooling: str,
    dtype: str,
) -> None:
    """FlashAttention, norms that add in place, and batches that newer model runners sort."""
    from embedtui.results.results import Results
    from embedtui.run.study import Study
    from embedtui.texts import Text, TextPack
    from tests.fakes import plan

    texts = tuple(Text(str(n), " ".join(p.split()[: 5 + n])) for n, p in enumerate(passages[:12]))
    setting = Setting(make_model(architecture, pooling), dtype=dtype)
    made = plan(
        TextPack("few", "few", texts), settings=(setting,), sizes=(1, 12), repeats=1, layers=12
    )
    results = Results()
    assert Study(made, engines, [results]).run() == "finished"
    (measured,) = results.settings
    found = measured.layers
    assert found.reason == ""
    error, drift, contributions = found.error(), found.drift(), found.contributions()
    assert error is not None
    assert drift is not None
    assert contributions is not None
    assert len(error.places) >= 7  # three layers in two parts each, and the embeddings
    assert {place.part for place in error.places} >= {"embeddings", "attention", "mlp"}
    # The same place in both models: rounding, and nothing else, lies between their states.
    rounding = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert error.largest.max() < 60 * rounding
    assert error.median[-1] > 0.1 * rounding
    # Texts are told apart in the batch: their embeddings are a look-up, whatever is beside them.
    assert drift.largest[0] < 4 * rounding
    assert drift.largest.max() < 60 * rounding
    # The sum of the parts is the error that was measured without hooks, but for the noise.
    found_error = measured.precision_error(results.reference)
    assert found_error is not None
    rows, distances = found_error
    by_row = {int(row): float(l2) for row, l2 in zip(rows, distances.l2, strict=True)}
    noise = measured.noise()
    shaken = 0.0 if noise is None else float(noise[1].l2.max())
    gap = found.sum_gap(by_row)
    assert gap is not None
    assert gap * max(by_row.values()) <= 1e-9 + 4 * shaken + 1e-2 * max(by_row.values())
    assert found.mixed is not None
    choice = found.choice(None) or found.all_exact()
    assert choice is not None
    assert found.mixed.errors.max() == pytest.approx(choice.error, rel=0.5)
    # Nothing is left behind: the same engine gives what it gave before.
    engine = engines.warm(setting)
    assert isinstance(engine, ForkedEngine)
    before = measured.unbatched.vectors
    again = np.concatenate([done.vectors for done in batches(engine, 12, 1)])
    assert compare(again, before).l2.max() <= max(4 * shaken, 1e-9)
    assert engine.open_layers().hooks == 0
    engines.drop(engine)
