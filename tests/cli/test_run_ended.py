"""Runs that fail or are interrupted: what they say, leave and return."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from embedtui.common import paths
from embedtui.common.errors import EngineError, InputError
from embedtui.run import ending
from embedtui.run.study import Study
from embedtui.storage import run_file
from embedtui.storage.run_writer import Recorder
from tests.cli.conftest import FEW, Embedtui, Said
from tests.fakes import Script
from tests.waiting import wait_until


class TestFailure:
    def test_of_every_setting_is_one_line_and_exit_code_3(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(
            failures={("load", label): EngineError("no kernel") for label in ("float16", "float32")}
        )
        for more in ((), ("--json",)):
            said = embedtui(
                "run", model_folder, "--texts", few, *FEW, "--quiet", *more, script=script
            )
            assert (said.code, said.error) == (3, "no kernel")

    def test_of_input_that_only_the_engine_can_judge_is_exit_code_2(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(
            failures={
                ("open", label): InputError("no tokenizer") for label in ("float16", "float32")
            }
        )
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--quiet", script=script)
        assert (said.code, said.error) == (2, "no tokenizer")

    def test_of_the_import_is_exit_code_3(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(failures={("import", ""): EngineError("vLLM cannot be imported: …")})
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--quiet", script=script)
        assert (said.code, said.error) == (3, "vLLM cannot be imported: …")

    def test_half_way_shows_what_was_measured(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(failures={("embed", "float16"): EngineError("it died")}, fail_after=6)
        said = embedtui(
            *("run", model_folder, "--texts", few, "--dtype", "float16", "--batch-sizes", "1,2"),
            script=script,
        )
        assert said.code == 3
        assert said.err.splitlines()[-1] == "embedtui: it died"
        assert "! warning: float16: it died" in said.out
        assert re.search(r"^ *float16 +\d\.\de-\d+ ", said.out, re.MULTILINE)

    def test_of_one_setting_shows_the_others(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(failures={("load", "float16"): EngineError("out of memory")})
        said = embedtui("run", model_folder, "--texts", few, *FEW, script=script)
        assert said.code == 3
        assert " float16: out of memory" in said.out
        assert "DRIFT float32: none at batch size 4" in " ".join(said.out.split())
        assert said.err.splitlines()[-1] == "embedtui: out of memory"


class Signals:
    """Sends this process signals before some batch, each once the one before was obeyed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._obeyed = threading.Event()
        patch.setattr(Study, "cancel", self._heard(Study.cancel))
        patch.setattr(Study, "kill", self._heard(Study.kill))

    def before(self, batch: int, *signals: signal.Signals) -> Script:
        """Return a script in which they come before this batch."""

        def on_job(count: int) -> None:
            for signum in signals if count == batch else ():
                self._obeyed.clear()
                os.kill(os.getpid(), signum)
                assert self._obeyed.wait(120)

        return Script(on_job=on_job)

    def _heard(self, obey: Callable[[Study], None]) -> Callable[[Study], None]:
        def heard(study: Study) -> None:
            obey(study)
            self._obeyed.set()

        return heard


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Signals:
    return Signals(monkeypatch)


class TestCtrlC:
    def run(self, embedtui: Embedtui, folder: Path, few: Path, script: Script, *more: str) -> Said:
        before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
        said = embedtui("run", folder, "--texts", few, *FEW, *more, script=script)
        after = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
        assert after == before
        assert said.code == 130
        assert not [t for t in threading.enumerate() if t.name == "study"]
        return said

    def test_lets_the_batch_come_back_and_shows_what_there_is(
        self, embedtui: Embedtui, model_folder: Path, few: Path, signals: Signals
    ) -> None:
        script = signals.before(9, signal.SIGINT)
        said = self.run(embedtui, model_folder, few, script, "--shuffles", "0")
        assert "stopping after this batch; Ctrl+C again kills the engine" in said.err
        assert (
            said.err.splitlines()[-1] == "embedtui: cancelled after the batch in hand; "
            "what was measured until then is in the run file"
        )
        assert "The run was cancelled: cancelled after the batch in hand." in said.out
        (path,) = paths.runs_folder().iterdir()
        results = run_file.read(path)
        assert results.status == "cancelled"
        first = results.settings[0]
        # Ten batches: four texts alone, one batch of them, and both again.
        assert sum(pass_.count for pass_ in first.passes.values()) == 16

    def test_prints_the_report_so_far(
        self, embedtui: Embedtui, model_folder: Path, few: Path, signals: Signals
    ) -> None:
        script = signals.before(9, signal.SIGINT)
        said = self.run(embedtui, model_folder, few, script, "--json")
        made = json.loads(said.out)
        assert made["status"] == "cancelled"
        assert [s["status"] for s in made["settings"]] == ["cancelled", "cancelled"]
        assert made["settings"][0]["batches"][0]["texts"] == 4

    def test_twice_kills_the_engine(
        self, embedtui: Embedtui, model_folder: Path, few: Path, signals: Signals
    ) -> None:
        script = signals.before(5, signal.SIGINT, signal.SIGINT)
        said = self.run(embedtui, model_folder, few, script)
        assert said.err.splitlines()[-1].startswith("embedtui: the engine was killed; what was")

    def test_is_told_quietly_too(
        self, embedtui: Embedtui, model_folder: Path, few: Path, signals: Signals
    ) -> None:
        script = signals.before(5, signal.SIGINT)
        said = self.run(embedtui, model_folder, few, script, "--quiet")
        assert len(said.err.splitlines()) == 2

    def test_while_vllm_is_imported(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        interrupt = partial(os.kill, os.getpid(), signal.SIGINT)
        script = Script(import_never_ends=True, on_import=interrupt)
        said = self.run(embedtui, model_folder, few, script, "--json")
        assert "cancelled while vLLM was being imported" in said.err
        assert json.loads(said.out)["verdict"] == "nothing was measured"

    def test_terminate_kills_the_engine_at_once(
        self, embedtui: Embedtui, model_folder: Path, few: Path, signals: Signals
    ) -> None:
        said = self.run(embedtui, model_folder, few, signals.before(5, signal.SIGTERM))
        assert said.err.splitlines()[-1].startswith("embedtui: the engine was killed")

    def test_that_comes_when_all_is_measured_takes_nothing_away(
        self, embedtui: Embedtui, model_folder: Path, few: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        close = Recorder.close

        def interrupted(recorder: Recorder) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            close(recorder)

        monkeypatch.setattr(Recorder, "close", interrupted)
        said = embedtui("run", model_folder, "--texts", few, *FEW)
        assert said.code == 0
        assert "SERVE " in said.out
        (path,) = paths.runs_folder().iterdir()
        assert run_file.read(path).status == "finished"

    def test_leaves_a_run_that_does_not_end_behind(
        self, embedtui: Embedtui, model_folder: Path, few: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()

        def hang(count: int) -> None:
            if count == 5:
                os.kill(os.getpid(), signal.SIGTERM)
                go_on.wait(60)

        monkeypatch.setattr(ending, "KILL_SECONDS", 0.2)
        try:
            said = embedtui("run", model_folder, "--texts", few, *FEW, script=Script(on_job=hang))
            (path,) = paths.runs_folder().glob("*.sqlite")
            kept = run_file.read(path)
        finally:
            go_on.set()
            wait_until(lambda: not [t for t in threading.enumerate() if t.name == "study"])
        assert said.code == 130
        last = said.err.splitlines()[-1]
        assert last.startswith("embedtui: the run did not end within")
        assert last.endswith(f"what was measured is in {path}")
        assert kept.settings[0].unbatched.count == 4

    def test_before_the_run_begins_is_one_line(
        self,
        embedtui: Embedtui,
        model_folder: Path,
        few: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from embedtui import models

        def interrupt(_folder: Path) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(models, "model_hash", interrupt)
        said = embedtui("run", model_folder, "--texts", few)
        assert (said.code, said.err.strip()) == (130, "embedtui: cancelled")
