"""The look into layers, on fakes whose parts are ordered: what is told, and what is said of it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.assess.layer_verdict import layers_named, layers_verdict
from embedtui.common.errors import Cancelled, EngineError, InputError
from embedtui.engine.settings import Setting
from embedtui.measure.layer_errors import LayerSite, decompose_error
from embedtui.results.events import (
    BatchEmbedded,
    Event,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    ReferenceComputed,
    RunEnded,
    SettingEnded,
    Waiting,
)
from embedtui.results.layer_results import LayerResults
from embedtui.results.results import Results
from embedtui.run.layer_analysis import LayerAnalysis, refuse_layers
from embedtui.texts.pack import Labels, Qrel
from tests.fake_layers import PLACES
from tests.fakes import REFUSED, EventRecorder, FakeEngines, Script, no_drift, pack, plan
from tests.studies import Ran, RunStudy

Begun = tuple[Ran, EventRecorder, LayerAnalysis]
LAYER_EVENTS = (LayersCompared, LayersJudged, LayersMixed, LayersFailed)


def test_a_plan_that_asks_for_layers_looks_after_all_else(run_study: RunStudy) -> None:
    ran = run_study(plan(6, "float16", "float32", sizes=(1, 4), layers=5))
    others = [at for at, event in enumerate(ran.told) if not isinstance(event, LAYER_EVENTS)]
    looked = [at for at, event in enumerate(ran.told) if isinstance(event, LAYER_EVENTS)]
    assert ran.told[others[-1]] == ran.told[-1] == RunEnded("finished")
    assert ran.told.before(ran.told[looked[0]])[-1] == Waiting(
        "layers of a batch of 4 texts, alone and together", 0
    )
    measured = (BatchEmbedded, SettingEnded, ReferenceComputed)
    assert not [event for event in ran.told[looked[0] :] if isinstance(event, measured)]
    compared = ran.told.of(LayersCompared)
    assert [(one.setting, one.batch_size, one.rows) for one in compared] == [
        (setting, 4, rows) for setting in (0, 1) for rows in ((0, 1, 2, 3), (4,))
    ]
    assert [one.row for one in ran.told.of(LayersJudged)] == [0, 1, 2, 3, 4] * 2
    assert all(exact.closed for exact in ran.engines.exacts)
    assert len(ran.engines.loaded) == 2  # the engines that stood are asked


def test_no_plan_that_does_not_ask_looks(run_study: RunStudy) -> None:
    ran = run_study(plan(4, "float16"))
    assert not [event for event in ran.told if isinstance(event, LAYER_EVENTS)]
    assert not ran.results.settings[0].layers.there


def test_texts_that_are_refused_are_left_out(run_study: RunStudy) -> None:
    ran = run_study(plan(pack("a", REFUSED, "c", "d"), "float16", sizes=(1, 4), layers=3))
    assert ran.results.settings[0].layers.rows == (0, 2, 3)


def test_without_reference_there_is_drift_by_layer_alone(run_study: RunStudy) -> None:
    found = run_study(plan(4, "float16", reference=False, layers=4)).results.settings[0].layers
    assert found.error() is None
    drift = found.drift()
    assert drift is not None
    assert drift.moved == PLACES[3]
    assert layers_verdict(found).startswith(
        "Batch drift at batch size 4 begins at layer 1 attention"
    )


def test_the_parts_sum_to_the_error_of_the_run(run_study: RunStudy) -> None:
    results = run_study(plan(6, "float16", layers=6)).results
    setting = results.settings[0]
    error = setting.precision_error(results.reference)
    assert error is not None
    rows, distances = error
    by_row = {int(row): float(l2) for row, l2 in zip(rows, distances.l2, strict=True)}
    gap = setting.layers.sum_gap(by_row)
    assert gap is not None
    assert gap < 1e-9
    wrong = {row: 1.5 * error for row, error in by_row.items()}
    assert setting.layers.sum_gap(wrong) == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize(
    "fault", [LayerSite("mlp", 2), LayerSite("attention", 1), LayerSite("norm")]
)
def test_the_part_at_fault_is_named(run_study: RunStudy, fault: LayerSite) -> None:
    ran = run_study(plan(6, "float16", layers=6), Script(layer_fault=fault, drift=no_drift))
    found = ran.results.settings[0].layers
    contributions = found.contributions()
    assert contributions is not None
    said = layers_verdict(found)
    assert fault in contributions.jumps
    assert "jumps at" in said
    assert "No batch drift in any layer" in said


def test_no_jump_is_seen_where_all_add_alike() -> None:
    said = layers_verdict(grown([1.0] * 10))
    assert "grows evenly" in said
    assert "jumps" not in said
    assert "layers 0–3 make" in said


def test_no_stretch_is_named_that_is_nearly_the_whole_model() -> None:
    said = layers_verdict(grown([2.0, *[1.0] * 8, 2.0]))
    assert "it comes from all over the model (all attention" in said


def grown(lengths: list[float], layers: int = 4) -> LayerResults:
    """Return results of three texts whose parts have these lengths, in directions of their own."""
    found = LayerResults()
    for row in range(3):
        rng = np.random.default_rng(row)
        parts = [1e-3 * length * _unit(rng) for length in (*lengths, 1e-6)]
        budget = decompose_error(parts, [1e-9 * _unit(rng) for _ in range(layers)], PLACES)
        relative = np.sqrt(np.cumsum(np.square(lengths))) * 1e-3
        found(LayersJudged(0, row, relative, budget, np.full(layers, 1e-3)))
    return found


def _unit(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    vector = rng.standard_normal(512)
    return np.asarray(vector / np.linalg.norm(vector))


def test_where_it_begins_jumps_and_what_would_mend_it_are_said_with_figures() -> None:
    lengths = [1e-4] * 10
    lengths[PLACES.index(LayerSite("mlp", 1))] = 1.0
    found = grown(lengths)
    said = layers_verdict(found, 1e-4)
    assert "Error begins at layer 1 MLP" in said
    assert "jumps at layer 1 MLP, which adds 10000 times" in said
    assert "layer 1 makes 100% of it" in said
    assert "In float32, layer 1 would bring the final error from 1.0e-03 under 1.0e-04" in said
    found(LayersMixed(0, (1,), (0, 1, 2), np.asarray([2e-5, 3e-5, 1e-5])))
    assert "3.0e-05 measured" in layers_verdict(found, 1e-4)
    assert "is under 1.0e-02 as it is" in layers_verdict(found, 1e-2)
    assert "no layers in float32 would bring" in layers_verdict(found, 1e-9).lower()


def test_the_shortest_stretch_that_makes_most_of_it() -> None:
    lengths = [0.1] * 10
    for layer in (2, 3):
        lengths[PLACES.index(LayerSite("mlp", layer))] = 1.0
    contributions = grown(lengths).contributions()
    assert contributions is not None
    begin, end, share, part = contributions.most
    assert (begin.layer, end.layer) == (2, 3)
    assert 0.8 <= share <= 1.01
    assert part == 2 / 7
    assert contributions.shares.sum() == pytest.approx(1)


def test_a_text_without_a_finite_error_is_left_out_of_sums() -> None:
    found = grown([1.0] * 10)
    bad = decompose_error([np.full(4, np.nan)] * 11, [np.zeros(4)] * 4, PLACES)
    found(LayersJudged(0, 9, np.full(10, np.nan), bad, np.full(4, np.nan)))
    assert len(found.budgets()) == 3
    assert found.largest_error is not None
    assert np.isfinite(found.largest_error)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (Setting("tiny", execution="compiled"), "compiled"),
        (Setting("tiny", tensor_parallel=2), "tensor_parallel"),
        (Setting("tiny", prefix_caching=True), "prefix_caching"),
        (Setting("tiny", chunked_prefill=True), "chunked_prefill"),
    ],
)
def test_where_states_cannot_be_seen_that_is_said_in_one_line(
    run_study: RunStudy, setting: Setting, why: str
) -> None:
    with pytest.raises(InputError, match=why) as raised:
        refuse_layers(setting)
    assert "\n" not in str(raised.value)
    ran = run_study(plan(3, settings=(setting,), layers=3))
    assert ran.status == "finished"
    (failed,) = ran.told.of(LayersFailed)
    assert failed.reason == str(raised.value) == ran.results.settings[0].layers.reason


@pytest.mark.parametrize("stage", [("layers", "float16"), ("exact layers", "")])
def test_what_fails_fails_neither_the_run_nor_what_is_there(
    run_study: RunStudy, stage: tuple[str, str]
) -> None:
    ran = run_study(
        plan(4, "float16", layers=4), Script(failures={stage: EngineError("no such layers")})
    )
    assert ran.status == "finished"
    assert ran.results.settings[0].layers.reason == "no such layers"
    assert bool(ran.told.of(LayersCompared)) == (stage[0] == "exact layers")
    assert all(exact.closed for exact in ran.engines.exacts)


class TestOfARunThatHasEnded:
    """What the explorer does: look into one setting of what was measured."""

    def begun(self, run_study: RunStudy, script: Script | None = None) -> Begun:
        ran = run_study(plan(6, "float16", "float32", sizes=(1, 2, 4)), script)
        told = EventRecorder()
        study = LayerAnalysis(ran.results, 0, ran.engines, [told, ran.results])
        return ran, told, study

    def test_adds_to_its_results(self, run_study: RunStudy) -> None:
        ran, told, study = self.begun(run_study)
        study.run()
        assert ran.results.settings[0].layers.rows == (0, 1, 2, 3, 4, 5)
        assert not ran.results.settings[1].layers.there
        assert told[-1] == RunEnded("finished")
        assert ran.results.status == "finished"

    def test_again_takes_the_place_of_what_was_there(self, run_study: RunStudy) -> None:
        ran, _, study = self.begun(run_study)
        study.run()
        before = ran.results.settings[0].layers.budgets()
        LayerAnalysis(ran.results, 0, ran.engines, [ran.results]).run()
        after = ran.results.settings[0].layers
        assert len(after.budgets()) == len(before)
        drift = after.drift()
        assert drift is not None
        assert drift.texts == 6

    def test_can_be_cancelled_between_texts(self, run_study: RunStudy) -> None:
        ran, told, study = self.begun(run_study)

        def listen(event: Event) -> None:
            told(event)
            if isinstance(event, LayersJudged) and event.row == 2:
                study.cancel()

        study = LayerAnalysis(ran.results, 0, ran.engines, [listen, ran.results])
        with pytest.raises(Cancelled):
            study.run()
        assert [one.row for one in told.of(LayersJudged)] == [0, 1, 2]
        assert told[-1] == RunEnded("finished")
        assert all(exact.closed for exact in ran.engines.exacts)
        assert ran.results.settings[0].layers.rows == (0, 1, 2)

    def test_can_be_killed_while_the_engine_computes(self, run_study: RunStudy) -> None:
        script = Script()
        _, told, study = self.begun(run_study, script)
        entered, killed = threading.Event(), threading.Event()

        def hang() -> None:
            entered.set()
            killed.wait(120)

        script.on_layers = hang
        raised: list[BaseException] = []

        def run() -> None:
            try:
                study.run()
            except BaseException as error:  # noqa: BLE001 - looked at below
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert entered.wait(120)
        study.kill()
        killed.set()
        thread.join(120)
        assert isinstance(raised[0], Cancelled)
        assert told[-1] == RunEnded("finished")

    def test_says_what_is_waited_for(self, run_study: RunStudy) -> None:
        _, told, study = self.begun(run_study)
        study.run()
        waits = [wait.what for wait in told.of(Waiting)]
        assert "6 texts against float64, by layer" in waits
        assert "float64 model" in waits


def test_a_step_too_large_for_memory_is_refused(
    run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedtui.run.layer_analysis._MOST_BYTES", 100)
    ran = run_study(plan(4, "float16", layers=4))
    assert "take fewer or shorter texts" in ran.results.settings[0].layers.reason


@pytest.mark.parametrize(
    ("layers", "said"),
    [((3,), "layer 3"), ((1, 2, 3), "layers 1–3"), ((0, 2, 3, 9), "layers 0, 2–3, 9")],
)
def test_runs_of_layers_are_drawn_together(layers: tuple[int, ...], said: str) -> None:
    assert layers_named(layers) == said


def test_results_know_nothing_before_the_first_event(tmp_path: Path) -> None:
    found = Results()
    found.settings = []
    empty = LayerResults()
    assert (empty.there, empty.error(), empty.drift(), empty.contributions()) == (
        False,
        None,
        None,
        None,
    )
    assert (empty.choice(None), empty.all_exact(), empty.largest_error) == (None, None, None)
    assert layers_verdict(empty) == ""
    engines = FakeEngines(logs=tmp_path)
    assert engines.exacts == []


@pytest.mark.parametrize("prompts", [{"prompt": "passage: "}, {"query_prompt": "query: "}])
def test_the_float64_model_is_told_of_every_prompt(
    run_study: RunStudy, prompts: dict[str, Any]
) -> None:
    """A model that leaves prompts out of its pooling gives another vector than vLLM."""
    texts = replace(pack("a question", "a passage"), labels=Labels((0,), (Qrel(0, 1, 1),)))
    ran = run_study(plan(texts, layers=2, **prompts))
    assert [asked.prompted for one in ran.engines.exacts for asked in one.opened] == [True]
    assert [asked.prompted for asked in ran.engines.reference_requests] == [True]


def test_the_float64_model_is_that_which_a_server_is_held_against(run_study: RunStudy) -> None:
    made = plan(3, layers=2, against="/models/exact")
    ran = run_study(made)
    assert [asked.model for one in ran.engines.exacts for asked in one.opened] == ["/models/exact"]
