"""Architectures and pipelines that were seen to be right stay right: no word of a difference, and
float32 vectors within rounding of the reference's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedtui import models
from embedtui.engine.messages import Reference
from embedtui.engine.port import never, silent
from embedtui.engine.settings import Setting
from embedtui.measure import compare, unit
from embedtui.models.preflight import notes
from tests.engine.architectures import NAMES, OTHERWISE
from tests.engine.support import Engines, batches, loaded

pytestmark = pytest.mark.engine

TEXTS = (
    "A Short Text.",
    "Vectors of texts are compared by their cosine, and Rounding moves them a little.",
    " ".join(["many words that go on beyond the shorter limit"] * 6),
)
MATRYOSHKA = 32


@pytest.fixture(scope="module")
def made(minilm: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("architectures")
    command = [sys.executable, "-m", "tests.engine.architectures", str(folder), minilm]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def error(engines: Engines, setting: Setting) -> float:
    """Return the largest L2 of three texts from the reference."""
    info = models.describe(Path(setting.model))
    assert info.pooling is not None
    engine = loaded(engines, setting, TEXTS, room=4096)
    vectors = np.concatenate([done.vectors for done in batches(engine, len(TEXTS), 1)])
    engines.drop(engine)
    rows = tuple(range(len(TEXTS)))
    limit = engine.effective.max_length
    asked = Reference(setting.model, "cpu", limit, info.pooling, rows, TEXTS)
    exact = np.stack([one.vector for one in engines.float64_of(asked, silent, never)])
    return float(compare(vectors.astype(np.float64), unit(exact[:, : vectors.shape[1]])).l2.max())


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_those_of_the_models_own_pipeline(
    engines: Engines, made: Path, name: str
) -> None:
    assert notes(models.describe(made / name)) == []
    assert error(engines, Setting(str(made / name), dtype="float32")) < 1e-5


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_vllm_makes_otherwise_is_told_from_the_files(
    engines: Engines, made: Path, name: str
) -> None:
    assert len(models.describe(made / name).differs) == 1
    assert error(engines, Setting(str(made / name), dtype="float32")) > 1e-2


def test_fewer_dimensions_are_the_first_ones(engines: Engines, made: Path) -> None:
    config = made / "bert/config.json"
    text = config.read_text("utf-8")
    config.write_text(text.replace("{", '{"matryoshka_dimensions": [32, 64],', 1), "utf-8")
    setting = Setting(str(made / "bert"), dtype="float32", dimensions=MATRYOSHKA)
    assert error(engines, setting) < 1e-5
