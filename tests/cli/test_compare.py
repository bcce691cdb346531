"""`embedtui compare` on run files."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Embedtui
from tests.fakes import Batch, Script

FEW = ("--dtype", "float16", "--batch-sizes", "1,4", "--no-reference")


def nudged(batch: Batch) -> None:
    batch.vectors[:, 0] += 1e-3


def test_two_runs_of_one_plan_are_the_same(embedtui: Embedtui, model_folder: Path, few: Path,
                                           tmp_path: Path) -> None:  # fmt: skip
    for name in ("a", "b"):
        embedtui("run", model_folder, "--texts", few, *FEW, "--out", tmp_path / f"{name}.sqlite")
    said = embedtui("compare", tmp_path / "a.sqlite", tmp_path / "b.sqlite")
    assert said.code == 0
    assert "texts bitwise identical" in said.out
    assert "Cause, certain: no change." in said.out


def test_vectors_that_moved_end_with_1(embedtui: Embedtui, model_folder: Path, few: Path,
                                       tmp_path: Path) -> None:  # fmt: skip
    run = ("run", model_folder, "--texts", few, *FEW, "--out")
    embedtui(*run, tmp_path / "a.sqlite")
    embedtui(*run, tmp_path / "b.sqlite", script=Script(plants=(nudged,)))
    said = embedtui("compare", tmp_path / "a.sqlite", tmp_path / "b.sqlite", "--json")
    assert said.code == 1
    (setting,) = json.loads(said.out)["settings"]
    assert setting["identical"] == 0
    assert setting["diagnosis"]["cause"] == "restart"


def test_last_is_the_newest_run_in_the_data_folder(embedtui: Embedtui, model_folder: Path,
                                                   few: Path, tmp_path: Path) -> None:  # fmt: skip
    run = ("run", model_folder, "--texts", few, *FEW)
    assert embedtui("compare", "last", "last").code == 2
    embedtui(*run, "--out", tmp_path / "a.sqlite", script=Script(plants=(nudged,)))
    made = embedtui(*run, "--json").out
    said = embedtui("compare", tmp_path / "a.sqlite", "last")
    assert (said.code, "L2 up to" in said.out) == (1, True)
    assert embedtui("export", "last").out == made
    assert embedtui("open", "last", "--plain").code == 0


def test_what_is_no_run_file_is_told_in_a_line(embedtui: Embedtui, few: Path) -> None:
    said = embedtui("compare", few, few)
    assert said.code == 2
    assert "is not a run file of embedtui" in said.err
