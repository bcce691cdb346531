"""The real engine: batches are what they claim, switches are in force, texts are not lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedtui.common import machine
from embedtui.common.errors import Cancelled, EngineError, InputError
from embedtui.engine.messages import BatchDone, Job, Load
from embedtui.engine.port import never, silent
from embedtui.engine.settings import Setting
from embedtui.measure import compare
from tests.engine.conftest import MakeModel
from tests.engine.support import Engines, batches, loaded, with_texts

pytestmark = pytest.mark.engine

BARE_VLLM = """
import json, os, sys
os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1",
               "OMP_WAIT_POLICY": "PASSIVE"}
for name in ("torchvision", "torchaudio", "torchcodec"):
    sys.modules[name] = None
from vllm.model_executor.models import registry
registry._run_in_subprocess = lambda look: look()
from vllm import LLM
model, texts, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
llm = LLM(model=model, runner="pooling", dtype="float32", enforce_eager=True,
          max_num_batched_tokens=16384)
batched = [o.outputs.embedding for o in llm.embed(texts, use_tqdm=False)]
alone = [llm.embed([t], use_tqdm=False)[0].outputs.embedding for t in texts]
json.dump([batched, alone], open(out, "w"))
"""


def test_vectors_are_those_of_bare_vllm_to_the_bit(
    engines: Engines, minilm: str, passages: tuple[str, ...], tmp_path: Path
) -> None:
    texts = passages[:12]
    out = tmp_path / "bare.json"
    command = [sys.executable, "-c", BARE_VLLM, minilm, json.dumps(texts), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    batched, alone = (np.asarray(v, dtype=np.float32) for v in json.loads(out.read_text()))
    engine = loaded(engines, Setting(minilm, dtype="float32"), texts)
    (ours,) = batches(engine, 12, 12)
    assert ours.vectors.dtype == np.float32
    assert compare(ours.vectors, batched).identical.all()
    ours_alone = np.concatenate([done.vectors for done in batches(engine, 12, 1)])
    assert compare(ours_alone, alone).identical.all()


@pytest.mark.parametrize("size", [1, 2, 7, 16, 64])
def test_each_step_holds_exactly_the_texts_that_were_handed_in(
    engines: Engines, minilm: str, passages: tuple[str, ...], size: int
) -> None:
    engine = loaded(engines, Setting(minilm, dtype="float32"), passages)
    prepared = engine.prepare(passages, "truncate", silent, never)
    done = batches(engine, 40, size)
    held = [steps for one in done for steps, _ in one.steps]
    assert held == [size] * (40 // size) + [40 % size] * (40 % size > 0)
    for number, one in enumerate(done):
        rows = range(number * size, min((number + 1) * size, 40))
        assert [tokens for _, tokens in one.steps] == [sum(prepared.tokens[r] for r in rows)]
        assert one.vectors.shape == (len(rows), 384)
        assert one.seconds > 0


def test_a_small_token_budget_splits_batches_and_the_record_says_so(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    setting = Setting(minilm, dtype="float32", max_num_batched_tokens=512)
    engine = loaded(engines, setting, passages[:32])
    assert engine.effective.max_num_batched_tokens == 512
    (done,) = batches(engine, 32, 32)
    assert len(done.steps) > 1
    assert sum(sequences for sequences, _ in done.steps) == 32
    assert all(tokens <= 512 for _, tokens in done.steps)


def test_what_is_in_force_was_read_from_the_engine(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    setting = Setting(minilm, dtype="bfloat16", threads=1)
    facts = loaded(engines, setting, passages).effective
    assert facts.dtype == "bfloat16"
    assert facts.threads == 1
    assert facts.attention_backend == "cpu_attn"
    assert facts.pooling == "mean"
    assert facts.normalized is True
    assert facts.execution == "eager"
    assert facts.pooling_accumulation == "float32"
    assert facts.get("model_class") == "BertEmbeddingModel"
    assert facts.max_length == 256
    assert facts.get("load_seconds") > 0


def test_loading_is_told_in_words(engines: Engines, minilm: str) -> None:
    told: list[str] = []
    engine = engines.begin(Setting(minilm, dtype="float32", threads=1), 1 << 30, never)
    engine.open(told.append, never)
    engine.prepare(("a text",), "truncate", told.append, never)
    engine.load(Load(1, 4096, 512), told.append, never)
    assert told[0] == "reading the model's configuration"
    stages = ("loading weights", "warming up", "first step")
    assert [stage for stage in told if stage in stages] == list(stages)
    engines.drop(engine)


def test_dtype_auto_is_what_vllm_chooses(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    engine = loaded(engines, Setting(minilm, dtype="auto"), passages[:2])
    assert engine.effective.dtype == "float16"
    engines.drop(engine)


def test_texts_that_cannot_be_run_as_they_are_never_fail_the_others(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    long = " ".join(["word"] * 400)
    texts = (passages[0], "\ud800 a lone surrogate", long, "", "\x00 NUL and \x1b[31m", passages[1])
    engine = loaded(engines, Setting(minilm, dtype="float32"), passages)
    prepared = engine.prepare(texts, "truncate", silent, never)
    assert list(prepared.refused) == [1]
    assert "tokenizer cannot read it" in prepared.refused[1]
    assert prepared.truncated == {2: 402}
    assert prepared.tokens[2] == 256
    assert prepared.tokens[3] == 2
    rows = tuple(row for row in range(6) if row != 1)
    (done,) = engine.embed([Job(0, rows)], never)
    assert np.isfinite(done.vectors).all()
    alone = [next(iter(engine.embed([Job(0, (row,))], never))).vectors for row in rows]
    assert compare(done.vectors, np.concatenate(alone)).identical.all()

    refusing = engine.prepare(texts, "refuse", silent, never)
    assert set(refusing.refused) == {1, 2}
    assert "402 tokens are more than the model's 256" in refusing.refused[2]


def test_a_text_that_vllm_refuses_by_its_characters_fails_nobody(
    engines: Engines, minilm: str
) -> None:
    """A word of thousands of letters is few tokens; vLLM counts letters before it counts tokens."""
    texts = ("hello", "a" * 5000, "world")
    engine = loaded(engines, Setting(minilm, dtype="float32"), texts)
    prepared = engine.prepare(texts, "truncate", silent, never)
    assert prepared.refused == {}
    assert np.isfinite(batches(engine, 3, 3)[0].vectors).all()


def test_a_path_that_vllm_would_read_as_a_pattern_is_refused(engines: Engines) -> None:
    engine = engines.begin(Setting("/models/[new]"), 1 << 30, never)
    with pytest.raises(InputError, match="as a pattern"):
        engine.open(silent, never)
    engines.drop(engine)


def test_a_truncated_text_is_what_vllm_makes_of_it(engines: Engines, minilm: str) -> None:
    """Truncation keeps the closing token, as vLLM's own truncate_prompt_tokens does."""
    long = " ".join(["word"] * 400)
    short = " ".join(["word"] * 254)
    engine = loaded(engines, Setting(minilm, dtype="float32"), (long, short))
    (done,) = batches(engine, 2, 2)
    assert compare(done.vectors[:1], done.vectors[1:]).identical.all()


def test_cancelling_ends_the_work_after_the_step_in_hand(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    engine = loaded(engines, Setting(minilm, dtype="float32"), passages)
    came: list[BatchDone] = []

    def stop() -> bool:
        return len(came) > 3

    def run() -> None:
        for done in engine.embed([Job(i, (i,)) for i in range(200)], stop):
            came.append(done)

    with pytest.raises(Cancelled):
        run()
    assert 4 <= len(came) < 200
    (after,) = batches(engine, 4, 4)
    assert after.vectors.shape == (4, 384)


def test_a_killed_engine_leaves_the_others_alive(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    other = loaded(engines, Setting(minilm, dtype="float32"), passages)
    victim = loaded(engines, Setting(minilm, dtype="float32", threads=1), passages[:4])
    stream = victim.embed([Job(i, (i % 4,)) for i in range(10_000)], never)
    next(stream)
    victim.kill()
    with pytest.raises(Cancelled):
        list(stream)
    assert not victim.alive
    assert engines.warm(victim.setting) is None
    assert batches(other, 2, 2)
    again = loaded(engines, victim.setting, passages[:4])
    assert batches(again, 2, 2)
    engines.drop(again)


def test_an_engine_that_dies_by_itself_is_told_with_its_last_words(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    import os
    import signal

    victim = loaded(engines, Setting(minilm, dtype="float32", threads=1), passages[:4])
    os.kill(victim.process.pid, signal.SIGSEGV)
    with pytest.raises(EngineError, match=r"was killed by SIGSEGV.*log: "):
        batches(victim, 4, 1)
    engines.drop(victim)


def test_a_classifier_is_refused_before_its_weights_are_read(
    engines: Engines, make_model: MakeModel
) -> None:
    engine = engines.begin(Setting(make_model("classifier")), 1 << 30, never)
    with pytest.raises(InputError, match="classifier"):
        engine.open(silent, never)
    engines.drop(engine)


def test_a_model_that_vllm_does_not_know_is_bad_input_in_one_line(
    engines: Engines, make_model: MakeModel, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "unknown"
    shutil.copytree(make_model("bert"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"architectures": ["NobodysModel"], "model_type": "bert"}
    (folder / "config.json").write_text(json.dumps(config))
    engine = engines.begin(Setting(str(folder)), 1 << 30, never)
    with pytest.raises(InputError, match="cannot embed with this model") as caught:
        engine.open(silent, never)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    engines.drop(engine)


def test_broken_weights_fail_with_the_reason(
    engines: Engines, make_model: MakeModel, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(make_model("bert", "mean"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    engine = with_texts(engines, Setting(str(folder), dtype="float32"), ("a text",))
    with pytest.raises(EngineError, match="Safetensor"):
        engine.load(Load(1, 4096, 512), silent, never)
    engines.drop(engine)


@pytest.mark.parametrize(
    ("architecture", "pooling", "expected"),
    [("bert", "", "cls"), ("bert", "mean", "mean"), ("xlm-roberta", "mean", "mean"),
     ("qwen3", "last", "last")],
)  # fmt: skip
def test_other_architectures_and_poolings_run(
    engines: Engines,
    make_model: MakeModel,
    passages: tuple[str, ...],
    architecture: str,
    pooling: str,
    expected: str,
) -> None:
    arguments = (architecture, pooling) if pooling else (architecture,)
    setting = Setting(make_model(*arguments), dtype="float32")
    engine = loaded(engines, setting, passages[:8], room=4096)
    assert engine.effective.pooling == expected
    alone = np.concatenate([done.vectors for done in batches(engine, 8, 1)])
    (together,) = batches(engine, 8, 8)
    assert [sequences for sequences, _ in together.steps] == [8]
    assert compare(together.vectors, alone).l2.max() < 1e-5
    engines.drop(engine)


def test_texts_end_where_the_positions_of_the_model_end(
    engines: Engines, make_model: MakeModel, tmp_path: Path
) -> None:
    """vLLM takes all of a RoBERTa's position table for texts; two of its rows are none."""
    import shutil

    from embedtui.models import describe

    folder = str(tmp_path / "unbounded")
    shutil.copytree(make_model("xlm-roberta", "mean"), folder)
    tokenizer = Path(folder) / "tokenizer_config.json"
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text()) | {"model_max_length": 512}))
    bound = describe(Path(folder)).max_length
    assert bound == 128
    engine = engines.begin(Setting(folder, dtype="float32"), 1 << 30, never)
    opened = engine.open(silent, never, bound)
    assert (opened.max_length, opened.vllm_max_length) == (128, 130)
    prepared = engine.prepare((" ".join(["word"] * 200), "short"), "truncate", silent, never)
    assert prepared.tokens[0] == 128
    engine.load(Load(2, 4096, 512), silent, never)
    assert engine.effective.max_length == 128
    assert np.isfinite(batches(engine, 2, 2)[0].vectors).all()
    engines.drop(engine)


def test_a_long_limit_asks_for_no_more_memory_than_the_texts_need(
    engines: Engines, make_model: MakeModel, tmp_path: Path
) -> None:
    """A decoder that could read 10 million tokens is loaded for texts of a few."""
    import shutil

    folder = tmp_path / "long"
    shutil.copytree(make_model("qwen3", "last"), folder)
    config = json.loads((folder / "config.json").read_text())
    config["max_position_embeddings"] = 10_000_000
    (folder / "config.json").write_text(json.dumps(config))
    engine = engines.begin(Setting(str(folder), dtype="float32"), 1 << 30, never)
    opened = engine.open(silent, never)
    assert opened.max_length == 10_000_000
    engine.prepare(("one text", "another text"), "truncate", silent, never)
    engine.load(Load(2, 4096, 512), silent, never)
    (done,) = batches(engine, 2, 2)
    assert [sequences for sequences, _ in done.steps] == [2]
    engines.drop(engine)


def test_a_budget_below_one_text_is_bad_input(engines: Engines, minilm: str) -> None:
    setting = Setting(minilm, dtype="float32", max_num_batched_tokens=100)
    engine = with_texts(engines, setting, ("a text",))
    with pytest.raises(InputError, match="give at least 256"):
        engine.load(Load(1, 100, 512), silent, never)
    engines.drop(engine)


def test_old_pooling_is_refused_where_the_model_does_not_pool_by_the_mean(
    engines: Engines, make_model: MakeModel
) -> None:
    setting = Setting(make_model("bert"), dtype="float32", pooling_accumulation="model")
    engine = with_texts(engines, setting, ("a text",))
    with pytest.raises(InputError, match="about mean pooling"):
        engine.load(Load(1, 4096, 512), silent, never)
    engines.drop(engine)


def test_old_pooling_drifts_with_the_place_in_the_batch_and_todays_does_not(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    # Short texts stand behind the large running sum of long ones, where its error shows most.
    longest = sorted(passages[:64], key=len, reverse=True)
    texts = (*longest[:12], *(text[:30] for text in longest[12:32]))
    largest = {}
    for accumulation, sizes in (("model", (2, 32)), ("float32", (32,))):
        setting = Setting(minilm, dtype="float16", pooling_accumulation=accumulation)
        engine = loaded(engines, setting, texts)
        assert engine.effective.pooling_accumulation == accumulation
        alone = np.concatenate([done.vectors for done in batches(engine, 32, 1)])
        for size in sizes:
            together = np.concatenate([done.vectors for done in batches(engine, 32, size)])
            largest[accumulation, size] = compare(together, alone).l2.max()
        engines.drop(engine)
    assert largest["model", 32] >= 10 * largest["model", 2] > 0
    assert largest["float32", 32] < 1e-5


def test_float32_is_bitwise_identical_in_every_batch_on_a_cpu(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    engine = loaded(engines, Setting(minilm, dtype="float32"), passages)
    alone = np.concatenate([done.vectors for done in batches(engine, 64, 1)])
    for size in (2, 8, 64):
        together = np.concatenate([done.vectors for done in batches(engine, 64, size)])
        assert compare(together, alone).identical.all()


@pytest.mark.skipif(
    "avx512f" not in machine.cpu_features(),
    reason="oneDNN's bfloat16 kernels that drift need AVX-512",
)
def test_bfloat16_without_hardware_products_drifts_with_two_threads_and_not_with_one(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    drift = {}
    for threads in (1, 2):
        setting = Setting(minilm, dtype="bfloat16", threads=threads, cpu_isa="avx512")
        engine = loaded(engines, setting, passages[:16])
        assert engine.effective.threads == threads
        assert engine.effective.cpu_isa == "avx512"
        alone = np.concatenate([done.vectors for done in batches(engine, 16, 1)])
        together = np.concatenate([done.vectors for done in batches(engine, 16, 8)])
        again = np.concatenate([done.vectors for done in batches(engine, 16, 8)])
        assert compare(again, together).identical.all()
        drift[threads] = compare(together, alone).l2.max()
        engines.drop(engine)
    assert drift[1] == 0
    assert 1e-4 < drift[2] < 5e-2
