"""`embedtui check` where figures decide nothing, where vectors are wrong, and what draws claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from embedtui.common.errors import EngineError
from embedtui.storage import run_file
from tests.cli.conftest import Embedtui, Said
from tests.fakes import Batch, Plant, Script, make_model, no_drift
from tests.servers.fault_server import LONG, Serve

FEW = ("--share", "0.5", "--no-history")
LISTS = ("--setting", "requests=list")


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(make_model(tmp_path / "tiny"))


def words(said: Said) -> str:
    return " ".join(said.out.split())


def settings(said: Said) -> list[dict[str, Any]]:
    made = json.loads(said.out)
    return [setting for one in made["checks"] for setting in one["settings"]]


def moved_out_of_order(size: int, by: float) -> Plant:
    """Move vectors in batches of that size, unless their texts follow each other in the pack."""

    def plant(batch: Batch) -> None:
        first = batch.rows[0]
        in_order = batch.rows == tuple(range(first, first + len(batch.rows)))
        if len(batch.rows) == size and not in_order:
            batch.vectors[:, 0] += by
            batch.vectors /= np.linalg.norm(batch.vectors, axis=1, keepdims=True)

    return plant


class TestDraws:
    @pytest.mark.parametrize("size", [4, 8])
    def test_find_drift_at_any_size_that_the_packs_own_order_spares(
        self, embedtui: Embedtui, model: str, size: int
    ) -> None:
        script = Script(drift=no_drift, plants=(moved_out_of_order(size, 0.01),))
        said = embedtui(
            *("check", model, "--limit", "24", "--batch-sizes", "4,8", *FEW, "--json"),
            script=script,
        )
        assert said.code == 1
        (one,) = settings(said)
        assert one["outcome"] == "falls short"
        short = {each["batch_size"]: each["fell_short"] for each in one["batch_sizes"]}
        assert short == {4: 5, 8: 5} | {12 - size: 0}
        assert f"5 of 5 at batch size {size}" in one["summary"]
        assert one["share_below"] is None

    def test_are_as_many_at_every_size(self, embedtui: Embedtui, model: str) -> None:
        few = ("--limit", "20", "--batch-sizes", "2,4,8", *FEW)
        said = embedtui("check", model, *few, script=Script(drift=no_drift))
        assert said.code == 0, said
        assert "5 random orders held at each of batch sizes 2, 4, 8: with" in said.out
        assert "of random orders of these texts fall short" in said.out
        said = embedtui("check", model, *few, "--json", script=Script(drift=no_drift))
        (one,) = settings(said)
        assert [each["orders"] for each in one["batch_sizes"]] == [5, 5, 5]

    def test_are_others_in_every_check_and_again_the_same_by_their_seed(
        self, embedtui: Embedtui, model: str, home: Path
    ) -> None:
        few = ("--limit", "20", "--batch-sizes", "4", *FEW, "--json")
        drifting = Script(drift=lambda dtype, size, place: 0.01 if size > 1 else 0.0)

        def orders(*further: str) -> tuple[int, set[tuple[int, ...]]]:
            said = embedtui("check", model, *few, *further, script=drifting)
            path = Path(said.err.partition("Run file: ")[2].strip())
            ran = run_file.read(path)
            seed = json.loads(said.out)["checks"][0]["order_seed"]
            assert ran.plan.order_seed == seed
            passes = ran.settings[0].passes.items()
            shuffled = [one for (_, key), one in passes if key.kind == "shuffle"]
            return seed, {rows for one in shuffled for rows in one.batch_rows}

        first, second = orders(), orders()
        assert first[0] != second[0]
        assert first[1] != second[1]
        assert orders("--seed", str(first[0])) == first

    def test_of_all_texts_at_once_are_refused_before_anything_is_asked(
        self, embedtui: Embedtui, serve: Serve, model: str
    ) -> None:
        server = serve()
        said = embedtui("check", server.url, "--limit", "8", "--batch-sizes", "8,16", *FEW)
        assert said.code == 2
        assert "\n" not in said.error.strip()
        assert "8 texts make one batch of that size" in said.error
        assert server.asked == []

    def test_of_all_texts_at_once_leave_the_other_sizes(
        self, embedtui: Embedtui, model: str
    ) -> None:
        said = embedtui(
            *("check", model, "--limit", "8", "--batch-sizes", "4,8", *FEW),
            script=Script(drift=no_drift),
        )
        assert said.code == 0
        assert "held at batch size 4:" in said.out
        assert "batch size 8 was not checked: 8 texts make one batch" in words(said)


class TestInconclusive:
    def test_is_an_error_that_was_asked_for_and_cannot_be_had(
        self, embedtui: Embedtui, serve: Serve, model: str, tmp_path: Path
    ) -> None:
        junit, history = tmp_path / "junit.xml", tmp_path / "history.sqlite"
        said = embedtui(
            *("check", serve().url, "--against", model, "--limit", "8", "--batch-sizes", "4"),
            *("--share", "0.5", *LISTS, "--junit", junit, "--history-file", history),
            script=Script(failures={("reference", ""): EngineError("no room for float64")}),
        )
        assert said.code == 5, said
        assert "inconclusive" in said.out
        assert "the error against float64 was not measured of 8 texts: no room" in words(said)
        case = next(Xml.parse(junit).iter("testcase"))
        assert case.find("error") is not None
        rows = json.loads(embedtui("check", "--history", "--history-file", history, "--json").out)[
            "checks"
        ]
        assert [row["outcome"] for row in rows] == ["inconclusive"]

    @pytest.mark.parametrize("keeps", ["texts", "requests"])
    def test_is_what_a_cache_answered(self, embedtui: Embedtui, serve: Serve, keeps: str) -> None:
        server = serve(keeps=keeps, work=0.03, drift=3e-3 if keeps == "texts" else 0.0)
        said = embedtui("check", server.url, "--limit", "12", "--batch-sizes", "4", *FEW, *LISTS)
        assert said.code == 5, said
        lost = {"texts": "batches were not computed", "requests": "repeats were not computed"}
        assert lost[keeps] in words(said)
        assert "4 texts that were never sent before took" in words(said)
        assert "switch the cache off" in words(said)
        assert "confidence" not in said.out

    def test_is_every_way_of_asking_a_server_that_keeps_answers(
        self, embedtui: Embedtui, serve: Serve
    ) -> None:
        few = ("--limit", "12", "--batch-sizes", "4", *FEW, "--json")
        said = embedtui("check", serve(keeps="texts", work=0.03).url, *few)
        assert said.code == 5, said
        assert [one["outcome"] for one in settings(said)] == ["inconclusive"] * 2

    @pytest.mark.parametrize("header", ["X-Cache", "cf-aig-cache-status", "X-LiteLLM-Cache-Key"])
    def test_is_what_says_itself_that_it_was_kept(
        self, embedtui: Embedtui, serve: Serve, header: str
    ) -> None:
        server = serve(keeps="texts", kept_header=header)
        said = embedtui("check", server.url, "--limit", "12", "--batch-sizes", "4", *FEW)
        assert said.code == 5, said
        assert f"the header {header.lower()} says so" in words(said)

    def test_is_not_a_server_that_computes_all(self, embedtui: Embedtui, serve: Serve) -> None:
        server = serve(work=0.005, headers={"X-Cache": "MISS", "Age": "0"})
        said = embedtui("check", server.url, "--limit", "12", "--batch-sizes", "4", *FEW, *LISTS)
        assert said.code == 0, said

    def test_is_a_drift_that_another_sample_may_have_beyond_the_limit(
        self, embedtui: Embedtui, model: str
    ) -> None:
        def plant(batch: Batch) -> None:
            if len(batch.rows) > 1:  # 1 - cos is half of the square: of one text beyond RAG's limit
                batch.vectors[:, 0] += np.asarray([2e-4 * (1 + row % 8) for row in batch.rows])
                batch.vectors /= np.linalg.norm(batch.vectors, axis=1, keepdims=True)

        script = Script(drift=no_drift, plants=(plant,))
        said = embedtui(
            *("check", model, "--limit", "12", "--batch-sizes", "4", *FEW), script=script
        )
        assert said.code == 5, said
        assert "may fall on the other side" in words(said)
        assert "confidence" not in said.out

    def test_does_not_hide_what_falls_short(self, embedtui: Embedtui, serve: Serve) -> None:
        server = serve(keeps="requests", work=0.03, drift=3e-3)
        said = embedtui("check", server.url, "--limit", "12", "--batch-sizes", "4", *FEW, *LISTS)
        assert said.code == 1
        assert "falls short" in said.out

    def test_is_a_size_that_too_few_texts_are_left_for(
        self, embedtui: Embedtui, serve: Serve, tmp_path: Path
    ) -> None:
        texts = tmp_path / "texts.txt"
        lines = [f"text {n}" for n in range(4)] + [f"{LONG} {n}" for n in range(4)]
        texts.write_text("\n".join(lines))
        said = embedtui("check", serve().url, "--texts", texts, "--batch-sizes", "6", *FEW, *LISTS)
        assert said.code == 5, said
        assert "no random orders at batch size 6: 4 texts went through" in words(said)


class TestAgainstAnIndex:
    INDEX = ("--situation", "index", "--limit", "12", "--batch-sizes", "4", *FEW)

    def test_the_distance_from_float64_decides(self, embedtui: Embedtui, model: str) -> None:
        near, far = ({"float16": error} for error in (1e-5, 5e-2))
        said = embedtui("check", model, *self.INDEX, script=Script(drift=no_drift, precision=near))
        assert said.code == 0, said
        assert "distance from float64 1 - cos" in said.out
        assert "random orders" not in said.out
        said = embedtui("check", model, *self.INDEX, script=Script(drift=no_drift, precision=far))
        assert said.code == 1

    def test_of_a_server_wants_its_model_before_it_is_asked(
        self, embedtui: Embedtui, serve: Serve
    ) -> None:
        server = serve()
        said = embedtui("check", server.url, *self.INDEX)
        assert (said.code, "give --against" in said.error) == (2, True)
        assert server.asked == []


class TestWrongVectors:
    def test_of_texts_cut_in_silence_fall_short(
        self, embedtui: Embedtui, serve: Serve, tmp_path: Path
    ) -> None:
        texts = tmp_path / "texts.txt"
        long = " ".join(f"word{n}" for n in range(60))
        lines = [f"{long} and {n}" for n in range(4)] + [f"short {n}" for n in range(6)]
        texts.write_text("\n".join(lines))
        asked = ("check", serve(cuts_at=60).url, "--texts", texts, "--batch-sizes", "4", *FEW)
        said = embedtui(*asked, *LISTS)
        assert said.code == 1, said
        assert "4 of 10 texts have another's vector and begin as it does" in words(said)

    def test_that_no_rounding_explains_fall_short(
        self, embedtui: Embedtui, serve: Serve, model: str
    ) -> None:
        script = Script(reference_value=0.5)
        said = embedtui(
            *("check", serve().url, "--against", model, "--limit", "8", "--batch-sizes", "4"),
            *(*FEW, *LISTS),
            script=script,
        )
        assert said.code == 1, said
        assert "vectors are not the model's own" in words(said)


def test_company_that_cannot_be_repeated_is_drift_with_a_size_and_no_noise(
    embedtui: Embedtui, serve: Serve
) -> None:
    server = serve(company=5e-3)
    said = embedtui(
        *("check", server.url, "--limit", "16", "--batch-sizes", "8", *FEW),
        *("--setting", "requests=concurrent", "--json"),
    )
    assert said.code == 1, said
    (one,) = settings(said)
    assert one["outcome"] == "falls short"
    assert one["l2_max"] == pytest.approx(5e-3, rel=0.2)
    assert "batch drift 1 - cos" in one["summary"]
    assert "in company that cannot be repeated" in one["summary"]
    assert "noise" not in one["summary"]


class Unsteady:
    """Moves a text that is alone, from the second time on."""

    def __init__(self, by: float) -> None:
        self.by = by
        self.seen: set[int] = set()

    def __call__(self, batch: Batch) -> None:
        if len(batch.rows) > 1:
            return
        (row,) = batch.rows
        if row in self.seen:
            batch.vectors[:, 0] += self.by
        self.seen.add(row)


@pytest.mark.parametrize(("scenario", "code"), [("golden", 1), ("rag", 0)])
def test_golden_vectors_meet_those_of_any_run(
    embedtui: Embedtui, model: str, tmp_path: Path, scenario: str, code: int
) -> None:
    golden = tmp_path / "golden.sqlite"
    few = ("--dtype", "float32", "--batch-sizes", "4", *FEW)
    recorded = ("check", model, *few, "--limit", "8", "--record", golden)
    assert embedtui(*recorded, script=Script(drift=no_drift)).code == 0
    said = embedtui(
        *("check", model, *few, "--golden", golden, "--scenario", scenario),
        script=Script(drift=no_drift, plants=(Unsteady(1e-5),)),
    )
    assert said.code == code, said
    assert "golden vectors: 8 of 8 moved, 8 of them only when run again" in words(said)
    assert "noise of running again" in words(said)


def test_what_was_sent_back_is_recorded(embedtui: Embedtui, serve: Serve) -> None:
    server = serve(models=("alias",), ignores_encoding=True)
    said = embedtui(
        *("check", server.url, "--limit", "8", "--batch-sizes", "4", *FEW, *LISTS, "--json"),
        *("--setting", "encoding=base64"),
    )
    engine = settings(said)[0]["effective_config"]
    assert engine["came_as"] == ["float"]
    assert (engine["model"], engine["answered_as"]) == ("alias", ["fake/minilm"])
    assert engine["usage_tokens"] > 8
    assert engine["answer_cache"] == {"probed": True}
