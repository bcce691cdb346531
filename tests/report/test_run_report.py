from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from embedtui.common.errors import EngineError
from embedtui.measure import METRICS
from embedtui.report import exports
from embedtui.results.events import BatchEmbedded, Event
from tests.fakes import REFUSED, Script, broken, pack, plan
from tests.recorded import Record
from tests.storage.test_run_file import RUNS

SCHEMA = json.loads((Path(__file__).parent / "report.schema.json").read_text())
SWITCHES_OF_A_SETTING = set(SCHEMA["$defs"]["setting"]["properties"])
"""`embedtui settings` explains them."""
QUANTILES = {"p99": 99, "p95": 95, "p50": 50}


@pytest.fixture(scope="module")
def valid() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def parsed(report: Any) -> dict[str, Any]:
    """Return what a reader of the JSON gets."""
    read: dict[str, Any] = json.loads(exports.to_json(report))
    return read


@pytest.mark.parametrize("name", RUNS)
def test_every_report_fits_the_schema(
    record: Record, valid: jsonschema.Draft202012Validator, name: str
) -> None:
    report = record(*RUNS[name]).report
    valid.validate(parsed(report))
    assert parsed(report) == report


def test_a_report_of_a_run_that_goes_on_fits_the_schema(
    record: Record, valid: jsonschema.Draft202012Validator
) -> None:
    from embedtui.report.run_report import build
    from embedtui.results.results import Results

    results = Results()

    def look(event: Event) -> None:
        results(event)
        valid.validate(parsed(build(results)))

    record(plan(2, "float16", "float32", sizes=(1, 2)), listeners=(look,))


def distributions(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every distribution in a report by where it stands."""
    found = {}
    for setting in report["settings"]:
        label = setting["label"]
        for key in ("noise_floor", "precision_error"):
            if setting[key] is not None:
                found[f"{label} {key}"] = setting[key]
        for batch in setting["batches"]:
            found[f"{label} {batch['batch_size']}"] = batch["drift"]
    return found


def test_every_distribution_has_the_figures_that_are_promised(record: Record) -> None:
    found = distributions(record(*RUNS["drift and noise"]).report)
    assert len(found) == 3 * (2 + 3)
    for figures in found.values():
        assert set(METRICS) == {"cosine", "l2", "max_abs", "relative_l2", "bits"}
        assert {"texts", "identical", *METRICS} <= set(figures)
        for metric in METRICS:
            least = {"min"} if metric == "bits" else set()
            assert set(figures[metric]) == {"max", "p99", "p95", "p50", "mean"} | least


@pytest.mark.parametrize(
    "where",
    [
        ("settings", 0),
        ("settings", 0, "batches", 0),
        ("settings", 0, "batches", 0, "drift"),
        ("settings", 0, "batches", 1, "drift", "l2"),
        ("settings", 0, "batches", 1, "realised"),
        ("settings", 0, "noise_floor"),
        ("settings", 0, "precision_error"),
        ("settings", 0, "texts", 0),
        ("settings", 0, "texts", 0, "drift", "4"),
        ("settings", 0, "texts", 0, "precision_error"),
        ("plan",),
        ("plan", "texts"),
        ("environment",),
        ("findings", 0),
        (),
    ],
)
def test_the_schema_takes_nothing_more_and_nothing_less(
    record: Record, valid: jsonschema.Draft202012Validator, where: tuple[str | int, ...]
) -> None:
    report = record(plan(4, "float16"), Script(most_in_step=3)).report

    def part_of(whole: Any) -> Any:
        for key in where:
            whole = whole[key]
        return whole

    more = copy.deepcopy(report)
    part_of(more)["surprise"] = 1
    assert not valid.is_valid(more)
    less = copy.deepcopy(report)
    part_of(less).popitem()
    assert not valid.is_valid(less)


def test_figures_are_those_of_the_texts(record: Record) -> None:
    """Each distribution again from the distances of single texts, with NumPy."""
    (setting,) = record(plan(13, "float16", sizes=(1, 4))).report["settings"]
    batch = setting["batches"][1]
    singles = [text["drift"]["4"] for text in setting["texts"]]
    errors = [text["precision_error"] for text in setting["texts"]]
    for metric in METRICS:
        for summary, pairs in ((batch["drift"], singles), (setting["precision_error"], errors)):
            values = np.array([pair[metric] for pair in pairs])
            assert summary[metric]["max"] == values.max()
            assert summary[metric]["mean"] == pytest.approx(values.mean(), rel=1e-12)
            for name, percent in QUANTILES.items():
                tail = np.percentile(values, percent) if percent == 50 else None
                assert summary[metric][name] == pytest.approx(tail)
    assert batch["drift"]["bits"]["min"] == min(pair["bits"] for pair in singles)
    assert batch["drift"]["texts"] == 13
    assert batch["identical"] == batch["drift"]["identical"]
    # The last batch holds one text, which is the same as unbatched.
    assert [pair["identical"] for pair in singles] == [False] * 12 + [True]
    assert [pair["position"] for pair in singles] == [0, 1, 2, 3] * 3 + [0]


def test_distances_of_one_pair_agree_with_each_other(record: Record) -> None:
    (setting,) = record(plan(8, "bfloat16", sizes=(1, 4))).report["settings"]
    for text in setting["texts"]:
        pair = text["drift"]["4"]
        assert pair["cosine"] == pytest.approx(pair["l2"] ** 2 / 2, rel=1e-12)
        assert pair["bits"] == pytest.approx(-math.log2(pair["relative_l2"]), rel=1e-12)
        assert 0 < pair["max_abs"] <= pair["l2"] < 0.1


def test_identical_has_zero_distance_and_53_bits(record: Record) -> None:
    (setting,) = record(plan(8, "float32", sizes=(1, 4))).report["settings"]
    drift = setting["batches"][1]["drift"]
    assert drift["identical"] == drift["texts"] == 8
    assert drift["l2"] == {"max": 0.0, "p99": None, "p95": None, "p50": 0.0, "mean": 0.0}
    assert set(drift["bits"].values()) == {53.0, None}


def test_the_noise_floor_counts_every_repeated_pair(record: Record) -> None:
    (setting,) = record(plan(6, sizes=(1, 2, 4), repeats=3), Script(noise=1e-6)).report["settings"]
    noise = setting["noise_floor"]
    assert (noise["repeats"], noise["batch_sizes"], noise["texts"]) == (3, [1, 4], 2 * 3 * 6)
    assert noise["identical"] == 0


def test_a_vector_that_is_none_has_null_distances_and_is_left_out(record: Record) -> None:
    script = Script(plants=(broken(1, np.nan, size=4),))
    (setting,) = record(plan(8, "float16", sizes=(1, 4)), script).report["settings"]
    pair = setting["texts"][1]["drift"]["4"]
    assert {metric: pair[metric] for metric in METRICS} == dict.fromkeys(METRICS)
    assert setting["batches"][1]["drift"]["texts"] == 7
    assert setting["batches"][1]["texts"] == 8


def test_where_nothing_can_be_compared_the_metrics_are_null(record: Record) -> None:
    def plant(batch: Any) -> None:
        batch.vectors[:] = np.nan

    (setting,) = record(plan(4), Script(plants=(plant,))).report["settings"]
    assert setting["batches"][1]["drift"] == {
        "texts": 0,
        "identical": 0,
        **dict.fromkeys(METRICS),
    }
    assert setting["precision_error"] == {"texts": 0, "identical": 0, **dict.fromkeys(METRICS)}


def test_what_was_realised_stands_beside_what_was_asked(record: Record) -> None:
    script = Script(seconds_per_text=0.004)
    (setting,) = record(plan(10, sizes=(1, 4, 64)), script).report["settings"]
    assert [(b["batch_size"], b["baseline"], b["realised"]) for b in setting["batches"]] == [
        (1, True, {"min": 1, "max": 1, "steps": 10}),
        (4, False, {"min": 2, "max": 4, "steps": 3}),
        (64, False, {"min": 10, "max": 10, "steps": 1}),
    ]
    for batch in setting["batches"]:
        assert batch["texts_per_second"] == pytest.approx(250)


def test_texts_that_need_a_word_have_one(record: Record) -> None:
    made = plan(pack("one", "word " * 80, REFUSED), "float16", sizes=(1, 2))
    one, long, left_out = record(made).report["settings"][0]["texts"]
    assert set(one) == {"id", "tokens", "drift", "precision_error"}
    assert (long["tokens"], long["tokens_before_truncation"]) == (64, 82)
    assert left_out["refused"].startswith("the tokenizer cannot read it")
    assert (left_out["tokens"], left_out["drift"], left_out["precision_error"]) == (0, {}, None)


def test_a_setting_that_failed_is_there_without_figures(record: Record) -> None:
    script = Script(failures={("load", "float16"): EngineError("out of memory")})
    report = record(plan(4, "float16", "float32"), script).report
    failed = report["settings"][0]
    assert (failed["status"], failed["reason"]) == ("failed", "out of memory")
    assert (failed["effective_config"], failed["batches"], failed["texts"]) == ({}, [], [])
    assert (failed["noise_floor"], failed["precision_error"]) == (None, None)
    assert report["status"] == "failed"
    assert report["findings"][0]["kind"] == "failed"


def test_a_setting_that_was_not_reached_says_so(record: Record) -> None:
    studies: list[Any] = []

    def stop(event: Event) -> None:
        if isinstance(event, BatchEmbedded):
            raise EngineError("the listener failed")

    made = plan(4, "float16", "float32")
    report = record(made, listeners=(stop,)).report
    assert not studies
    assert [setting["status"] for setting in report["settings"]] == ["failed", "failed"]


class TestDocumentation:
    TEXT = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")

    def test_names_every_field_and_every_kind_of_finding(self) -> None:
        def named(schema: Any) -> set[str]:
            if isinstance(schema, list):
                return {name for part in schema for name in named(part)}
            if not isinstance(schema, dict):
                return set()
            kinds = schema.get("kind", {}).get("enum", []) if "kind" in schema else []
            return {*schema.get("properties", {}), *kinds} | named(list(schema.values()))

        words = {word for code in re.findall(r"`([^`]+)`", self.TEXT) for word in code.split(".")}
        assert named(SCHEMA) - words - SWITCHES_OF_A_SETTING == set()
        assert SCHEMA["properties"]["schema"]["const"] in self.TEXT

    def test_has_examples_that_are_parts_of_a_report(self) -> None:
        batch, text = (
            json.loads(part) for part in re.findall(r"```json\n(.*?)```", self.TEXT, re.S)
        )
        for metric in ("max_abs", "relative_l2"):
            batch["drift"][metric] = batch["drift"]["l2"]
        for name, part in (("batch", batch), ("text", text)):
            schema = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
            jsonschema.Draft202012Validator(schema).validate(part)
