from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedtui.common.errors import InputError
from embedtui.models.weights import read_weights

from .conftest import WEIGHTS, safetensors


def write(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def test_parameters_are_counted_without_buffers(tmp_path: Path) -> None:
    found = read_weights(write(tmp_path, model__safetensors=WEIGHTS))
    assert found.parameters == 3 * 8 + 8
    assert found.dtype == "float32"
    assert found.bytes_on_disk == len(WEIGHTS)
    assert found.fault is None


def test_the_dtype_is_that_of_most_parameters(tmp_path: Path) -> None:
    mixed = safetensors({"norm": ("F32", [4]), "w": ("BF16", [100, 2])})
    assert read_weights(write(tmp_path, model__safetensors=mixed)).dtype == "bfloat16"


def test_shards_are_added_up_and_strays_left_out(tmp_path: Path) -> None:
    one, two = safetensors({"a": ("F16", [5])}), safetensors({"b": ("F16", [7])})
    write(tmp_path, a__safetensors=one, b__safetensors=two, stray__safetensors=WEIGHTS)
    index = {"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    found = read_weights(tmp_path)
    assert (found.parameters, found.dtype) == (12, "float16")
    assert found.bytes_on_disk == len(one) + len(two)
    (tmp_path / "b.safetensors").unlink()
    assert read_weights(tmp_path).fault == "b.safetensors is missing"


def test_shards_of_pickles_that_are_missing_are_named(tmp_path: Path) -> None:
    write(tmp_path, a__bin=b"x" * 50)
    index = {"weight_map": {"one": "a.bin", "two": "b.bin"}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert read_weights(tmp_path).fault == "b.bin is missing"
    write(tmp_path, model__safetensors=WEIGHTS)
    assert read_weights(tmp_path).parameters == 32  # vLLM takes these, whatever lies beside them


def test_an_index_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, model__safetensors=WEIGHTS)
    index = {"weight_map": {"a": "../../other.safetensors", "b": 3}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert read_weights(tmp_path).parameters == 32


def test_a_broken_index_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        read_weights(tmp_path)


def test_a_pickle_is_weighed_but_not_opened(tmp_path: Path) -> None:
    found = read_weights(write(tmp_path, pytorch_model__bin=b"x" * 50, training_args__bin=b"y"))
    assert (found.parameters, found.dtype, found.bytes_on_disk, found.fault) == (
        None,
        None,
        50,
        None,
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WEIGHTS[:-1], "its header tells of"),
        (WEIGHTS + b"x", "its header tells of"),
        (WEIGHTS[:40], "is cut off"),
        (b"", "is cut off"),
        (b"\xff" * 64, "is cut off"),
        ((2).to_bytes(8, "little") + b"[]", "has no safetensors header"),
        ((2).to_bytes(8, "little") + b"{]", "has no safetensors header"),
        (
            (74).to_bytes(8, "little")
            + b'{"a":{"dtype":"F32","shape":[Infinity],"data_offsets":[0,1]}}'.ljust(74),
            "has no safetensors header",
        ),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    found = read_weights(write(tmp_path, model__safetensors=content))
    assert found.fault is not None
    assert found.fault.startswith("model.safetensors ")
    assert told in found.fault
    assert "\n" not in found.fault
    assert found.parameters is None


def test_a_folder_without_weights(tmp_path: Path) -> None:
    found = read_weights(write(tmp_path, optimizer__bin=b"x"))
    assert found.fault == "no weights (*.safetensors or *.bin)"
    assert found.bytes_on_disk is None


def test_a_link_to_nothing_is_missing_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "gone")
    assert read_weights(tmp_path).fault == "model.safetensors is missing"
