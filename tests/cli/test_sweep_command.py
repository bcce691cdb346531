"""`embedtui run --sweep` on fake engines: one grid, models side by side, nothing twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedtui.common.errors import EngineError, InputError
from embedtui.storage import run_file
from tests.cli.conftest import Embedtui
from tests.fakes import Batch, Script
from tests.waiting import wait_until

PLAN = """
batch_sizes = "1,2,4"
limit = 8
[[settings]]
dtype = ["float16", "bfloat16", "float32"]
[[settings]]
dtype = "float32"
batch_invariant = true
"""


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(PLAN)
    return path


def test_prints_one_grid_a_verdict_per_use_and_a_command(
    embedtui: Embedtui, model_folder: Path, plan_file: Path
) -> None:
    said = embedtui("run", model_folder, "--sweep", plan_file, "--quiet")
    assert said.code == 0, said.err
    assert re.search(r"float16 +4\.\de-06 +0 % +0 % +5\.0e-04", said.out)
    assert re.search(r"float32 +same +0 % +0 % +5\.0e-07", said.out)
    assert "batch_invariant=on cannot be had on the CPU" in said.out
    assert "RAG and semantic search (1 - cos ≤ 1e-06): 3 of 3" not in said.out
    assert re.search(r"Golden vectors \(equal bits\): 1 of 3, cheapest float32; not", said.out)
    assert re.search(r"vllm serve .*tiny-bert --runner pooling", said.out)
    assert max(len(line) for line in said.out.splitlines() if "vllm serve" not in line) <= 80


def test_as_json_has_rows_scenarios_and_reports(
    embedtui: Embedtui, model_folder: Path, plan_file: Path
) -> None:
    said = embedtui("run", model_folder, "--sweep", plan_file, "--json", "--quiet")
    grid = json.loads(said.out)
    assert grid["schema"] == "embedtui.sweep/2"
    assert [row["label"] for row in grid["rows"]] == ["bfloat16", "float32", "float16"]
    golden = next(one for one in grid["scenarios"] if one["scenario"] == "golden")
    assert (golden["holds"], golden["recommended"]) == (["float32"], "float32")
    assert "--dtype float32" in golden["command"]
    assert [one["label"] for one in grid["skipped"]] == ["float32 · batch_invariant=on"]
    assert grid["runs"][0]["schema"] == "embedtui.report/2"


def test_several_models_stand_in_one_grid(
    embedtui: Embedtui, model_folder: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "two.toml"
    missing = tmp_path / "nothing"
    plan.write_text(f'models = ["{model_folder}", "{missing}", "{model_folder}"]\n{PLAN}')
    said = embedtui("run", "--sweep", plan, "--json")
    assert said.code == 2
    assert "no such folder" in said.err
    grid = json.loads(said.out)
    assert len(grid["runs"]) == 2
    assert grid["scenarios"][0]["holds"][0].startswith("tiny-bert: ")
    refused = embedtui("run", "--sweep", plan, "--out", tmp_path / "x.sqlite")
    assert refused.code == 2
    assert "--out names one run file" in refused.err


def test_a_setting_that_a_model_cannot_follow_fails_nothing(
    embedtui: Embedtui, model_folder: Path, plan_file: Path
) -> None:
    script = Script(failures={("open", "bfloat16"): InputError("bfloat16 is not for this model")})
    said = embedtui("run", model_folder, "--sweep", plan_file, "--quiet", script=script)
    assert said.code == 0, said.err
    assert "bfloat16 is not for this model" in said.out
    script = Script(failures={("load", "bfloat16"): EngineError("out of memory")})
    said = embedtui("run", model_folder, "--sweep", plan_file, "--quiet", "--fresh", script=script)
    assert said.code == 3


def test_what_was_killed_goes_on_and_computes_no_batch_twice(
    tmp_path: Path, model_folder: Path, plan_file: Path
) -> None:
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("DATA", "STATE", "CONFIG", "CACHE")}
    environment = os.environ | homes | {"FAKE_SLEEP": "0.03"}
    command = [sys.executable, "-m", "tests.cli.with_fakes"]
    command += ["run", str(model_folder), "--sweep", str(plan_file)]
    first = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    runs = tmp_path / "embedtui/runs"
    wait_until(lambda: any(batches(file) > 10 for file in runs.glob("*.sqlite")))
    first.send_signal(signal.SIGKILL)
    first.wait()
    (file,) = runs.glob("*.sqlite")
    before = batches(file)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"{before} batches are there" in again.stderr
    assert list(runs.glob("*.sqlite")) == [file]
    results = run_file.read(file)
    assert results.status == "finished"
    assert all(set(s.passes) == set(results.plan.passes) for s in results.settings)
    once = sum(one.batches for s in results.settings for one in s.passes.values())
    assert batches(file) == once, "a batch is in the file twice"
    third = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "are there" not in third.stderr, "a finished sweep is measured anew"


def batches(path: Path) -> int:
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(path)) as database:
            return int(database.execute("SELECT count(*) FROM batches").fetchone()[0])
    except sqlite3.Error:
        return 0


def other_dimensions(batch: Batch) -> None:
    """Give every vector as another model would: far from the model's own, and steady."""
    batch.vectors[:] = np.roll(batch.vectors, 5, axis=1)


def test_vectors_that_are_not_the_models_own_are_recommended_for_nothing(
    embedtui: Embedtui, model_folder: Path, plan_file: Path
) -> None:
    command = ("run", model_folder, "--sweep", plan_file, "--json", "--quiet")
    well = json.loads(embedtui(*command).out)
    assert any(one["recommended"] for one in well["scenarios"])
    grid = json.loads(embedtui(*command, script=Script(plants=(other_dimensions,))).out)
    assert len(grid["rows"]) == 3
    for one in grid["scenarios"]:
        assert (one["recommended"], one["command"], one["holds"]) == (None, "", [])
