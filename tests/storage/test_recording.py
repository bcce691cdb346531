from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.common.errors import InputError
from embedtui.plan.plan import FIRST
from embedtui.report import run_report
from embedtui.run.study import Study
from embedtui.storage import recording, run_file
from embedtui.storage.run_writer import Recorder
from tests.fakes import FakeEngines, Script, plan
from tests.run_files import engine_log


@pytest.fixture(autouse=True)
def _on_cpu(on_cpu: None) -> None:
    """Every machine looks alike to these tests."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "run.sqlite"
    made = plan(24, "float16", "float32", sizes=(1, 2, 8), repeats=1, shuffles=1)
    recorder = Recorder(path)
    Study(made, FakeEngines(Script(noise=1e-7), logs=tmp_path), [recorder]).run()
    recorder.close()
    return path


def test_figures_are_those_of_the_run_to_the_bit(recorded: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite"
    recording.write(recorded, whole)
    before: Any
    after: Any
    before, after = (run_report.build(run_file.read(path)) for path in (recorded, whole))
    for one in (before, after):
        one["environment"].pop("platform")
    assert before["settings"][0]["batches"]
    for known in ("settings", "findings", "verdict", "environment"):
        assert _without_models(before[known]) == _without_models(after[known])
    for one, other in zip(*(run_file.read(p).settings for p in (recorded, whole)), strict=True):
        for key, pass_ in one.passes.items():
            assert pass_.vectors.tobytes() == other.passes[key].vectors.tobytes()


def test_layers_are_kept_for_the_texts_that_are(tmp_path: Path) -> None:
    source = tmp_path / "layers.sqlite"
    recorder = Recorder(source)
    made = plan(9, "float16", sizes=(1, 4), layers=9)
    Study(made, FakeEngines(Script(), logs=tmp_path), [recorder]).run()
    recorder.close()
    whole, kept = tmp_path / "whole.sqlite", tmp_path / "kept.sqlite"
    recording.write(source, whole)
    recording.write(source, kept, every=3)
    before, same, part = (run_file.read(path) for path in (source, whole, kept))
    assert (
        run_report.build(before)["settings"][0]["layers"]
        == (run_report.build(same)["settings"][0]["layers"])
    )
    ids = [text.id for text in before.plan.pack.texts]
    layers, drift = part.settings[0].layers, part.settings[0].layers.drift()
    assert layers.rows == (0, 1, 2)
    assert drift is not None
    assert drift.texts == 3
    for row, budget in enumerate(layers.budgets()):
        old = ids.index(part.plan.pack.texts[row].id)
        expected = before.settings[0].layers.budgets()[old]
        assert budget.parts.tobytes() == expected.parts.tobytes()


def _without_models(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_models(one) for key, one in value.items() if key != "model"}
    if isinstance(value, list):
        return [_without_models(one) for one in value]
    return value


def test_a_sample_keeps_places_speeds_and_the_size_of_batches(
    recorded: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.sqlite"
    recording.write(recorded, kept, every=3, batch_sizes=(8,))
    before, after = run_file.read(recorded), run_file.read(kept)
    assert after.plan.batch_sizes == (1, 8)
    assert after.plan.pack.name == f"{before.plan.pack.name}, 8 of 24"
    ids = [text.id for text in before.plan.pack.texts]
    rows = [ids.index(text.id) for text in after.plan.pack.texts]
    whole, part = (run.settings[0].pass_of(8) for run in (before, after))
    assert (part.vectors == whole.vectors[rows]).all()
    assert (part.position == whole.position[rows]).all()
    assert len(set(part.position.tolist())) > 3
    assert part.realised["max"] == 8
    assert part.split_steps == 0
    assert part.texts_per_second == pytest.approx(whole.texts_per_second)
    assert (after.reference.vectors == before.reference.vectors[rows]).all()
    assert after.settings[0].orders == before.settings[0].orders == 2


def test_a_recording_of_a_recording_knows_what_the_first_one_left_out(
    recorded: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.sqlite", tmp_path / "second.sqlite"
    recording.write(recorded, first, every=2)
    recording.write(first, second, every=2)
    before, after = run_file.read(recorded), run_file.read(second)
    assert after.plan.pack.name == f"{before.plan.pack.name}, 6 of 24"
    ids = [text.id for text in before.plan.pack.texts]
    rows = [ids.index(text.id) for text in after.plan.pack.texts]
    key = (8, FIRST)
    assert (
        after.settings[0].passes[key].position == before.settings[0].passes[key].position[rows]
    ).all()
    assert after.settings[0].pass_of(8).texts_per_second == pytest.approx(
        before.settings[0].pass_of(8).texts_per_second
    )


def test_it_is_smaller_and_says_nothing_of_folders(recorded: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.sqlite"
    recording.write(recorded, small)
    assert small.stat().st_size < recorded.stat().st_size
    data = small.read_bytes()
    assert str(tmp_path).encode() not in data
    assert b"/home" not in data
    results = run_file.read(small)
    assert engine_log(small, 0) == ""
    assert "/" not in results.environment["platform"]
    assert np.isfinite(results.settings[0].unbatched.vectors).all()


def test_what_is_damaged_is_told(recorded: Path, tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "damaged.sqlite"
    recording.write(recorded, path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE packed SET data = x'00' WHERE number = 1")
    with pytest.raises(InputError, match="is damaged"):
        run_file.read(path)


def test_a_setting_alone_has_the_figures_that_it_had(recorded: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.sqlite"
    recording.write(recorded, alone, settings=(2,))
    (after,) = run_file.read(alone).settings
    before = run_file.read(recorded).settings[1]
    assert (after.number, after.setting.dtype, after.status) == (0, "float32", "finished")
    assert after.effective == before.effective
    assert after.passes.keys() == before.passes.keys()
    for key, pass_ in before.passes.items():
        assert pass_.vectors.tobytes() == after.passes[key].vectors.tobytes()


def test_the_reference_may_be_left_out(recorded: Path, tmp_path: Path) -> None:
    without = tmp_path / "without.sqlite"
    recording.write(recorded, without, reference=False)
    results = run_file.read(without)
    assert not results.plan.reference
    assert not results.reference.done.any()
    assert results.settings[0].precision_error(results.reference) is None


def test_a_setting_that_is_not_there_is_refused(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no setting 3: give some of 1 to 2"):
        recording.write(recorded, tmp_path / "none.sqlite", settings=(1, 3))
    assert not (tmp_path / "none.sqlite").exists()


def test_batch_sizes_that_were_not_measured_are_refused(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give some of 1, 2, 8"):
        recording.write(recorded, tmp_path / "none.sqlite", batch_sizes=(5,))
    assert not (tmp_path / "none.sqlite").exists()


def test_a_file_that_is_there_is_not_written_over(recorded: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.sqlite"
    there.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        recording.write(recorded, there)
    assert there.read_text() == "mine"
