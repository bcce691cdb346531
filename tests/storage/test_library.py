from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.report import run_report
from embedtui.storage import library, run_file
from tests.run_files import change


@pytest.mark.parametrize("name", list(library.recordings()))
class TestRecordingsThatComeAlong:
    def test_say_machine_versions_and_date(self, name: str) -> None:
        held = library.describe(library.recordings()[name])
        gpu = "AMD EPYC" if name == "cpu-server" else name.partition("-")[0].upper()
        assert re.fullmatch(
            rf"20\d\d-\d\d-\d\d \d\d:\d\d on [^,]*{gpu}.*, vLLM 0\.[\d.]+", held.where
        )
        assert held.status == "finished"

    def test_are_of_the_real_engine_and_without_faults(self, name: str) -> None:
        made = run_report.build(run_file.read(library.recordings()[name]))
        assert made["status"] == "finished"
        for setting in made["settings"]:
            if name == "cpu-server":
                assert setting["effective_config"]["server"] == "vLLM"
                continue
            assert setting["effective_config"]["device"] == "cuda"
            assert name.partition("-")[0].upper() in setting["effective_config"]["gpu"]
        assert not [one for one in made["findings"] if one["severity"] == "fault"]

    def test_name_no_folder_of_the_machine_that_made_them(self, name: str) -> None:
        plan, environment, _ = run_file.facts(library.recordings()[name])
        said = json.dumps([plan, environment])
        assert not any(word in said for word in ("/tmp", "/root", "/home", "/work"))


def test_all_of_them_are_under_nine_megabytes() -> None:
    assert sum(path.stat().st_size for path in library.recordings().values()) < 9_000_000


def test_a_name_its_beginning_or_a_file_is_found(tmp_path: Path) -> None:
    known = library.recordings()
    assert library.find("h200-minilm") == [known["h200-minilm"]]
    named = {path for name, path in known.items() if name.startswith("h200-")}
    assert set(library.find("h200")) == named < set(known.values())
    assert library.find("h200")[0] == known["h200-large"]
    file = tmp_path / "mine.sqlite"
    file.write_bytes(known["h200-restarts"].read_bytes())
    assert library.find(str(file)) == [file]


@pytest.mark.parametrize("plan", ["{}", '{"texts": 3}', "[]", "x"])
def test_a_damaged_one_is_told_and_left_out_of_lists(tmp_path: Path, plan: str) -> None:
    file = tmp_path / "mine.sqlite"
    file.write_bytes(library.recordings()["h200-restarts"].read_bytes())
    change(file, f"UPDATE run SET value = '{plan}' WHERE key = 'plan'")
    with pytest.raises(InputError, match="is damaged"):
        library.describe(file)
    assert library.describe_all([file]) == []


def test_runs_of_ones_own_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    own = paths.runs_folder() / "20260101-000000-x.sqlite"
    own.write_bytes(library.recordings()["h200-restarts"].read_bytes())
    (paths.runs_folder() / "20260102-000000-y.sqlite").write_text("no database")
    assert library.find("20260101-000000-x") == [own]
    assert [held.path for held in library.describe_all(library.own_runs())] == [own]


def test_last_is_the_newest_run_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"no last run: `embedtui run` records one in .*runs"):
        library.file_of("last")
    older, newer = (paths.runs_folder() / f"2026010{day}-000000-x.sqlite" for day in (1, 2))
    newer.write_bytes(library.recordings()["h200-restarts"].read_bytes())
    older.write_bytes(newer.read_bytes())
    (paths.runs_folder() / "20260103-000000-y.sqlite").write_text("no database")
    assert library.file_of("last") == newer
    assert library.find("last") == [newer]
    assert library.file_of("./last") == Path("last")


def test_what_there_is_not_is_told_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"h20-minilm.*did you mean h200-minilm.*embedtui open"):
        library.find("h20-minilm")
