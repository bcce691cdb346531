"""Real engines on this machine, started once for all tests that only look at them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedtui import models
from embedtui.engine.client import Engine, Engines
from embedtui.engine.messages import BatchDone, Job, Load
from embedtui.engine.settings import Setting

MAKE_MODEL = Path(__file__).with_name("make_model.py")
ROOM = 16_384


@pytest.fixture(scope="session")
def minilm() -> str:
    folder = models.resolve("minilm").folder
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
def make_model(tmp_path_factory: pytest.TempPathFactory):
    """Make a small model with seeded random weights; torch stays out of the test's process."""
    made: dict[tuple[str, ...], str] = {}

    def make(*arguments: str) -> str:
        if arguments not in made:
            folder = tmp_path_factory.mktemp("-".join(arguments))
            command = [sys.executable, str(MAKE_MODEL), str(folder), *arguments]
            subprocess.run(command, check=True, capture_output=True)
            made[arguments] = str(folder)
        return made[arguments]

    return make


def loaded(
    engines: Engines,
    setting: Setting,
    texts: tuple[str, ...],
    *,
    largest: int = 64,
    room: int | None = None,
    too_long: str = "truncate",
) -> Engine:
    """Return an engine that holds these texts, a warm one if there is one."""
    engine = engines.warm(setting)
    if engine is None:
        engine = engines.begin(setting, 1 << 30, never)
        engine.open(silent, never)
        engine.prepare(texts, too_long, silent, never)
        budget = room or setting.max_num_batched_tokens or ROOM
        engine.load(Load(largest, budget), silent, never)
    engine.prepare(texts, too_long, silent, never)
    return engine


def batches(engine: Engine, count: int, size: int) -> list[BatchDone]:
    """Run the first `count` texts in batches of `size`."""
    jobs = [
        Job(number, tuple(range(start, min(start + size, count))))
        for number, start in enumerate(range(0, count, size))
    ]
    return list(engine.embed(jobs, never))


def never() -> bool:
    return False


def silent(_: str) -> None:
    pass
