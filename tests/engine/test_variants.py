"""Each planted fault is found by its own variant, and nothing else comes near."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.engine.conftest import MakeModel

pytestmark = pytest.mark.engine

EXPECTED = {
    "none": ("length", "another length"),
    "cls": ("pooling", "pooling by cls where the model's files ask for mean"),
    "last": ("pooling", "pooling by last where the model's files ask for mean"),
    "dense dropped": ("module", "the Dense layer left out"),
    "normalised at the end alone": ("module", "Normalize 1 of 2 left out"),
    "cut at 32": ("truncation", "the text cut at 32 tokens"),
    "the model's prompt": ("prompt", "the model's prompt 'query' before the text"),
    "another model's prompt": ("prompt", "the prompt 'query:' before the text"),
}


@pytest.fixture(scope="module")
def found(
    make_model: MakeModel, passages: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    texts = tmp_path_factory.mktemp("planted") / "texts.json"
    texts.write_text(json.dumps([passages[0], "word " * 60, *passages[1:5]]), "utf-8")
    command = [sys.executable, "-m", "tests.engine.planted_variants"]
    done = subprocess.run(
        [*command, make_model("bert", "mean"), str(texts)],
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_planted_fault_is_the_variant_of_its_name(found: dict[str, Any], fault: str) -> None:
    far, kind, name = found[fault]["nearest"]
    assert (kind, name) == EXPECTED[fault]
    assert far < 2e-5
    assert found[fault]["next"] > 20 * far
    assert found[fault]["texts"] == 6
    assert (found[fault]["own"] < 2e-5) == (fault == "none")


def test_a_variant_that_fits_the_probes_alone_is_not_near(found: dict[str, Any]) -> None:
    assert found["a prompt for the probes alone"]["nearest"][0] > 1e-3
