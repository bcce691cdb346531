"""The reference: float64 all the way, the model's own pooling, independent of vLLM."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from embedtui.engine.messages import Reference, ReferenceDone
from embedtui.engine.port import never, silent
from embedtui.engine.reference_cache import ReferenceCache
from embedtui.measure import compare, unit
from tests.engine.conftest import MakeModel
from tests.engine.support import Engines, batches, loaded

pytestmark = pytest.mark.engine

BY_HAND = """
import json, sys
for name in ("torchvision", "torchaudio", "torchcodec"):
    sys.modules[name] = None
import torch
from transformers import AutoModel, AutoTokenizer
model, texts = sys.argv[1], json.loads(sys.argv[2])
tokenizer = AutoTokenizer.from_pretrained(model)
net = AutoModel.from_pretrained(model, attn_implementation="eager").to(torch.float64).eval()
out = []
with torch.inference_mode():
    for text in texts:
        ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        hidden = net(**ids).last_hidden_state[0]
        mean = hidden.sum(0) / len(hidden)
        out.append((mean / mean.norm()).tolist())
json.dump(out, sys.stdout)
"""


def float64_of(
    engines: Engines,
    model: str,
    texts: Sequence[str],
    pooling: str = "mean",
    limit: int = 256,
) -> list[ReferenceDone]:
    request = Reference(model, "cpu", limit, pooling, tuple(range(len(texts))), tuple(texts))
    done = list(engines.float64_of(request, silent, never))
    assert [one.row for one in done] == list(range(len(texts)))
    return done


def test_the_reference_is_what_a_float64_forward_pass_by_hand_gives(
    engines: Engines, minilm: str, passages: tuple[str, ...]
) -> None:
    texts = [*passages[:3], "", "word " * 400]
    by_hand = subprocess.run(
        [sys.executable, "-c", BY_HAND, minilm, json.dumps(texts)],
        check=True,
        capture_output=True,
        text=True,
    )
    expected = np.asarray(json.loads(by_hand.stdout))
    done = float64_of(engines, minilm, texts)
    assert all(one.vector.dtype == np.float64 for one in done)
    assert done[-1].tokens == 256
    assert compare(unit(np.stack([one.vector for one in done])), expected).l2.max() < 1e-13


@pytest.mark.parametrize(
    ("architecture", "files", "pooling"),
    [("bert", "", "cls"), ("bert", "mean", "mean"), ("qwen3", "last", "last")],
)
def test_vllm_in_float32_is_near_the_reference_of_each_pooling(
    engines: Engines,
    make_model: MakeModel,
    passages: tuple[str, ...],
    architecture: str,
    files: str,
    pooling: str,
) -> None:
    from embedtui.engine.settings import Setting

    model = make_model(*([architecture, files] if files else [architecture]))
    engine = loaded(engines, Setting(model, dtype="float32"), passages[:4], room=4096)
    limit = engine.effective.max_length
    vectors = np.concatenate([done.vectors for done in batches(engine, 4, 1)])
    exact = float64_of(engines, model, passages[:4], pooling, limit)
    error = compare(vectors.astype(np.float64), unit(np.stack([one.vector for one in exact])))
    assert error.l2.max() < 1e-5
    engines.drop(engine)


def test_a_narrower_dtype_in_the_configuration_rounds_no_weight(
    engines: Engines, make_model: MakeModel, passages: tuple[str, ...], tmp_path: Path
) -> None:
    """transformers loads in the dtype that config.json names, whatever the weights have."""
    model = make_model("bert", "mean")
    folder = tmp_path / "narrow"
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    exact = float64_of(engines, model, passages[:2], limit=128)
    narrow = float64_of(engines, str(folder), passages[:2], limit=128)
    for one, other in zip(exact, narrow, strict=True):
        assert one.vector.tobytes() == other.vector.tobytes()


def test_the_models_files_say_how_it_pools_whatever_vllm_or_a_server_says(
    engines: Engines, make_model: MakeModel, passages: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "max"
    shutil.copytree(make_model("bert", "mean"), folder)
    pooling = folder / "1_Pooling/config.json"
    config = json.loads(pooling.read_text()) | {
        "pooling_mode_mean_tokens": False,
        "pooling_mode_max_tokens": True,
    }
    pooling.write_text(json.dumps(config))
    by_files = [
        float64_of(engines, str(folder), passages[:1], said, 128) for said in ("cls", "mean")
    ]
    assert by_files[0][0].vector.tobytes() == by_files[1][0].vector.tobytes()
    mean = float64_of(engines, make_model("bert", "mean"), passages[:1], "mean", 128)
    assert not np.allclose(by_files[0][0].vector, mean[0].vector, atol=1e-3)


STAY_WIDE = """
import sys
for name in ("torchvision", "torchaudio", "torchcodec"):
    sys.modules[name] = None
import torch
from embedtui.engine.reference import stay_wide
x = torch.full((4, 8), 1/3, dtype=torch.float64)
rounded = x.float().double()
assert not torch.equal(rounded, x)
with torch.no_grad(), stay_wide():
    assert torch.equal(x.float(), x)
    assert torch.equal(x.to(torch.float16), x)
    assert torch.softmax(x, -1, dtype=torch.float32).dtype == torch.float64
    tower = torch.nn.MultiheadAttention(8, 2, batch_first=True).double().eval()
    assert tower(x[None], x[None], x[None])[0].dtype == torch.float64
    positions = torch.arange(8)[:, None].float()
    assert (x @ positions).dtype == torch.float64
    assert x.to(torch.int64).dtype == torch.int64
    assert torch.ones(2).dtype == torch.float32
"""


def test_nothing_is_narrowed_on_the_way() -> None:
    """Norms, softmax and positions are computed in float32 on purpose by many models."""
    subprocess.run([sys.executable, "-c", STAY_WIDE], check=True)


def test_the_cache_gives_back_the_bits_and_knows_what_it_is_for(tmp_path: Path) -> None:
    vector = np.asarray([1 / 3, -2e-300, 0.0])
    cache = ReferenceCache(tmp_path, "a" * 64, "mean", 256)
    assert cache.get(["x", "y"]) == {}
    cache.put([("x", 3, vector), ("\ud800", 1, -vector)])
    cache.close()
    again = ReferenceCache(tmp_path, "a" * 64, "mean", 256)
    found = again.get(["y", "x", "\ud800"])
    assert sorted(found) == [1, 2]
    assert found[1][0] == 3
    assert found[1][1].tobytes() == vector.tobytes()
    for other in (("b" * 64, "mean", 256), ("a" * 64, "cls", 256), ("a" * 64, "mean", 128)):
        assert ReferenceCache(tmp_path, *other).get(["x"]) == {}


def test_a_cache_that_cannot_be_used_is_as_good_as_none(tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    cache = ReferenceCache(folder, "a" * 64, "mean", 256)
    cache.put([("x", 1, np.ones(3))])
    assert cache.get(["x"]) == {}
    broken = next(iter([tmp_path / f"{'a' * 32}-mean-256-v2.sqlite"]))
    broken.write_bytes(b"no database at all" * 100)
    cache = ReferenceCache(tmp_path, "a" * 64, "mean", 256)
    cache.put([("x", 1, np.ones(3))])
    assert cache.get(["x"]) == {}
