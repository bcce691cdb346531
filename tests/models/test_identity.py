from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.models import identity, model_hash

from .conftest import MakeModel

MODULES = [
    {"path": "", "type": "Transformer"},
    {"path": "1_Pooling", "type": "Pooling"},
    {"path": "2_Dense", "type": "Dense"},
    {"path": "../outside", "type": "Dense"},
]


@pytest.fixture
def model(make_model: MakeModel) -> Path:
    folder = make_model(
        modules_json=MODULES,
        sentence_bert_config_json={"max_seq_length": 16},
        **{"1_Pooling__config_json": {"pooling_mode": "mean"}, "2_Dense__config_json": {}},
    )
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"dense")
    (folder / "README.md").write_text("read me")
    return folder


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the names of files whose contents are read, and cache even small and new ones."""
    names: list[str] = []
    real = hashlib.file_digest

    def recording(stream: Any, name: str) -> Any:
        names.append(Path(stream.name).name)
        return real(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", recording)
    monkeypatch.setattr(identity, "_WORTH_CACHING", 0)
    monkeypatch.setattr(identity, "_SETTLED_NS", -1_000_000_000_000)
    return names


def test_the_hash_is_stable_and_moves_with_the_contents(model: Path, tmp_path: Path) -> None:
    first = model_hash(model)
    assert len(first) == 64
    assert int(first, 16) >= 0
    assert model_hash(model) == first
    copy = shutil.copytree(model, tmp_path / "copy")
    assert model_hash(copy) == first
    os.utime(copy / "model.safetensors", (1, 1))
    assert model_hash(copy) == first


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "modules.json",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
    ],
)
def test_one_byte_makes_another_model(model: Path, name: str) -> None:
    before = model_hash(model)
    content = (model / name).read_bytes()
    changed = content.replace(b"16", b"17").replace(b"mean", b"lean")
    if changed == content:
        changed = content[:-1] + (b"\n" if name.endswith("modules.json") else b" ")
    if name in {"modules.json", "config.json", "2_Dense/config.json"}:
        changed = content + b" "
    (model / name).write_bytes(changed)
    assert model_hash(model) != before


def test_names_count_and_bystanders_do_not(model: Path) -> None:
    before = model_hash(model)
    (model / "README.md").write_text("other words")
    (model / "pytorch_model.bin").write_bytes(b"not loaded beside safetensors")
    (model / "onnx").mkdir()
    (model / "onnx" / "config.json").write_text("{}")
    assert model_hash(model) == before
    (model / "model.safetensors").rename(model / "other.safetensors")
    assert model_hash(model) != before


def test_links_are_followed(
    model: Path, cache_model: Callable[..., Path], hashed: list[str]
) -> None:
    snapshot = cache_model(model, "org/name", "ab" * 20)
    assert (snapshot / "model.safetensors").is_symlink()
    assert model_hash(snapshot) == model_hash(model)
    assert hashed


def test_digests_are_cached_until_the_file_changes(model: Path, hashed: list[str]) -> None:
    first = model_hash(model)
    assert "model.safetensors" in hashed
    hashed.clear()
    assert model_hash(model) == first
    assert hashed == []
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    os.utime(weights, ns=(1, 1))
    assert model_hash(model) != first
    assert hashed == ["model.safetensors"]


@pytest.mark.usefixtures("hashed")
def test_a_fresh_file_is_not_trusted(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_SETTLED_NS", 3_600_000_000_000)
    model_hash(model)
    assert not (paths.cache_folder("models") / "digests.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "\0",
        '{"a": 1}',
        '{"a": [1, 2, "x"]}',
        '{"a": ["b", null, 3]}',
        f'{{"a": [Infinity, 1, "{"0" * 64}"]}}',
    ],
)
def test_a_corrupt_cache_is_replaced(model: Path, hashed: list[str], content: str) -> None:
    cache = paths.cache_folder("models") / "digests.json"
    cache.write_text(content)
    first = model_hash(model)
    assert str(model / "model.safetensors") in json.loads(cache.read_text())
    assert [path.name for path in cache.parent.iterdir()] == ["digests.json"]
    hashed.clear()
    assert model_hash(model) == first
    assert hashed == []


@pytest.mark.usefixtures("hashed")
def test_a_cache_that_cannot_be_written(
    model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    first = model_hash(model)
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert model_hash(model) == first


@pytest.mark.usefixtures("hashed")
def test_digests_of_lost_files_are_dropped(model: Path, make_model: MakeModel) -> None:
    other = make_model("other")
    model_hash(other)
    shutil.rmtree(other)
    model_hash(model)
    cached = json.loads((paths.cache_folder("models") / "digests.json").read_text())
    assert not any(key.startswith(f"{other}{os.sep}") for key in cached)


def test_what_cannot_be_hashed(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        model_hash(tmp_path)
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.json").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot read"):
        model_hash(model)
