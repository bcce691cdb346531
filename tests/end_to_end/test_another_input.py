"""Vectors that are not the model's own are named by the variant that gives them, and fail a check.

Real engines, a small model with random weights, and the whole way through the command.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.end_to_end.test_run import embedtui
from tests.engine.conftest import MakeModel
from tests.servers.fault_server import serving

pytestmark = pytest.mark.engine

WIDTH = 64
FEW = ("--limit", "8", "--batch-sizes", "1,4", "--share", "0.5", "--no-history", "--quiet")
KIND = "sentence_transformers.models"
SERVED = """
import json, sys
from embedtui.engine.vllm_adapter.companions import hide_broken_companions
hide_broken_companions()
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
model.max_seq_length = int(sys.argv[2])
texts = json.load(open(sys.argv[3]))
vectors = [model.encode(text).tolist() for text in texts]
print(json.dumps(vectors))
"""
"""Prints what a server gives that cuts every text at so many tokens, without an error."""


def dense(folder: Path, activation: str) -> None:
    folder.mkdir()
    config = {"in_features": WIDTH, "out_features": WIDTH, "bias": True}
    named = f"torch.nn.modules.activation.{activation}"
    (folder / "config.json").write_text(json.dumps({**config, "activation_function": named}))
    draw = np.random.default_rng(1)
    weights = {
        "linear.weight": draw.standard_normal((WIDTH, WIDTH)).astype(np.float32),
        "linear.bias": draw.standard_normal(WIDTH).astype(np.float32),
    }
    save_file(weights, folder / "model.safetensors")


def of_modules(folder: Path, *kinds: str) -> None:
    places = ["", "1_Pooling", *(f"{at}_{kind}" for at, kind in enumerate(kinds, 2))]
    types = ("Transformer", "Pooling", *kinds)
    modules = [
        {"idx": at, "name": str(at), "path": place, "type": f"{KIND}.{kind}"}
        for at, (place, kind) in enumerate(zip(places, types, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))


def mish(folder: Path) -> None:
    of_modules(folder, "Dense", "Normalize")
    dense(folder / "2_Dense", "Mish")


def normalised_first(folder: Path) -> None:
    of_modules(folder, "Normalize", "Dense")
    dense(folder / "3_Dense", "Tanh")


def two_poolings(folder: Path) -> None:
    pooling = {"word_embedding_dimension": WIDTH}
    both = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}  # vLLM's is the last
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling | both))


def prompted(folder: Path) -> None:
    prompts = {"prompts": {"query": "Represent this: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (mish, "the Dense layer left out"),
        (normalised_first, "Normalize left out"),
        (two_poolings, "pooling by cls where the model's files ask for cls+mean"),
        (prompted, "no prompt before the text"),
    ],
)
def test_a_model_that_vllm_makes_otherwise(
    make_model: MakeModel, tmp_path: Path, change: Any, name: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(make_model("bert", "mean"), folder)
    change(folder)
    done = embedtui("check", str(folder), "--dtype", "float32", *FEW)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert name in said


def test_a_server_that_cuts_texts_at_32_tokens(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model("bert", "mean")
    lines = (Path(__file__).parents[2] / "sample_texts/passages.jsonl").read_text("utf-8")
    texts = [json.loads(line)["text"] for line in lines.splitlines()[:8]]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    command = [sys.executable, "-c", SERVED, folder, "32", str(tmp_path / "texts.json")]
    served = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    known = dict(zip(texts, np.array(json.loads(served.splitlines()[-1])), strict=True))
    asked = ("--texts", str(tmp_path / "texts.txt"), "--against", folder)
    with serving() as serve:
        url = serve(known=known, usage=False).url
        done = embedtui("check", url, *asked, *FEW)
        ran = embedtui("run", url, *asked, *FEW[:4], "--quiet", "--json")
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert "the text cut at 32 tokens" in " ".join(done.stdout.split())
    for setting in json.loads(ran.stdout)["settings"]:
        (cause,) = (one for one in setting["diagnosis"] if one["cause"] == "another-input")
        assert (cause["name"], cause["confidence"]) == ("the text cut at 32 tokens", "certain")
