from __future__ import annotations

import threading
from pathlib import Path

import pytest

from embedtui.common import machine
from embedtui.common.errors import EngineError, InputError
from embedtui.engine.messages import Prepared
from embedtui.engine.settings import Setting
from embedtui.plan.plan import batches_of
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    ReferenceComputed,
    ReferenceFailed,
    RunEnded,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    Waiting,
)
from embedtui.results.results import Results
from embedtui.run.loading import largest_step
from embedtui.run.study import Study
from embedtui.storage.run_file import read
from embedtui.storage.run_writer import Recorder
from tests.fakes import REFUSED, EventRecorder, FakeEngines, Script, pack, plan
from tests.studies import RunStudy
from tests.waiting import wait_until


class TestEvents:
    def test_come_in_order(self, run_study: RunStudy) -> None:
        ran = run_study(plan(5, "float16", "float32"))
        one_setting = ["EngineReady", "TextsPrepared", "BatchEmbedded", "SettingEnded"]
        assert ran.told.kinds == [
            "RunStarted",
            "Waiting",
            *one_setting,
            "Waiting",
            "ReferenceComputed",
            "Waiting",
            *one_setting,
            "RunEnded",
        ]
        assert ran.status == "finished"
        assert ran.told[-1] == RunEnded("finished")

    def test_the_reference_waits_where_there_is_no_room_beside_the_engines(
        self, run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine, "free_memory", lambda: 1)
        kinds = run_study(plan(5, "float16", "float32")).told.kinds
        assert kinds[-2:] == ["ReferenceComputed", "RunEnded"]

    def test_a_run_that_is_stopped_keeps_the_errors_of_what_was_measured(
        self, tmp_path: Path
    ) -> None:
        def stopped_in(setting: int, *dtypes: str) -> Results:
            """Run the settings and stop in the first batch of one of them."""
            results, studies = Results(), list[Study]()

            def stop(event: Event) -> None:
                if isinstance(event, BatchEmbedded) and event.setting == setting:
                    studies[0].cancel()

            made = plan(5, *dtypes, model_hash="ab" * 32)
            studies.append(Study(made, FakeEngines(logs=tmp_path), [results, stop]))
            assert studies[0].run() == "cancelled"
            return results

        first = stopped_in(1, "float16", "float32")
        assert first.settings[0].largest_error(first.reference) is not None
        # A later run that is stopped at once has them from the one before.
        later = stopped_in(0, "bfloat16", "float32")
        assert later.settings[0].largest_error(later.reference) is not None

    def test_name_the_machine_and_the_time(self, run_study: RunStudy) -> None:
        started = run_study(plan(2)).told.of(RunStarted)[0]
        assert started.environment["device"] == "cpu"
        assert started.environment == machine.environment()
        assert "T" in started.at
        assert "+" in started.at[10:] or "-" in started.at[10:]

    def test_tell_what_is_waited_for_and_for_which_setting(self, run_study: RunStudy) -> None:
        waits = [(w.what, w.setting) for w in run_study(plan(2, "float16")).told.of(Waiting)]
        assert waits == [
            ("importing vLLM", None),
            ("reading the model's configuration", 0),
            ("loading weights", 0),
            ("float64 reference", None),
            ("loading weights in float64", None),
        ]

    def test_batches_come_as_planned(self, run_study: RunStudy) -> None:
        made = plan(7, "float16", sizes=(1, 3), repeats=1)
        told = run_study(made).told.of(BatchEmbedded)
        planned = batches_of(made, range(7))
        assert [(b.batch_size, b.pass_key, b.start, b.rows) for b in told] == [
            (b.batch_size, b.pass_key, b.start, b.rows) for b in planned
        ]
        assert all(b.vectors.shape == (len(b.rows), 16) for b in told)
        assert all(sum(sequences for sequences, _ in b.steps) == len(b.rows) for b in told)

    def test_refused_texts_are_in_no_batch_and_have_no_reference(self, run_study: RunStudy) -> None:
        made = plan(pack("a", REFUSED, "c", "", "e"), sizes=(1, 2))
        ran = run_study(made)
        rows = {row for batch in ran.told.of(BatchEmbedded) for row in batch.rows}
        assert rows == {0, 2, 4}
        assert [row for done in ran.told.of(ReferenceComputed) for row in done.rows] == [0, 2, 4]
        assert next(b.rows for b in ran.told.of(BatchEmbedded) if b.batch_size == 2) == (0, 2)

    def test_the_reference_comes_in_chunks(self, run_study: RunStudy) -> None:
        told = run_study(plan(19)).told.of(ReferenceComputed)
        assert [len(done.rows) for done in told] == [8, 8, 3]
        assert not any(done.cached for done in told)

    def test_without_reference_none_is_asked_for(self, run_study: RunStudy) -> None:
        ran = run_study(plan(3, reference=False))
        assert not ran.engines.reference_requests
        assert not ran.told.of(ReferenceComputed)

    def test_the_reference_is_asked_for_as_the_engine_was_loaded(self, run_study: RunStudy) -> None:
        (asked,) = run_study(plan(3), Script(max_length=5)).engines.reference_requests
        assert (asked.model, asked.device, asked.max_length, asked.pooling) == (
            "tiny",
            "cpu",
            5,
            "mean",
        )


def stop_at(count: int, stop: str) -> tuple[Script, list[Study]]:
    """Return a script that calls `stop` of the study in the list before batch `count`."""
    studies: list[Study] = []

    def on_job(begun: int) -> None:
        if begun == count:
            getattr(studies[0], stop)()

    return Script(on_job=on_job), studies


class TestCancel:
    def run(self, folder: Path, stop: str) -> tuple[str, EventRecorder, Results, FakeEngines]:
        script, studies = stop_at(4, stop)
        engines, told, results = FakeEngines(script, logs=folder), EventRecorder(), Results()
        made = plan(10, "float16", "float32")
        studies.append(Study(made, engines, [told, results]))
        return studies[0].run(), told, results, engines

    def test_keeps_what_was_measured(self, tmp_path: Path) -> None:
        status, told, results, engines = self.run(tmp_path, "cancel")
        assert status == "cancelled"
        # The batch in hand comes back, and none after it.
        assert len(told.of(BatchEmbedded)) == 5
        assert told[-2:] == [
            SettingEnded(0, "cancelled", "cancelled after the batch in hand"),
            RunEnded("cancelled", "cancelled after the batch in hand"),
        ]
        assert [s.status for s in results.settings] == ["cancelled", "cancelled"]
        assert results.settings[0].unbatched.count == 4
        assert engines.jobs == 5

    def test_leaves_the_engine_warm(self, tmp_path: Path) -> None:
        *_, engines = self.run(tmp_path, "cancel")
        assert engines.stands(Setting("tiny", dtype="float16"))

    def test_kill_loses_the_batch_in_hand_and_the_engine(self, tmp_path: Path) -> None:
        status, told, _, engines = self.run(tmp_path, "kill")
        assert status == "cancelled"
        assert len(told.of(BatchEmbedded)) == 4
        assert told[-1] == RunEnded("cancelled", "the engine was killed")
        assert not engines.stands(Setting("tiny", dtype="float16"))

    def test_before_the_reference_keeps_the_settings(self, tmp_path: Path) -> None:
        studies: list[Study] = []

        def cancel(event: Event) -> None:
            if isinstance(event, SettingEnded):
                studies[0].cancel()

        engines, told = FakeEngines(logs=tmp_path), EventRecorder()
        studies.append(Study(plan(3), engines, [told, cancel]))
        assert studies[0].run() == "cancelled"
        assert told.of(SettingEnded) == [SettingEnded(0, "finished")]
        assert told[-1].status == "cancelled"  # type: ignore[union-attr]

    def test_between_settings_ends_the_run(self, tmp_path: Path) -> None:
        studies: list[Study] = []

        def cancel(event: Event) -> None:
            if isinstance(event, SettingEnded):
                studies[0].cancel()

        engines, told = FakeEngines(logs=tmp_path), EventRecorder()
        made = plan(3, "float16", "float32")
        studies.append(Study(made, engines, [told, cancel]))
        assert studies[0].run() == "cancelled"
        assert len(engines.loaded) == 1

    def test_while_vllm_is_imported(self, tmp_path: Path) -> None:
        engines, told = FakeEngines(Script(import_never_ends=True), logs=tmp_path), EventRecorder()
        study = Study(plan(3), engines, [told])
        worker = threading.Thread(target=study.run)
        worker.start()
        wait_until(lambda: told.of(Waiting))
        study.cancel()
        worker.join(120)
        assert not worker.is_alive()
        assert told.kinds == ["RunStarted", "Waiting", "RunEnded"]
        assert told[-1].status == "cancelled"  # type: ignore[union-attr]


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    return tmp_path / "run.sqlite"


class TestFailure:
    @pytest.mark.parametrize("stage", ["open", "prepare", "load", "embed"])
    def test_of_one_setting_does_not_end_the_others(self, run_study: RunStudy, stage: str) -> None:
        script = Script(failures={(stage, "float16"): EngineError("no kernel")}, fail_after=3)
        ran = run_study(plan(4, "bfloat16", "float16", "float32"), script)
        assert ran.status == "failed"
        assert ran.told.of(SettingEnded) == [
            SettingEnded(0, "finished"),
            SettingEnded(1, "failed", "no kernel"),
            SettingEnded(2, "finished"),
        ]
        assert ran.told[-1] == RunEnded("failed", "no kernel")
        assert ran.results.settings[2].pass_of(4).count == 4
        assert ran.told.of(ReferenceComputed)
        # What failed does not stay: it could be in any state.
        assert not ran.engines.stands(Setting("tiny", dtype="float16"))
        assert ran.engines.stands(Setting("tiny", dtype="float32"))

    def test_while_embedding_keeps_the_batches_before(self, run_study: RunStudy) -> None:
        script = Script(failures={("embed", "float16"): EngineError("died")}, fail_after=3)
        ran = run_study(plan(4, "float32", "float16"), script)
        assert len([b for b in ran.told.of(BatchEmbedded) if b.setting == 1]) == 3

    @pytest.mark.parametrize("kind", [EngineError, InputError])
    def test_of_all_settings_raises_the_first(
        self, tmp_path: Path, kind: type[EngineError | InputError]
    ) -> None:
        script = Script(
            failures={("load", "float16"): kind("first"), ("open", "float32"): EngineError("last")}
        )
        told = EventRecorder()
        engines = FakeEngines(script, logs=tmp_path)
        study = Study(plan(3, "float16", "float32"), engines, [told])
        with pytest.raises(kind, match="first"):
            study.run()
        assert told[-1] == RunEnded("failed", "first")

    def test_of_all_settings_of_a_sweep_is_no_finished_run(
        self, tmp_path: Path, run_file: Path
    ) -> None:
        """Each is refused, so that none has failed, and nothing was measured."""
        refusal = InputError("this model has none of it")
        script = Script(
            failures={("load", "float16"): refusal, ("open", "float32"): InputError("nor of that")}
        )
        told, recorder = EventRecorder(), Recorder(run_file)
        made = plan(3, "float16", "float32", sweep="grid")
        study = Study(made, FakeEngines(script, logs=tmp_path), [told, recorder])
        with pytest.raises(InputError, match="this model has none of it"):
            study.run()
        recorder.close()
        assert [one.status for one in told.of(SettingEnded)] == ["refused", "refused"]
        assert told[-1] == RunEnded("failed", "this model has none of it")
        kept = read(run_file)
        assert (kept.status, kept.reason) == ("failed", "this model has none of it")

    def test_of_the_import_raises_it(self, tmp_path: Path) -> None:
        script = Script(failures={("import", ""): EngineError("no vLLM")})
        told, results = EventRecorder(), Results()
        engines = FakeEngines(script, logs=tmp_path)
        study = Study(plan(3), engines, [told, results])
        with pytest.raises(EngineError, match="no vLLM"):
            study.run()
        assert told[-1] == RunEnded("failed", "no vLLM")
        assert [(s.status, s.reason) for s in results.settings] == [("failed", "no vLLM")]

    def test_of_the_reference_is_told_and_fails_nothing(self, run_study: RunStudy) -> None:
        script = Script(
            failures={("reference", ""): EngineError("no float64 reference: out of memory")}
        )
        ran = run_study(plan(3), script)
        assert ran.status == "finished"
        assert ran.told.of(ReferenceFailed) == [
            ReferenceFailed("no float64 reference: out of memory")
        ]

    def test_no_text_that_can_be_embedded_is_one(self, tmp_path: Path) -> None:
        engines = FakeEngines(logs=tmp_path)
        study = Study(plan(pack(REFUSED, "")), engines, [])
        with pytest.raises(InputError, match="none of the texts can be embedded, the first"):
            study.run()

    def test_of_a_listener_is_no_finished_run(self, tmp_path: Path) -> None:
        def full(event: Event) -> None:
            if isinstance(event, BatchEmbedded):
                raise OSError(28, "No space left on device")

        told = EventRecorder()
        study = Study(plan(3), FakeEngines(logs=tmp_path), [full, told])
        with pytest.raises(OSError, match="No space left"):
            study.run()
        ended = told[-1]
        assert isinstance(ended, RunEnded)
        assert ended.status == "failed"
        assert "No space left" in ended.reason

    def test_of_a_listener_at_the_end_keeps_the_end_from_no_other(self, tmp_path: Path) -> None:
        def broken(event: Event) -> None:
            if isinstance(event, RunEnded):
                raise InputError("the disk is full")

        told = EventRecorder()
        study = Study(plan(3), FakeEngines(logs=tmp_path), [broken, told])
        with pytest.raises(InputError, match="the disk is full"):
            study.run()
        assert told[-1] == RunEnded("finished")


class TestWarmEngines:
    def test_are_used_again(self, run_study: RunStudy, tmp_path: Path) -> None:
        engines = FakeEngines(logs=tmp_path)
        made = plan(5, "float16", "float32")
        first = run_study(made, engines=engines)
        second = run_study(made, engines=engines)
        assert [ready.warm for ready in first.told.of(EngineReady)] == [False, False]
        assert [ready.warm for ready in second.told.of(EngineReady)] == [True, True]
        assert len(engines.loaded) == 2

    def test_give_the_same_bits(self, run_study: RunStudy, tmp_path: Path) -> None:
        engines = FakeEngines(logs=tmp_path)
        one = run_study(plan(5, "float16"), engines=engines).results.settings[0]
        two = run_study(plan(5, "float16"), engines=engines).results.settings[0]
        assert (one.pass_of(4).vectors == two.pass_of(4).vectors).all()

    def test_are_loaded_again_for_larger_batches(self, run_study: RunStudy, tmp_path: Path) -> None:
        engines = FakeEngines(logs=tmp_path)
        run_study(plan(20, sizes=(1, 4)), engines=engines)
        ran = run_study(plan(20, sizes=(1, 8)), engines=engines)
        assert [ready.warm for ready in ran.told.of(EngineReady)] == [False]
        again = run_study(plan(20, sizes=(1, 4)), engines=engines)
        assert [ready.warm for ready in again.told.of(EngineReady)] == [True]

    def test_that_are_dead_are_loaded_again(self, run_study: RunStudy, tmp_path: Path) -> None:
        engines = FakeEngines(logs=tmp_path)
        run_study(plan(3), engines=engines)
        lease = engines.get(Setting("tiny", dtype="float32"))
        assert lease is not None
        with lease:
            lease.engine.kill()
        ran = run_study(plan(3), engines=engines)
        assert [ready.warm for ready in ran.told.of(EngineReady)] == [False]
        assert ran.status == "finished"

    def test_tokenize_new_texts(self, run_study: RunStudy, tmp_path: Path) -> None:
        engines = FakeEngines(logs=tmp_path)
        run_study(plan(pack("one two")), engines=engines)
        ran = run_study(plan(pack("one two three", "four")), engines=engines)
        (told,) = ran.told.of(TextsPrepared)
        assert told.prepared.tokens == (5, 3)


class TestLargestStep:
    def test_is_the_fullest_batch_of_any_size(self) -> None:
        prepared = Prepared((5, 1, 1, 9, 2))
        assert largest_step(prepared, (1,)) == 9
        assert largest_step(prepared, (1, 2)) == 10
        assert largest_step(prepared, (1, 2, 100)) == 18

    def test_leaves_refused_texts_out_of_the_batches(self) -> None:
        assert largest_step(Prepared((5, 0, 7), refused={1: "no"}), (1, 2)) == 12
        assert largest_step(Prepared((0,), refused={0: "no"}), (1, 2)) == 0

    def test_is_what_the_engine_is_asked_to_have_room_for(
        self, run_study: RunStudy, tmp_path: Path
    ) -> None:
        engines = FakeEngines(logs=tmp_path)
        run_study(plan(pack(*(["word " * 60] * 70)), sizes=(1, 70)), engines=engines)
        lease = engines.get(Setting("tiny", dtype="float32"))
        assert lease is not None
        engine = lease.engine
        assert engine.largest_batch == 70
        assert engine.token_budget == 8192  # 70 x 62 tokens, rounded up to a power of two
