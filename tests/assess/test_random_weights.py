"""Random weights have no neighbours that mean anything: nothing is said of retrieval from them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedtui.assess import retrieval, retrieval_sentences, verdict
from embedtui.assess.answers import Entry
from embedtui.assess.retrieval import RANDOM_WEIGHTS
from embedtui.assess.setting_answers import answer_setting
from embedtui.models import has_random_name
from embedtui.plan.plan import Plan
from embedtui.plan.scenarios import scenario
from embedtui.report import run_report
from embedtui.storage import library, run_file
from tests.fakes import Script, plan
from tests.studies import RunStudy

CLAIMS = ("nearest neighbour", "a search would notice", "keep the order", "top-10 order changed")


@pytest.mark.parametrize(
    ("name", "random"),
    [
        ("random-xlm-roberta-24x1024", True),
        ("random-qwen3-28x1024", True),
        ("/srv/models/random-bert-2x64-cls-8192-seed3", True),
        ("all-MiniLM-L6-v2", False),
        ("random-forest-embeddings", False),
    ],
)
def test_a_name_tells_random_weights(name: str, random: bool) -> None:
    assert has_random_name(name) is random


def test_an_old_plan_is_known_by_its_name_and_a_new_one_by_its_model() -> None:
    made = plan(3, "float32")
    values: dict[str, Any] = json.loads(json.dumps(made.as_dict()))
    del values["random_weights"]
    assert not Plan.from_dict(values, made.pack.texts).random_weights
    values["model_name"] = "random-bert-2x64"
    assert Plan.from_dict(values, made.pack.texts).random_weights
    marked = replace(made, random_weights=True)
    assert Plan.from_dict(json.loads(json.dumps(marked.as_dict())), made.pack.texts).random_weights


@pytest.mark.parametrize("random", [True, False])
def test_sentences_are_a_label_instead(run_study: RunStudy, random: bool) -> None:
    made = replace(plan(240, "bfloat16", "float16", sizes=(1, 4)), random_weights=random)
    ran = run_study(made, Script(drift=lambda _d, size, _p: 0.05 if size > 1 else 0.0))
    report = run_report.build(ran.results)
    said = [verdict.run_verdict(ran.results), report["verdict"]]
    said += [one["verdict"] for one in report["settings"]]
    use = scenario("rag")
    entries = []
    for setting in ran.results.settings:
        found = retrieval.worst_of_batches(ran.results, setting)
        assert found is not None
        said.append(retrieval_sentences.describe(found[1]))
        entries.append(Entry(setting.setting.dtype, ran.results, setting, "", found[1]))
        assert (found[1].forecast is None) or not random
    said += [answer_setting(entry, use, ()).drift.text for entry in entries]
    for sentence in said:
        assert (RANDOM_WEIGHTS in sentence.lower()) is random, sentence
        assert any(claim in sentence for claim in CLAIMS) is not random, sentence
    assert report["plan"]["random_weights"] is random


@pytest.mark.parametrize("path", library.recordings().values(), ids=lambda path: path.stem)
def test_recordings_are_labelled_where_their_weights_are_random(path: Path) -> None:
    results = run_file.read(path)
    random = results.plan.model_name.startswith("random-")
    assert (RANDOM_WEIGHTS in verdict.run_verdict(results).lower()) is random
