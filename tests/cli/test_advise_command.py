"""`embedtui advise` on fake engines."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Embedtui
from tests.cli.test_run_ended import Signals
from tests.fakes import Script


def test_recommends_and_gives_the_command(embedtui: Embedtui, model_folder: Path) -> None:
    words = ("--limit", "8", "--batch-sizes", "1,2,4", "--scenario", "golden", "--quiet")
    said = embedtui("run", "--advise", model_folder, *words)
    assert said.code == 0, said.err
    assert "Golden vectors limit: equal bits" in said.out
    assert "SERVE " in said.out
    assert "vllm serve" in said.out
    found = re.search(r"Measured (\d+) cells; the whole grid has (\d+)", " ".join(said.out.split()))
    assert found is not None
    cells, grid = map(int, found.groups())
    assert cells < grid


def test_tells_each_step_as_it_goes(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui("run", "--advise", model_folder, "--limit", "8", "--batch-sizes", "1,2,4")
    assert "→ float32" in said.err


def test_as_json(embedtui: Embedtui, model_folder: Path) -> None:
    words = ("--limit", "8", "--batch-sizes", "1,2,4", "--scenario", "golden", "--json", "--quiet")
    found = json.loads(embedtui("run", "--advise", model_folder, *words).out)
    assert found["recommended"]["dtype"] == "float32"
    assert found["cells"] < found["grid"]
    assert {one["label"] for one in found["skipped"]} >= {"float16 · batch_invariant=on"}


def test_exits_with_one_where_nothing_holds(embedtui: Embedtui, model_folder: Path) -> None:
    script = Script(drift=lambda _dtype, size, _place: 0.1 if size > 1 else 0.0)
    said = embedtui(
        "advise", model_folder, "--limit", "8", "--batch-sizes", "1,2,4", "--quiet", script=script
    )
    assert said.code == 1
    assert "none of the measured settings holds" in said.out


def test_one_batch_size_is_refused(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui("run", "--advise", model_folder, "--batch-sizes", "1")
    assert said.code == 2
    assert "one batch size cannot drift" in said.err


def test_claims_no_batch_that_the_texts_cannot_fill(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui("run", "--advise", model_folder, "--limit", "6", "--batch-sizes", "1,4,64")
    assert "6 texts: batches of 6 are the largest that are measured" in said.err
    assert "batch size 64" not in said.out + said.err
    assert "batch size 4, 6" in " ".join(said.out.split())


def test_what_auto_is_is_not_measured_beside_it(embedtui: Embedtui, model_folder: Path) -> None:
    said = embedtui("run", "--advise", model_folder, "--limit", "6", "--batch-sizes", "1,4")
    assert re.search(r"auto \(\w+\)", said.out)
    assert said.err.count("not measured again, it is what auto") == 1
    speeds = re.findall(r"(\d+) texts/s", said.out)
    assert speeds


def test_what_was_measured_is_told_when_it_is_cut_off(
    embedtui: Embedtui, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--limit", "6", "--batch-sizes", "1,4", "--quiet")
    said = embedtui(
        "run",
        "--advise",
        model_folder,
        *words,
        script=Signals(monkeypatch).before(20, signal.SIGTERM),
    )
    assert said.code == 130, said.err
    assert "texts/s, " in said.out
    assert "SERVE undecided" in said.out
    assert "before there was advice; nothing is recommended" in said.err
