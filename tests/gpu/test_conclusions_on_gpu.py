"""What is concluded on a GPU: a server under load drifts with its batches, runs agree.

Through the commands, as a user has it; skipped where there is no GPU. What they print is kept in
the folder that EMBEDTUI_TEST_FIGURES names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedtui import models
from embedtui.common import machine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not machine.gpus(), reason="there is no NVIDIA GPU here"),
]

RUNS = 5


@pytest.fixture(scope="module")
def model() -> str:
    named = os.environ.get("EMBEDTUI_TEST_MODEL")
    return named or str(models.resolve("minilm").folder)


@pytest.fixture(scope="module")
def wide_model(model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return 12 layers of 768, whose kernels depend on the batch; those of 6 of 384 do not."""
    folder = str(tmp_path_factory.mktemp("bert-12x768"))
    shape = {
        "folder": folder,
        "tokenizer": model,
        "arch": "bert",
        "pooling": "mean",
        "layers": 12,
        "width": 768,
        "positions": 512,
    }
    command = [sys.executable, "-m", "embedtui.engine.random_model", json.dumps(shape)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def embedtui(folder: Path, *words: str) -> tuple[int, Any]:
    """Run a command; return its exit code and the JSON object that it printed."""
    homes = {name: str(folder) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    command = [sys.executable, "-m", "embedtui", *words, "--json", "--quiet"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **homes}
    )
    assert done.stdout, done.stderr
    kept = os.environ.get("EMBEDTUI_TEST_FIGURES")
    if kept:
        place = Path(kept) / f"{words[0]}-{len(list(Path(kept).iterdir()))}.json"
        place.write_text(done.stdout, encoding="utf-8")
    return done.returncode, json.loads(done.stdout)


def test_requests_at_once_are_batch_drift_and_fall_short_for_it(
    wide_model: str, tmp_path: Path
) -> None:
    """Alone a text repeats to the last bits; beside 15, 63 and 255 others it does not."""
    served = f"{wide_model} --dtype bfloat16 --gpu-memory-utilization 0.2"
    code, made = embedtui(
        tmp_path,
        *("check", "--serve", served, "--against", wide_model, "--setting", "requests=concurrent"),
        *("--batch-sizes", "16,64,256", "--share", "0.6"),
    )
    assert code == 1
    (one,) = made["checks"]
    setting = next(s for s in one["settings"] if s["setting"]["requests"] == "concurrent")
    assert setting["outcome"] == "falls short"
    consistent = setting["verdicts"]["consistent"]
    assert consistent["outcome"] == "falls short"
    assert 1e-6 < consistent["worst"] < 1e-2
    assert "batch drift" in setting["summary"]
    assert "in company that cannot be repeated" in setting["summary"]
    assert "noise" not in setting["summary"]
    assert setting["cause"] is None or setting["cause"]["cause"] != "noise"


def test_runs_of_one_plan_give_one_recommendation(model: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'models = ["{model}"]\nbatch_sizes = "1,8,64"\n'
        '[[settings]]\ndtype = ["bfloat16", "float16", "float32"]\n'
        '[[settings]]\ndtype = ["float16"]\nkernel_precision = ["ieee"]\n'
    )
    runs = []
    for _ in range(RUNS):
        code, made = embedtui(tmp_path, "run", "--sweep", str(plan), "--fresh")
        assert code == 0
        runs.append(made)
    rag = [next(one for one in made["scenarios"] if one["scenario"] == "rag") for made in runs]
    found = {one["recommended"] for one in rag}
    assert len(found) == 1, "\n\n".join(map(figures, runs))
    assert None not in found, "\n\n".join(map(figures, runs))
    assert "ieee" not in found.pop()


def figures(made: dict[str, Any]) -> str:
    """Return what a run recommends, and the figures that this was decided by."""
    lines = [one["serve"] for one in made["scenarios"] if one["scenario"] == "rag"]
    for row in made["rows"]:
        worst = {size: one["l2_max"] for size, one in row["drift"].items()}
        error = row["precision_error"] and row["precision_error"]["l2_max"]
        speed = f"{row['texts_per_second']} texts/s at {row['fastest_batch_size']}"
        lines.append(f"{row['label']}: {speed}, drift {worst}, error {error}")
    return "\n".join(lines)
