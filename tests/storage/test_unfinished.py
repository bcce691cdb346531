from __future__ import annotations

from pathlib import Path

import pytest

from embedtui.common import machine
from embedtui.results.events import RunStarted
from embedtui.storage.run_writer import Recorder
from embedtui.storage.unfinished import find_unfinished
from tests.fakes import plan
from tests.run_files import change


@pytest.mark.parametrize("name", ["plain", "a#b", "a?b", "a?mode=rwc", "a%20b", "100%", "a b", "é"])
def test_a_run_that_was_cut_off_is_found_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    made = plan(3)
    path = folder / f"{name}.sqlite"
    recorder = Recorder(path)
    recorder(RunStarted(made, machine.environment(), "now"))
    recorder.close()
    assert find_unfinished(made, folder) == path
    assert find_unfinished(plan(4), folder) is None
    change(path, "INSERT INTO run VALUES ('status', 'finished')")
    assert find_unfinished(made, folder) is None


def test_it_is_found_below_the_folder_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = plan(3)
    recorder = Recorder(Path("run.sqlite"))
    recorder(RunStarted(made, machine.environment(), "now"))
    recorder.close()
    assert find_unfinished(made, Path()) == Path("run.sqlite")
