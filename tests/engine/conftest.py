"""Real engines on this machine, started once for all tests that only look at them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedtui import models
from tests.engine.support import Engines

MakeModel = Callable[..., str]


@pytest.fixture(scope="session")
def minilm() -> str:
    folder = os.environ.get("EMBEDTUI_TEST_MODEL") or models.resolve("minilm").folder
    assert folder is not None, "the packaged model is missing: make test installs it"
    return str(folder)


@pytest.fixture(scope="session")
def passages() -> tuple[str, ...]:
    file = Path(__file__).parents[2] / "sample_texts/passages.jsonl"
    return tuple(json.loads(line)["text"] for line in file.read_text("utf-8").splitlines())


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    made = Engines()
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Make a small model with seeded random weights; torch stays out of the test's process."""
    made: dict[tuple[str, ...], str] = {}

    def make(*arguments: str) -> str:
        if arguments not in made:
            folder = tmp_path_factory.mktemp("-".join(arguments))
            tokenizer = os.environ.get("EMBEDTUI_TEST_MODEL") or models.resolve("minilm").folder
            arch, pooling = (*arguments, "")[:2]
            shape = {
                "folder": str(folder),
                "tokenizer": str(tokenizer),
                "arch": arch,
                "pooling": pooling,
                "layers": 3,
                "width": 64,
                "positions": 128 if arch in {"bert", "xlm-roberta", "classifier"} else 512,
            }
            command = [sys.executable, "-m", "embedtui.engine.random_model", json.dumps(shape)]
            subprocess.run(command, check=True, capture_output=True)
            made[arguments] = str(folder)
        return made[arguments]

    return make
