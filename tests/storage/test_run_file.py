from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.common.errors import EngineError, InputError
from embedtui.engine.settings import Setting
from embedtui.measure.layer_errors import ErrorDecomposition, LayerSite
from embedtui.plan.plan import Plan
from embedtui.report import exports, run_report
from embedtui.results.events import (
    BatchEmbedded,
    Event,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    ReferenceComputed,
    RunEnded,
    RunStarted,
)
from embedtui.results.results import Results
from embedtui.storage import run_file
from embedtui.storage.run_schema import APPLICATION_ID, FORMAT
from embedtui.storage.run_writer import Recorder
from tests.fakes import REFUSED, Script, broken, pack, plan
from tests.recorded import Record
from tests.run_files import change, engine_log

NASTY = pack(
    "plain",
    "lone \ud800 surrogate",
    "nul \x00 inside",
    "\x1b[31mred\x1b[0m",
    "word " * 80,
    REFUSED,
    "\u202eturned",
    "",
    ids=("1", "id \udcff", "id \x00 nul", "\x1b[31mred", "=1+1", "a|b", "", "日本"),
)

RUNS: dict[str, tuple[Plan, Script]] = {
    "drift and noise": (
        plan(11, "float16", "bfloat16", "float32", sizes=(1, 2, 4), repeats=2),
        Script(noise=1e-6),
    ),
    "nasty texts": (plan(NASTY, "float16", sizes=(1, 3)), Script()),
    "faults": (
        plan(9, "float16", "float32"),
        Script(plants=(broken(2, np.nan), broken(3, np.inf), broken(4, 0.0, size=2))),
    ),
    "split batches": (plan(9, "float16"), Script(most_in_step=3)),
    "a setting that failed": (
        plan(6, "float16", "float32"),
        Script(failures={("load", "float16"): EngineError("no \x1b[31m memory")}),
    ),
    "all failed": (plan(6), Script(failures={("embed", "float32"): EngineError("no")})),
    "no reference": (plan(6, reference=False, repeats=0, too_long="refuse"), Script()),
    "the float64 reference failed": (
        plan(6),
        Script(failures={("reference", ""): EngineError("no")}),
    ),
    "the float64 reference is NaN": (plan(6), Script(reference_value=np.nan)),
    "switches": (
        plan(6, settings=(Setting("tiny", "float32", threads=1), Setting("tiny", "auto"))),
        Script(),
    ),
    "layers": (plan(6, "float16", "float32", layers=5), Script(layer_fault=LayerSite("mlp", 2))),
    "layers that cannot be looked into": (
        plan(6, settings=(Setting("tiny", execution="compiled"), Setting("tiny")), layers=3),
        Script(failures={("exact layers", ""): EngineError("no \x1b[31m layers")}),
    ),
}


@pytest.mark.parametrize("name", RUNS)
class TestRoundTrip:
    def test_gives_the_same_report_to_the_bit(self, record: Record, name: str) -> None:
        recorded = record(*RUNS[name])
        again = run_report.build(run_file.read(recorded.path))
        assert again == recorded.report
        for form in exports.FORMATS.values():
            assert form(again) == form(recorded.report)

    def test_gives_the_same_events(self, record: Record, name: str) -> None:
        recorded = record(*RUNS[name])
        replayed = list(run_file.events_of(recorded.path))
        layers = (LayersCompared, LayersJudged, LayersMixed, LayersFailed)
        for kind in (RunStarted, BatchEmbedded, *layers, RunEnded):
            live = recorded.told.of(kind)
            back = [event for event in replayed if isinstance(event, kind)]
            assert len(back) == len(live)
            for one, other in zip(live, back, strict=True):
                assert_same(one, other)

    def test_leaves_one_file(self, record: Record, name: str) -> None:
        recorded = record(*RUNS[name])
        assert [p.name for p in recorded.path.parent.glob("*.sqlite*")] == [recorded.path.name]


def assert_same(one: Event | ErrorDecomposition, other: Event | ErrorDecomposition) -> None:
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, ErrorDecomposition):
            assert_same(a, b)
        elif isinstance(a, np.ndarray):
            assert a.tobytes() == b.tobytes()
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
        else:
            assert a == b


def test_a_file_from_before_there_were_layers_is_read_and_can_go_on(record: Record) -> None:
    recorded = record(plan(4, "float16", layers=4))
    with sqlite3.connect(recorded.path) as database:
        database.execute("DROP TABLE layers")
    database.close()
    before = run_file.read(recorded.path)
    assert run_report.build(before)["settings"][0]["layers"] is None
    recorder = Recorder(recorded.path, go_on=True)
    for event in recorded.told:
        if isinstance(event, LayersCompared | LayersJudged | LayersMixed | RunEnded):
            recorder(event)
    recorder.close()
    again = run_report.build(run_file.read(recorded.path))
    assert again == recorded.report


def test_a_damaged_table_of_layers_is_told_in_one_line(record: Record) -> None:
    recorded = record(plan(4, "float16", layers=4))
    with sqlite3.connect(recorded.path) as database:
        database.execute("UPDATE layers SET figures = x'00' WHERE kind = 'judged'")
    database.close()
    with pytest.raises(InputError, match="damaged"):
        run_file.read(recorded.path)


def test_a_finished_file_can_be_read_where_nothing_can_be_written(record: Record) -> None:
    """A database left in write-ahead mode needs a second file even to be read."""
    assert record(plan(3)).path.read_bytes()[18:20] == b"\1\1"


def test_vectors_come_back_with_every_bit(record: Record) -> None:
    """NaN payloads, signed zeros and subnormals are bits like any others."""
    odd = np.array([0x7FC12345, 0xFFC00001, 0x80000000, 0x00000001], dtype="<u4").view("<f4")

    def plant(batch: Any) -> None:
        batch.vectors[:, :4] = odd

    recorded = record(plan(4), Script(plants=(plant,)))
    for batch in run_file.events_of(recorded.path):
        if isinstance(batch, BatchEmbedded):
            assert batch.vectors[:, :4].tobytes() == odd.tobytes() * len(batch.rows)


def test_the_reference_comes_back_with_every_bit(record: Record) -> None:
    recorded = record(plan(11))
    back = run_file.read(recorded.path).reference
    assert back.vectors.tobytes() == recorded.results.reference.vectors.tobytes()
    assert back.tokens.tolist() == recorded.results.reference.tokens.tolist()


def test_whether_reference_and_engine_were_there_already_is_kept(record: Record) -> None:
    made = plan(3, model_hash="ab" * 32)
    for expected in (False, True):
        events = list(run_file.events_of(record(made).path))
        cached = [event.cached for event in events if isinstance(event, ReferenceComputed)]
        assert cached == [expected] * 3


def test_the_engines_log_is_kept(record: Record) -> None:
    recorded = record(plan(3, "float16", "float32"))
    assert engine_log(recorded.path, 1) == "weights of float32 are loaded\n"
    assert engine_log(recorded.path, 7) == ""


def test_of_a_setting_that_never_loaded_there_is_no_log(record: Record) -> None:
    script = Script(failures={("open", "float32"): EngineError("no")})
    assert engine_log(record(plan(3), script).path, 0) == ""


class TestNewFile:
    def test_that_is_there_is_refused_and_untouched(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.sqlite"
        path.write_bytes(b"precious")
        with pytest.raises(InputError, match=r"mine\.sqlite exists: give another name with --out"):
            Recorder(path)
        assert path.read_bytes() == b"precious"

    def test_that_is_a_folder_or_a_link_to_nothing_is_refused(self, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "nowhere")
        for path in (tmp_path, link):
            with pytest.raises(InputError, match="exists"):
                Recorder(path)
        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.parametrize("name", ["no/such/folder/run.sqlite", "n" * 300])
    def test_that_cannot_be_made_is_refused_in_one_line(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError, match="cannot be written") as caught:
            Recorder(tmp_path / name)
        assert str(caught.value).isprintable()

    def test_runs_that_begin_in_one_second_have_names_of_their_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All at once: looking for a free name and creating it later lets two take the same."""
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        monkeypatch.setattr(time, "strftime", lambda _format: "20260101-000000")
        made = plan(3)
        with ThreadPoolExecutor(16) as pool:
            recorders = list(pool.map(lambda _: Recorder.in_runs_folder(made), range(16)))
        for recorder in recorders:
            recorder(RunStarted(made, {}, "now"))
            recorder.close()
        names = {recorder.path.name for recorder in recorders}
        stem = f"20260101-000000-{made.model_name}"
        assert names == {f"{stem}.sqlite"} | {f"{stem}-{n}.sqlite" for n in range(2, 17)}

    def test_that_fills_the_disk_is_an_input_error(self, tmp_path: Path, record: Record) -> None:
        told = record(plan(6)).told
        recorder = Recorder(tmp_path / "full.sqlite")
        recorder._database.execute("PRAGMA max_page_count = 12")

        def fill() -> None:
            for event in [*told, *told[1:] * 50]:
                recorder(event)

        with pytest.raises(InputError, match=r"cannot be written any more \(database or disk is"):
            fill()
        recorder.close()
        assert run_file.read(tmp_path / "full.sqlite").status in {"cut off", "finished"}


class TestCutOff:
    def test_every_batch_that_was_told_is_there(self, record: Record, tmp_path: Path) -> None:
        """Copied after each batch, as a killed process leaves it: the file and its -wal."""
        checked = 0

        def copy_and_read(event: Event) -> None:
            nonlocal checked
            if not isinstance(event, BatchEmbedded) or checked >= 12:
                return
            checked += 1
            folder = tmp_path / f"cut-{checked}"
            folder.mkdir()
            for part in tmp_path.glob("run-1.sqlite*"):
                shutil.copy(part, folder)
            results = run_file.read(folder / "run-1.sqlite")
            got = sum(pass_.count for s in results.settings for pass_ in s.passes.values())
            assert results.status == "cut off"
            told.append(event)
            assert got == sum(len(batch.rows) for batch in told)

        told: list[BatchEmbedded] = []
        record(plan(8, "float16"), listeners=(copy_and_read,))
        assert checked == 12

    def test_a_run_can_be_read_while_it_is_written(self, record: Record, tmp_path: Path) -> None:
        seen = []

        def read(event: Event) -> None:
            if isinstance(event, BatchEmbedded):
                seen.append(run_file.read(tmp_path / "run-1.sqlite").settings[0].unbatched.count)

        recorded = record(plan(3, sizes=(1,), repeats=0), listeners=(read,))
        assert seen == [1, 2, 3]
        assert run_file.read(recorded.path).status == "finished"

    def test_the_report_says_so_and_what_is_missing(self, record: Record, tmp_path: Path) -> None:
        def copy(event: Event) -> None:
            if isinstance(event, BatchEmbedded) and not (tmp_path / "cut").exists():
                (tmp_path / "cut").mkdir()
                for part in tmp_path.glob("run-1.sqlite*"):
                    shutil.copy(part, tmp_path / "cut")

        record(plan(8, "float16", "float32"), listeners=(copy,))
        made = run_report.build(run_file.read(tmp_path / "cut" / "run-1.sqlite"))
        assert made["status"] == "cut off"
        assert [setting["status"] for setting in made["settings"]] == ["cut off", "cut off"]
        assert made["settings"][1]["verdict"] == "not measured: cut off"
        assert made["settings"][0]["noise_floor"] is None

    def test_by_sigkill_holds_every_batch_that_was_told(self, tmp_path: Path) -> None:
        path = tmp_path / "killed.sqlite"
        script = f"""
import sys
from pathlib import Path
from embedtui.common import machine
machine.engine_device = lambda: "cpu"
from embedtui.storage.run_writer import Recorder
from embedtui.results.events import BatchEmbedded
from embedtui.run.study import Study
from tests.fakes import FakeEngines, Script, plan

def tell(event):
    if isinstance(event, BatchEmbedded):
        print(len(event.rows), flush=True)

engines = FakeEngines(Script(sleep=0.001), logs=Path({str(tmp_path)!r}))
Study(plan(5000, sizes=(1, 3)), engines, [Recorder(Path({str(path)!r})), tell]).run()
"""
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(100)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split()]
        process.stdout.close()
        assert process.wait(10) == -signal.SIGKILL
        results = run_file.read(path)
        assert results.status == "cut off"
        counts = [pass_.count for pass_ in results.settings[0].passes.values()]
        # The batch in flight may be written and not yet told.
        assert sum(told) <= sum(counts) <= sum(told) + 3
        assert exports.to_json(run_report.build(results))


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        run_file.read(path)
    message = str(caught.value)
    assert message.isprintable()
    assert caught.value.exit_code == 2
    with pytest.raises(InputError):
        list(run_file.events_of(path))
    return message


def database(path: Path, mark: int, version: int) -> Path:
    made = sqlite3.connect(path)
    made.executescript(
        f"PRAGMA application_id = {mark}; PRAGMA user_version = {version}; CREATE TABLE t (a);"
    )
    made.close()
    return path


class TestRefusals:
    def test_of_nothing(self, tmp_path: Path) -> None:
        assert "no such run file" in refused(tmp_path / "missing.sqlite")
        assert not (tmp_path / "missing.sqlite").exists()
        assert "no such run file" in refused(tmp_path)
        assert "cannot be read: File name too long" in refused(tmp_path / ("n" * 300))

    @pytest.mark.parametrize("content", [b"", b"hello\n", b"SQLite format 3\x00", bytes(5000)])
    def test_of_other_files(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "other"
        path.write_bytes(content)
        assert "is not a run file of embedtui" in refused(path)
        assert path.read_bytes() == content

    def test_of_other_databases(self, tmp_path: Path) -> None:
        path = database(tmp_path / "contacts.sqlite", 0, 1)
        assert "is not a run file of embedtui: give one that it wrote" in refused(path)

    def test_of_a_newer_format(self, tmp_path: Path) -> None:
        path = database(tmp_path / "future.sqlite", APPLICATION_ID, FORMAT + 1)
        assert "was written by a newer embedtui: upgrade to read it" in refused(path)

    def test_of_one_cut_off_before_it_began(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.sqlite"
        Recorder(path).close()
        with pytest.raises(InputError, match="is damaged: the run was cut off before it began"):
            run_file.read(path)

    def test_of_a_name_that_a_terminal_would_obey(self, tmp_path: Path) -> None:
        assert "\x1b" not in refused(tmp_path / "\x1b[31mred")

    @pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
    def test_of_a_file_that_lost_its_end(self, record: Record, tmp_path: Path, keep: float) -> None:
        data = record(plan(20, "float16")).path.read_bytes()
        path = tmp_path / "short.sqlite"
        path.write_bytes(data[: int(len(data) * keep)])
        with pytest.raises(InputError, match="is damaged"):
            run_file.read(path)

    @pytest.mark.parametrize(
        "statement",
        [
            "DROP TABLE batches",
            "UPDATE run SET value = '[]' WHERE key = 'plan'",
            "UPDATE run SET value = '{' WHERE key = 'plan'",
            "UPDATE run SET value = '{}' WHERE key = 'plan'",
            "DELETE FROM run WHERE key = 'environment'",
            "UPDATE texts SET text = x'ff'",
            "DELETE FROM texts WHERE row > 0",
            "UPDATE settings SET prepared = '3'",
            "UPDATE batches SET rows = x'00'",
            "UPDATE batches SET vectors = x'0000'",
            "UPDATE batches SET steps = 'x'",
            "UPDATE batches SET rows = x'ffffff7f' WHERE number = 1",
            "UPDATE truth SET vector = x'00'",
            "UPDATE truth SET row = row + 1000",
            "UPDATE truth SET row = row - 1000",
            "UPDATE settings SET number = number + 1000",
            "UPDATE batches SET rows = x'feffffff' WHERE number = 1",
            'UPDATE settings SET prepared = \'{"tokens": [1], "truncated": {}, "refused": {}}\'',
        ],
    )
    def test_of_damage_inside(self, record: Record, statement: str) -> None:
        path = record(plan(4)).path
        change(path, statement)
        with pytest.raises(InputError, match="is damaged") as caught:
            run_file.read(path)
        assert str(caught.value).isprintable()

    def test_an_error_of_embedtuis_own_is_no_damage(
        self, record: Record, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file that is whole is not called damaged because adding it up went wrong."""
        path = record(plan(4)).path

        def broken(_self: Results, _event: Event) -> None:
            raise KeyError("a bug")

        monkeypatch.setattr(Results, "__call__", broken)
        with pytest.raises(KeyError, match="a bug"):
            run_file.read(path)
