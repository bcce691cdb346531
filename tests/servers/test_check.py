"""`embedtui check`: its outcome, exit code and reports, with and without golden vectors."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from embedtui.assess.confidence import RandomOrders, claim, draws_for, share_below
from embedtui.storage import run_file
from tests import fakes
from tests.cli.conftest import Embedtui, Said
from tests.fakes import REFUSED, Batch, Drift, Plant, Script, broken, make_model, no_drift, swapped
from tests.servers.fault_server import Serve

FEW = ("--limit", "8", "--batch-sizes", "4", "--share", "0.5")


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(make_model(tmp_path / "tiny"))


def runs(home: Path) -> list[Path]:
    return sorted((home / "data").rglob("runs/*.sqlite"))


class TestDraws:
    def test_are_as_many_as_the_rule_of_three_says(self) -> None:
        assert draws_for(0.95, 0.1) == 29
        assert draws_for(0.95, 0.05) == 59
        assert draws_for(0.99, 0.01) == 459
        assert draws_for(0.5, 0.5) == 1

    @pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
    @pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.9])
    def test_are_the_fewest_that_allow_the_claim(self, confidence: float, share: float) -> None:
        draws = draws_for(confidence, share)
        assert (1 - share) ** draws <= 1 - confidence + 1e-9
        assert (1 - share) ** (draws - 1) > 1 - confidence - 1e-9
        assert share_below(confidence, draws) <= share + 1e-9
        assert share_below(confidence, draws - 1) > share - 1e-9

    def test_say_what_they_allow_to_claim(self) -> None:
        assert claim(0.95, [RandomOrders(8, 29, 0)]) == (
            "29 random orders held at batch size 8: with 0.95 confidence fewer than 9.8% of random "
            "orders of these texts fall short"
        )
        assert claim(0.95, [RandomOrders(8, 29, 0), RandomOrders(64, 29, 0)]) == (
            "29 random orders held at each of batch sizes 8, 64: with 0.95 confidence for each "
            "fewer than 9.8% of random orders of these texts fall short"
        )
        assert "nothing of any" in claim(0.95, [])

    @pytest.mark.parametrize("value", [0, 1, -0.1, 1.5])
    def test_want_a_share_and_a_confidence(self, value: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 1"):
            draws_for(value, 0.1)
        with pytest.raises(ValueError, match="between 0 and 1"):
            draws_for(0.9, value)


class TestOutcome:
    def test_that_holds_is_one_line_and_leaves_no_run_file(
        self, embedtui: Embedtui, model: str, home: Path
    ) -> None:
        said = embedtui("check", model, *FEW, script=Script(drift=no_drift))
        assert (said.code, said.err) == (0, "")
        assert said.out.count("\n") == 1
        assert "holds for RAG and semantic search (1 - cos ≤ 1e-06), 8 texts" in said.out
        assert "5 random orders held" in said.out
        assert runs(home) == []

    def test_that_falls_short_is_exit_code_1_and_says_why(
        self, embedtui: Embedtui, model: str, home: Path
    ) -> None:
        drift = Script(drift=lambda dtype, size, place: 0.0 if size == 1 else 0.01)
        said = embedtui("check", model, *FEW, script=drift)
        assert said.code == 1
        assert "falls short" in said.out
        text = " ".join(said.out.split())
        assert "> 1e-06 (8 of 8 texts); in random orders: 5 of 5 at batch size 4; cause:" in text
        assert len(runs(home)) == 1
        assert str(runs(home)[0]) in said.err

    def test_counts_the_texts_that_came_back(
        self, embedtui: Embedtui, model: str, tmp_path: Path
    ) -> None:
        texts = tmp_path / "texts.txt"
        texts.write_text("\n".join([*(f"text {n}" for n in range(7)), REFUSED]), encoding="utf-8")
        said = embedtui("check", model, *FEW, "--texts", str(texts))
        assert "7 of 8 texts" in said.out

    @pytest.mark.parametrize(
        ("plant", "words"),
        [(swapped(4), "another text's vector"), (broken(2, float("nan")), "NaN in the vectors")],
    )
    def test_of_a_fault_is_the_fault_and_no_drift(
        self, embedtui: Embedtui, model: str, plant: Plant, words: str
    ) -> None:
        said = embedtui("check", model, *FEW, script=Script(drift=no_drift, plants=(plant,)))
        assert said.code == 1
        text = " ".join(said.out.split())
        assert words in text
        assert "fault for RAG" in text
        assert "batch drift" not in text

    def test_of_an_engine_that_fails_is_exit_code_3(self, embedtui: Embedtui, model: str) -> None:
        from embedtui.common.errors import EngineError

        script = Script(failures={("embed", "auto"): EngineError("out of memory")})
        said = embedtui("check", model, *FEW, script=script)
        assert said.code == 3
        assert "out of memory" in said.out

    def test_of_a_server_that_fails_is_exit_code_3_and_named(
        self, embedtui: Embedtui, serve: Serve, tmp_path: Path
    ) -> None:
        junit = tmp_path / "junit.xml"
        said = embedtui("check", serve(one_less=True).url, *FEW, "--junit", junit)
        assert said.code == 3
        assert "3 vectors came back for 4 texts" in " ".join(said.out.split())
        assert "drift identical" not in said.out.split("requests=concurrent")[0]
        errors = [case.find("error") for case in Xml.parse(junit).iter("testcase")]
        assert errors[0] is not None
        assert errors[1] is None  # nothing was wrong with what was sent one by one

    def test_of_lost_decimals_is_a_warning_beside_it(
        self, embedtui: Embedtui, serve: Serve
    ) -> None:
        said = embedtui("check", serve(decimals=4).url, *FEW, "--setting", "encoding=float,base64")
        assert said.code == 0
        assert "warning: decimals and base64 differ" in " ".join(said.out.split())

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("minilm", "--serve", "minilm"),
            ("minilm", "--batch-sizes", "1"),
            ("minilm", "--confidence", "1"),
            ("minilm", "--share", "0.0001"),
            ("minilm", "--scenario", "nonsense"),
            ("minilm", "--golden", "nothing.sqlite"),
            ("--serve", "--dtype float16"),
            ("--serve", "minilm --port 80"),
            ("--serve", "minilm --api-key s3cret"),
            ("--serve", "minilm 'open"),
        ],
        ids=str,
    )
    def test_bad_usage_is_one_line_and_exit_code_2(
        self, embedtui: Embedtui, arguments: tuple[str, ...]
    ) -> None:
        said = embedtui("check", *arguments)
        assert said.code == 2, said
        assert said.error
        assert "s3cret" not in said.error


class TestReports:
    def test_json_has_all_of_it(self, embedtui: Embedtui, model: str) -> None:
        said = embedtui("check", model, *FEW, "--json", script=Script(drift=no_drift))
        made: dict[str, Any] = json.loads(said.out)
        assert made["schema"] == "embedtui.check/2"
        assert made["outcome"] == "holds"
        (one,) = made["checks"][0]["settings"]
        assert one["orders"] == 5
        assert one["share_below"] == pytest.approx(1 - 0.05 ** (1 / 5))
        assert one["l2_max"] == 0.0
        assert one["verdicts"]["consistent"]["outcome"] == "holds"

    def test_junit_and_markdown_say_the_same(
        self, embedtui: Embedtui, model: str, tmp_path: Path
    ) -> None:
        junit, markdown = tmp_path / "j.xml", tmp_path / "m.md"
        drift = Script(drift=lambda dtype, size, place: 0.0 if size == 1 else 0.01)
        embedtui("check", model, *FEW, "--junit", junit, "--markdown", markdown, script=drift)
        suite = Xml.parse(junit).getroot().find("testsuite")
        assert suite is not None
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
        failure = suite.find("testcase/failure")
        assert failure is not None
        assert "batch drift" in str(failure.get("message"))
        assert "| auto | ✗ falls short |" in markdown.read_text()

    def test_a_plan_file_is_checked_part_by_part(
        self, embedtui: Embedtui, model: str, tmp_path: Path, few: Path
    ) -> None:
        plan = tmp_path / "plan.toml"
        plan.write_text(
            f'models = ["{model}"]\ntexts = "{few}"\nbatch_sizes = "4"\n'
            '[[settings]]\ndtype = ["float16", "float32"]\n'
        )
        said = embedtui("check", plan, "--share", "0.5", "--json", script=Script(drift=no_drift))
        assert said.code == 0, said.err
        made = json.loads(said.out)
        assert [one["label"] for one in made["checks"][0]["settings"]] == ["float32", "float16"]
        assert made["checks"][0]["texts"]["count"] == 9


class TestGolden:
    @pytest.fixture
    def golden(self, embedtui: Embedtui, model: str, tmp_path: Path) -> Path:
        path = tmp_path / "golden.sqlite"
        said = embedtui(
            *("check", model, *FEW, "--dtype", "float32", "--record", path),
            script=Script(drift=no_drift),
        )
        assert said.code == 0
        return path

    def check(
        self, embedtui: Embedtui, model: str, golden: Path, *more: Any, **script: Any
    ) -> Said:
        return embedtui(
            *("check", model, *FEW[2:], "--golden", golden, *more),
            script=Script(drift=no_drift, **script),
        )

    def test_the_same_again_holds(self, embedtui: Embedtui, model: str, golden: Path) -> None:
        said = self.check(embedtui, model, golden, "--dtype", "float32")
        assert said.code == 0
        assert said.out.count("\n") == 1
        assert "golden vectors: all 8 have the same bits as recorded" in said.out

    def test_another_dtype_falls_short_and_says_so(
        self, embedtui: Embedtui, model: str, golden: Path
    ) -> None:
        said = self.check(embedtui, model, golden, "--dtype", "bfloat16")
        assert said.code == 1
        text = " ".join(said.out.split())
        assert "golden vectors: 8 of 8 moved" in text
        assert "the recorded ones were made with another: dtype float32 → bfloat16" in text
        assert "retrieval would" in text

    def test_a_move_within_the_tolerance_holds(
        self, embedtui: Embedtui, model: str, golden: Path
    ) -> None:
        def nudged(batch: Batch) -> None:
            batch.vectors[:, 0] += 1e-5

        said = self.check(embedtui, model, golden, "--dtype", "float32", plants=(nudged,))
        assert said.code == 0
        assert "golden vectors: 8 of 8 moved, 1 - cos" in said.out
        said = self.check(
            embedtui, model, golden, "--dtype", "float32", "--scenario", "golden", plants=(nudged,)
        )
        assert said.code == 1
        assert "not the same bits" in " ".join(said.out.split())

    def test_the_recorded_texts_are_used_unless_others_are_named(
        self, embedtui: Embedtui, model: str, golden: Path
    ) -> None:
        said = self.check(embedtui, model, golden, "--dtype", "float32", "--texts", "queries")
        assert said.code == 2
        assert "recorded with another texts" in said.error

    def test_a_golden_file_says_nothing_of_its_folder(
        self, golden: Path, tmp_path: Path, model: str
    ) -> None:
        assert run_file.read(golden).settings[0].unbatched.count == 8
        assert str(tmp_path).encode() not in golden.read_bytes()

    def test_it_is_never_written_over(self, embedtui: Embedtui, model: str, golden: Path) -> None:
        before = golden.read_bytes()
        said = embedtui("check", model, *FEW, "--record", golden)
        assert (said.code, "not written over" in said.error) == (2, True)
        assert golden.read_bytes() == before

    def test_of_a_server_whose_vectors_moved(
        self, embedtui: Embedtui, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.servers import fault_server

        path = tmp_path / "server.sqlite"
        server = serve()
        assert embedtui("check", server.url, *FEW, "--record", path).code == 0
        assert server.url.encode() not in path.read_bytes()
        said = embedtui("check", server.url, *FEW[2:], "--golden", path)
        assert (said.code, "same bits as recorded" in said.out) == (0, True)
        real = fakes.exact
        monkeypatch.setattr(
            fault_server, "exact", lambda text, width: real(text, width) + 0.008 * (width > 1)
        )
        said = embedtui("check", server.url, *FEW[2:], "--golden", path)
        assert said.code == 1
        assert "a change on the server" in " ".join(said.out.split())


def drift_of(by: float) -> Drift:
    return lambda _dtype, size, _position: 0.0 if size == 1 else by


class TestHistory:
    def test_keeps_every_check_and_draws_them(
        self, embedtui: Embedtui, model: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "history.sqlite"
        drifts = (0.0, 1e-5, 1e-3)
        for drift in drifts:
            script = Script(drift=drift_of(drift))
            embedtui("check", model, *FEW, "--history-file", path, script=script)
        said = embedtui("check", "--history", "--history-file", path, "--json")
        rows = json.loads(said.out)["checks"]
        assert [row["drift_l2"] for row in rows] == pytest.approx(drifts, rel=0.05)
        assert [row["outcome"] for row in rows] == ["holds", "holds", "holds"]
        said = embedtui("check", "--history", "--history-file", path)
        assert said.code == 0
        assert "batch drift, L2 at most, over time" in said.out
        assert "RAG limit:" in said.out
        assert said.out.count("holds") == 3
        assert embedtui("check", "--history", "tiny", "--history-file", path).code == 0
        assert embedtui("check", "--history", "other", "--history-file", path).code == 2

    def test_goes_to_the_data_folder_unless_told_otherwise(
        self, embedtui: Embedtui, model: str, home: Path
    ) -> None:
        assert embedtui("check", "--history").code == 2
        embedtui("check", model, *FEW, "--no-history", script=Script(drift=no_drift))
        assert embedtui("check", "--history").code == 2
        embedtui("check", model, *FEW, script=Script(drift=no_drift))
        assert embedtui("check", "--history").code == 0
        assert len(list((home / "data").rglob("history.sqlite"))) == 1

    def test_refuses_a_file_that_is_none(self, embedtui: Embedtui, tmp_path: Path) -> None:
        other = tmp_path / "other.sqlite"
        with sqlite3.connect(other) as database:
            database.execute("CREATE TABLE t (a)")
        said = embedtui("check", "--history", "--history-file", other)
        assert (said.code, "is no history of checks" in said.error) == (2, True)
        other.write_text("no database at all, but a text that is long enough")
        assert embedtui("check", "--history", "--history-file", other).code == 2

    def test_checks_of_other_seeds_add_up_and_the_same_seed_does_not(
        self, embedtui: Embedtui, model: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "history.sqlite"
        texts = tmp_path / "texts.txt"
        texts.write_text("\n".join(f"text number {n}" for n in range(8)), encoding="utf-8")
        for seed in (1, 2, 2, 3):
            told = ("--texts", texts, "--seed", str(seed), "--history-file", path)
            script = Script(drift=no_drift)
            assert embedtui("check", model, *FEW[2:], *told, script=script).code == 0
        (one,) = json.loads(embedtui("check", "--history", "--history-file", path, "--json").out)[
            "together"
        ]
        assert (one["checks"], one["held"], one["seeds"], one["orders"]) == (4, 4, 3, 15)
        assert one["share_below"] == share_below(0.95, 15)
        said = " ".join(embedtui("check", "--history", "--history-file", path).out.split())
        assert "4 checks held, 15 random orders of 3 seeds at batch size 4: with 0.95" in said
        assert "a seed that came again adds nothing" in said

    def test_nothing_adds_up_where_one_did_not_hold_or_something_else_was_checked(
        self, embedtui: Embedtui, model: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "history.sqlite"
        for drift in (0.0, 0.01):
            script = Script(drift=drift_of(drift))
            embedtui("check", model, *FEW, "--history-file", path, script=script)
        (one,) = json.loads(embedtui("check", "--history", "--history-file", path, "--json").out)[
            "together"
        ]
        assert (one["checks"], one["held"], one["share_below"]) == (2, 1, None)
        assert "1 of 2 checks did not hold" in " ".join(
            embedtui("check", "--history", "--history-file", path).out.split()
        )
        other = ("--limit", "9", *FEW[2:], "--history-file", path)
        embedtui("check", model, *other, script=Script(drift=no_drift))
        made = json.loads(embedtui("check", "--history", "--history-file", path, "--json").out)[
            "together"
        ]
        assert made == [one]

    def test_of_an_early_version_goes_on(
        self, embedtui: Embedtui, model: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "history.sqlite"
        embedtui("check", model, *FEW, "--history-file", path, script=Script(drift=no_drift))
        with sqlite3.connect(path) as database:
            for name in ("seed", "batch_sizes", "situation", '"limit"', "model_hash"):
                database.execute(f"ALTER TABLE checks DROP COLUMN {name}")
            database.execute("PRAGMA user_version = 1")
        (early,) = json.loads(embedtui("check", "--history", "--history-file", path, "--json").out)[
            "checks"
        ]
        assert (early["seed"], early["batch_sizes"]) == (None, "")
        embedtui("check", model, *FEW, "--history-file", path, script=Script(drift=no_drift))
        rows = json.loads(embedtui("check", "--history", "--history-file", path, "--json").out)[
            "checks"
        ]
        assert [row["seed"] is None for row in rows] == [True, False]
