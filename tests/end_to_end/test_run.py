"""The command as a user types it, on the real engine and the real model."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedtui.report import exports, run_report
from embedtui.storage import run_file
from tests.engine.conftest import MakeModel
from tests.run_files import engine_log
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

EMBEDTUI = [sys.executable, "-m", "embedtui"]

Job = tuple[subprocess.CompletedProcess[str], dict[str, Any], Path]


def embedtui(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*EMBEDTUI, *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options
    )


@pytest.fixture(scope="module")
def main_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    out = tmp_path_factory.mktemp("run") / "run.sqlite"
    done = embedtui(
        "run", "--limit", "34", "--dtype", "bfloat16,float32", "--batch-sizes", "2,8,30,34",
        "--shuffles", "1", "--json", "--out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done, json.loads(done.stdout), out


def test_bfloat16_is_told_as_not_exact_with_what_it_does_to_lists(main_job: Job) -> None:
    _, made, _ = main_job
    bfloat16, float32 = made["settings"]
    lists = bfloat16["retrieval"]["precision_error"]
    changed = 100 * lists["order_changed"][0] / lists["queries"]
    assert changed > 10
    # Whether batches move bfloat16 depends on the CPU; that it is not float64 does not.
    steady = all(batch["identical"] == batch["texts"] for batch in bfloat16["batches"])
    consistent = "consistent, " if steady else ""
    said = f"{consistent}not exact: {changed:.0f} % of top-10 orders differ from float64's"
    assert said in bfloat16["verdict"]
    assert bfloat16["verdicts"]["exact"]["outcome"] == "falls short"
    assert {float32["verdicts"][one]["outcome"] for one in ("consistent", "exact")} == {"holds"}
    assert "not exact" not in float32["verdict"]


def test_float32_is_near_the_reference_and_bitwise_identical_in_every_batch(main_job: Job) -> None:
    _, made, _ = main_job
    bfloat16, float32 = made["settings"]
    assert float32["precision_error"]["l2"]["max"] < 3e-6
    assert 1e-3 < bfloat16["precision_error"]["l2"]["max"] < 5e-2
    for batch in float32["batches"]:
        assert batch["identical"] == batch["texts"] == 34
    assert "bitwise identical" in float32["verdict"]
    for setting in made["settings"]:
        assert setting["noise_floor"]["identical"] == setting["noise_floor"]["texts"] == 68
        assert setting["effective_config"]["dtype"] == setting["label"]


def test_every_realised_batch_is_the_asked_one_but_for_the_remainder(main_job: Job) -> None:
    _, made, _ = main_job
    for setting in made["settings"]:
        realised = {batch["batch_size"]: batch["realised"] for batch in setting["batches"]}
        assert realised == {
            1: {"min": 1, "max": 1, "steps": 34},
            2: {"min": 2, "max": 2, "steps": 17},
            8: {"min": 2, "max": 8, "steps": 5},
            30: {"min": 4, "max": 30, "steps": 2},
            34: {"min": 34, "max": 34, "steps": 1},
        }


def test_progress_is_told_on_standard_error_with_rate_and_time_left(main_job: Job) -> None:
    done, _, out = main_job
    assert "importing vLLM" in done.stderr
    assert "texts/s" in done.stderr
    assert "left" in done.stderr
    assert str(out) in done.stderr


def test_an_export_is_the_run_byte_for_byte(main_job: Job) -> None:
    done, made, out = main_job
    assert embedtui("export", str(out), "--to", "json").stdout == done.stdout
    assert exports.to_json(run_report.build(run_file.read(out))) == done.stdout
    markdown = embedtui("export", str(out), "--to", "markdown").stdout
    assert f"{made['settings'][0]['precision_error']['l2']['max']:.1e}" in markdown
    assert "bfloat16" in engine_log(out, 0)


def test_float16_error_is_that_of_float16(tmp_path: Path) -> None:
    done = embedtui(
        "run", "--limit", "8", "--dtype", "float16", "--batch-sizes", "4", "--json", "--quiet",
        "--out", str(tmp_path / "run.sqlite"),
    )  # fmt: skip
    assert done.stderr == ""
    (setting,) = json.loads(done.stdout)["settings"]
    assert 1e-4 < setting["precision_error"]["l2"]["max"] < 1e-2


def batches_in(path: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM batches").fetchone()[0])
    except sqlite3.Error:
        return 0


def started(out: Path) -> subprocess.Popen[str]:
    """Start a long run and wait until batches come in."""
    running = subprocess.Popen(
        [*EMBEDTUI, "run", "--dtype", "float32", "--no-reference", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: batches_in(out) >= 50 or running.poll() is not None, 120)
    assert running.poll() is None
    return running


def test_kill_9_in_mid_run_leaves_no_process_and_every_finished_batch(tmp_path: Path) -> None:
    out = tmp_path / "run.sqlite"
    running = started(out)
    family = psutil.Process(running.pid).children(recursive=True)
    assert len(family) >= 2  # the host and an engine
    seen = batches_in(out)
    running.kill()
    running.communicate()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
    results = run_file.read(out)
    assert results.status == "cut off"
    (setting,) = results.settings
    assert sum(len(p.steps) for p in setting.passes.values()) >= seen
    made = run_report.build(results)
    for batch in made["settings"][0]["batches"]:
        assert batch["identical"] == batch["drift"]["texts"]
    assert json.loads(embedtui("export", str(out)).stdout) == made


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    out = tmp_path / "run.sqlite"
    running = started(out)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "stopping after this batch" in stderr
    assert "Traceback" not in stderr
    said = " ".join(stdout.split())
    assert re.search(r"DRIFT float32: .* · \d+ of 264 texts, cancelled", said)
    assert "The run was cancelled" in said
    results = run_file.read(out)
    assert results.status == "cancelled"
    assert results.settings[0].unbatched.count > 0
    assert not out.with_name(out.name + "-wal").exists()


def test_a_second_ctrl_c_kills_the_engine(tmp_path: Path) -> None:
    running = started(tmp_path / "run.sqlite")
    family = psutil.Process(running.pid).children(recursive=True)
    (host,) = psutil.Process(running.pid).children()
    for engine in host.children():
        engine.suspend()  # the batch in hand does not come back
    running.send_signal(signal.SIGINT)
    told(running, "stopping after this batch")
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "the engine was killed" in stderr
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


def told(running: subprocess.Popen[str], words: str) -> str:
    """Read standard error up to the line that has these words, and return the line."""
    assert running.stderr is not None
    while words not in (line := running.stderr.readline()):
        assert line, words
    return line


def test_processes_that_are_stopped_are_told_and_hold_up_no_end(tmp_path: Path) -> None:
    running = started(tmp_path / "run.sqlite")
    (host,) = psutil.Process(running.pid).children()
    (engine,) = host.children()
    engine.suspend()
    line = told(running, "is stopped (SIGSTOP)")
    assert f"the engine's process is stopped (SIGSTOP): `kill -CONT {engine.pid}` lets" in line
    engine.resume()
    told(running, "the engine's process goes on")
    for process in (engine, host):
        process.suspend()
    told(running, f"`kill -CONT {host.pid}` lets it go on, Ctrl+C twice ends the run")
    running.send_signal(signal.SIGINT)
    told(running, "stopping after this batch")
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "the engine was killed; the engine host did not answer and was killed as well" in stderr
    assert psutil.wait_procs([host, engine], timeout=30)[1] == []


def test_a_model_that_only_vllm_can_refuse_is_bad_input(
    tmp_path: Path, make_model: MakeModel
) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(make_model("bert"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["NobodysModel"]}))
    done = embedtui(
        "run", str(folder), "--dtype", "float32", "--quiet", "--out", str(tmp_path / "r.sqlite")
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("embedtui: vLLM cannot embed with this model")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "r.sqlite").exists()


def test_nothing_of_the_engine_reaches_the_terminal(main_job: Job) -> None:
    done, *_ = main_job
    for words in ("INFO", "WARNING", "Triton", "nanobind", "Loading safetensors"):
        assert words not in done.stderr
    assert os.linesep in done.stderr


def test_a_model_is_made_found_by_its_name_and_run(tmp_path: Path) -> None:
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("DATA", "STATE", "CONFIG", "CACHE")}
    environment = os.environ | homes

    def embedtui(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "embedtui", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    made = embedtui("make-model", "--arch", "xlm-roberta", "--layers", "2", "--width", "64")
    assert made.returncode == 0, made.stderr
    assert "random-xlm-roberta-2x64" in made.stdout
    assert "random weights" in made.stdout
    again = embedtui("make-model", "--arch", "xlm-roberta", "--layers", "2", "--width", "64")
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert "random-xlm-roberta-2x64" in embedtui("list", "models").stdout
    folder = tmp_path / "embedtui/models/random-xlm-roberta-2x64"
    prompts = {"prompts": {"query": "Instruct: retrieve\nQuery: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    common = ("--limit", "8", "--dtype", "float32", "--batch-sizes", "1,8", "--json", "--quiet")
    run = ("run", "random-xlm-roberta-2x64", *common)
    plain, prompted = (
        json.loads(embedtui(*run, *more).stdout) for more in ((), ("--prompt", "query"))
    )
    assert prompted["plan"]["prompt"] == "Instruct: retrieve\nQuery: "
    for one in (plain, prompted):
        assert one["settings"][0]["precision_error"]["l2"]["max"] < 5e-6
    tokens = [[text["tokens"] for text in r["settings"][0]["texts"]] for r in (plain, prompted)]
    assert all(after > before for before, after in zip(*tokens, strict=True) if before < 500)
