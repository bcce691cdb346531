"""`embedtui layers` on fake engines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from embedtui.common.errors import EngineError
from embedtui.measure.layer_errors import LayerSite
from tests.cli.conftest import Embedtui
from tests.fakes import Script

WORDS = ("--limit", "6", "--batch-sizes", "4", "--quiet")


def test_shows_every_place_and_what_it_comes_to(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui(
        "run", "--layers-only", model_folder, *WORDS, script=Script(layer_fault=LayerSite("mlp", 2))
    )
    assert said.code == 0, said.err
    for name in ("embeddings", "layer 0 attention", "layer 3 MLP", "final norm", "pooling"):
        assert re.search(rf"^ {name} .*e-", said.out, re.MULTILINE), name
    words = " ".join(said.out.split())
    assert "jumps at layer 2 MLP" in words
    assert "In float32, layer 2 would bring the final error" in words
    assert "The parts sum to the precision error within" in words
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "…" not in said.out


def test_the_error_to_come_under_can_be_given(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui("run", "--layers-only", model_folder, *WORDS, "--under", "0.5")
    assert "is under 5.0e-01 as it is" in " ".join(said.out.split())


def test_as_json_it_is_the_report(embedtui: Embedtui, model_folder: Path) -> None:
    found = json.loads(embedtui("run", "--layers-only", model_folder, *WORDS, "--json").out)
    assert found["plan"]["layers"] == 6
    (setting,) = found["settings"]
    assert setting["layers"]["texts"] == 6
    assert setting["layers"]["batch"] == {"batch_size": 4, "min": 2, "max": 4}
    assert len(setting["layers"]["one_exact"]) == 4


def test_without_reference_there_is_drift_alone(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui("run", "--layers-only", model_folder, *WORDS, "--no-reference")
    assert said.code == 0, said.err
    assert "Batch drift at batch size 4 begins at layer 1 attention" in " ".join(said.out.split())
    assert "float64" not in said.out.split("float16")[-1].split("─")[-1]


def test_a_compiled_setting_is_refused_before_anything_is_loaded(
    embedtui: Embedtui, model_folder: Path
) -> None:
    said = embedtui("run", "--layers-only", model_folder, "--setting", "execution=compiled")
    assert said.code == 2
    assert "leave out execution" in said.error


def test_layers_that_cannot_be_found_fail_it(embedtui: Embedtui, model_folder: Path) -> None:
    script = Script(failures={("layers", "float16"): EngineError("no layers here")})
    said = embedtui("run", "--layers-only", model_folder, *WORDS, script=script)
    assert said.code == 3
    assert "no layers here" in said.err
    assert "no layers here" in said.out


@pytest.mark.parametrize("words", [("--under", "0"), ("--limit", "-1"), ("--dtype", "float8")])
def test_bad_usage(embedtui: Embedtui, model_folder: Path, words: str) -> None:
    assert embedtui("run", "--layers-only", model_folder, *words).code == 2


def test_a_run_looks_too_where_it_is_told(embedtui: Embedtui, model_folder: Path) -> None:
    words = ("--limit", "6", "--dtype", "float16", "--batch-sizes", "4", "--layers", "3")
    found = json.loads(embedtui("run", model_folder, *words, "--json", "--quiet").out)
    assert found["settings"][0]["layers"]["texts"] == 3
