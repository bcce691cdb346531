"""Models of random weights: a name says all of one, and what it says is what is made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtui.common.errors import InputError
from embedtui.models import make, resolve, shape_of
from embedtui.models.make import ARCHITECTURES, POOLINGS, made_name
from embedtui.models.shape import Shape
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of


@given(
    arch=st.sampled_from(ARCHITECTURES),
    layers=st.integers(1, 200),
    heads=st.integers(1, 256),
    pooling=st.sampled_from(POOLINGS),
    seed=st.integers(0, 10**9 - 1),
    positions=st.integers(16, 131_072),
)
def test_a_name_says_the_whole_shape(
    arch: str, layers: int, heads: int, pooling: str, seed: int, positions: int
) -> None:
    shape = Shape("", "", arch, layers, 64 * heads, pooling, seed, positions)
    assert shape_of(made_name(shape)) == shape


@pytest.mark.parametrize("name", ["minilm", "random-gpt-2x64", "random-bert-2", "bert-2x64", ""])
def test_other_names_are_no_shape(name: str) -> None:
    assert shape_of(name) is None


@pytest.mark.parametrize("name", ["random-bert-2x100", "random-bert-0x64", "random-bert-2x64-10"])
def test_a_shape_that_there_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        shape_of(name)


def test_one_that_is_not_made_yet_is_known_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    info = resolve("random-bert-1x64")
    assert info.folder is None
    assert info.random
    assert "run` makes it" in info.reason


def test_a_run_makes_it_and_finds_it_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_cpu: None
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    told: list[str] = []
    choices = Choices(model="random-xlm-roberta-1x64-cls-1024", limit=2)
    plan, _ = plan_of(choices, told.append)
    assert told == ["making random-xlm-roberta-1x64-cls-1024: random weights"]
    assert plan.max_length == 1024  # not the 512 of the model whose tokenizer it has
    again, _ = plan_of(choices, told.append)
    assert len(told) == 1
    assert again.model_hash == plan.model_hash
    folder = Path(plan.settings[0].model)
    assert json.loads((folder / "tokenizer_config.json").read_text())["model_max_length"] == 1024


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    shape = shape_of("random-bert-1x64")
    assert shape is not None
    with pytest.raises(InputError, match="exists"):
        make(shape, resolve("minilm"), tmp_path)
    with pytest.raises(InputError, match="tokenizer"):
        make(shape, replace(resolve("minilm"), folder=None), tmp_path / "new")
