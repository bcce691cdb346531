"""What commands print of lists of neighbours, of mixtures, and of storage."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Embedtui
from tests.fakes import Script


def drifting() -> Script:
    return Script(
        drift=lambda _dtype, size, _position: 0.2 if size > 1 else 0.0,
        precision={"bfloat16": 0.05, "float16": 0.01, "float32": 1e-7},
    )


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Return a folder of eight queries and twenty documents in BEIR's layout."""
    folder = tmp_path / "asked"
    folder.mkdir()
    for name, letter, count in (("queries", "q", 8), ("corpus", "d", 20)):
        rows = [{"_id": f"{letter}{n}", "text": f"{name} number {n}"} for n in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "qrels.tsv").write_text("".join(f"q{n}\td{n}\t1\n" for n in range(8)))
    return folder


@pytest.fixture
def run_file(embedtui: Embedtui, model_folder: Path, asked: Path, tmp_path: Path) -> Path:
    path = tmp_path / "run.sqlite"
    said = embedtui(
        *("run", model_folder, "--texts", asked, "--dtype", "bfloat16,float32"),
        *("--batch-sizes", "1,4", "--out", path, "--quiet"),
        script=drifting(),
    )
    assert said.code == 0, said.err
    return path


def test_a_folder_of_queries_and_documents_just_works(
    embedtui: Embedtui, model_folder: Path, asked: Path
) -> None:
    said = embedtui(
        *("run", model_folder, "--texts", asked, "--dtype", "bfloat16", "--batch-sizes", "1,4"),
        "--full",
        script=drifting(),
    )
    assert said.code == 0, said.err
    words = " ".join(said.out.split())
    assert "nearest 10 of 20 for 8 queries, unbatched against @4, mixed @4, float64" in words
    assert re.search(r"@4 +\d \(\d+ %\) +[1-8] \(\d+ %\) +0\.\d{4}", said.out)
    assert re.search(r"mixed @4 +\d \(\d+ %\)", said.out)
    assert re.search(r"judgements +before +after +difference +queries", said.out)
    assert re.search(
        r"nDCG@10 +0\.\d{4} +[01]\.\d{4} +[+-]0\.\d{4} \(95 %: [+-]0\.\d+ to", said.out
    )
    assert re.search(r"recall@10 .*MRR@10 ", said.out, re.DOTALL)
    assert re.search(r"\d of 8 queries change", words)
    lines = [line for line in said.out.splitlines() if "vllm serve" not in line]
    assert max(map(len, lines)) <= 80


def test_the_report_holds_the_same_figures(embedtui: Embedtui, run_file: Path) -> None:
    said = embedtui("export", run_file, "--to", "json")
    report: dict[str, Any] = json.loads(said.out)
    found = report["settings"][0]["retrieval"]
    assert (found["queries"], found["documents"], found["labelled"]) == (8, 20, True)
    assert report["plan"]["texts"]["labels"]["queries"] == list(range(8))
    quality = found["batches"][0]["quality"]
    assert 0 < quality["ndcg_at_10"]["before"][0] < 1
    per_text = [text["drift"]["4"]["order_changed"] for text in report["settings"][0]["texts"]]
    assert per_text.count(True) == found["batches"][0]["order_changed"][0]
    assert per_text[8:] == [None] * 20
    markdown = embedtui("export", run_file, "--to", "markdown").out
    assert "| lists of 8 queries in 20 documents |" in markdown
    assert "| nDCG@10 | recall@10 | MRR@10 |" in markdown
    csv = embedtui("export", run_file, "--to", "csv").out
    assert csv.splitlines()[0].endswith("top1_changed,order_changed")


class TestMix:
    def test_two_settings_of_a_run(self, embedtui: Embedtui, run_file: Path) -> None:
        said = embedtui("compare", f"{run_file}#bfloat16", f"{run_file}#float32@1")
        assert said.code == 0, said.err
        words = " ".join(said.out.split())
        assert "20 documents by bfloat16 @4, 8 queries by float32 alone" in words
        assert "index's own" in said.out
        assert "queries' own" in said.out
        assert re.search(r"Verdict: \d of 8 queries find another first document", words)
        assert re.search(r"judgements +before", said.out)

    def test_every_pair_of_a_run(self, embedtui: Embedtui, run_file: Path) -> None:
        said = embedtui("compare", run_file)
        assert re.search(r"#1 +\d+ % +\d+ %", said.out)
        assert re.search(r"#2 +\d+ % +\d+ %", said.out)
        found = json.loads(embedtui("compare", run_file, "--json").out)
        assert found["schema"] == "embedtui.mix/1"
        assert [pair["index"]["setting"] for pair in found["pairs"]] == [
            *("bfloat16", "bfloat16"),
            *("float32", "float32"),
        ]
        own = embedtui("compare", f"{run_file}#2@1", f"{run_file}#2", "--json").out
        pair = json.loads(own)["pairs"][0]
        assert pair["against_index"]["order_changed"] == [0, 0]
        assert pair["drift"]["identical"] == pair["drift"]["texts"] == 28

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("{run}#9", "{run}#1"), "no setting '9'"),
            (("{run}#1",), "give RUN#SETTING of the queries too"),
            (("nothing#1", "{run}#1"), "no run file and no recording 'nothing'"),
            (("{run}#1@3", "{run}#1"), "was not measured at '3'"),
        ],
    )
    def test_what_cannot_be_mixed(
        self, embedtui: Embedtui, run_file: Path, arguments: tuple[str, ...], reason: str
    ) -> None:
        said = embedtui("compare", *(one.format(run=run_file) for one in arguments))
        assert said.code == 2
        assert reason in said.err
        assert said.out == ""


class TestStorage:
    def test_one_table_of_drift_and_formats(self, embedtui: Embedtui, run_file: Path) -> None:
        said = embedtui("storage", run_file)
        assert said.code == 0, said.err
        assert "formats take vectors of float32, each text alone: nearest" in said.out
        rows = [line.split() for line in said.out.splitlines()]
        kinds = {row[0] for row in rows if row}
        assert {"drift", "store", "wire"} <= kinds
        assert max(len(line) for line in said.out.splitlines()) <= 80

    def test_as_json(self, embedtui: Embedtui, run_file: Path) -> None:
        found = json.loads(embedtui("storage", run_file, "--json").out)
        assert found["schema"] == "embedtui.storage/1"
        taken = found["formats_of"]
        assert (taken["setting"], taken["batch_size"]) == ("float32", 1)
        by_name = {row["name"]: row for row in found["rows"]}
        assert by_name["float32"]["distances"]["l2"]["max"] == 0
        assert by_name["float32"]["retrieval"]["order_changed"] == [0, 0]
        assert by_name["bfloat16 @4"]["bytes_per_vector"] is None
        assert by_name["bfloat16 @4"]["kind"] == "drift"
        assert by_name["bfloat16 @4"]["setting"] == "bfloat16"

    def test_of_a_setting_that_is_named(self, embedtui: Embedtui, run_file: Path) -> None:
        said = embedtui("storage", f"{run_file}#bfloat16@4")
        assert "formats take vectors of bfloat16, in batches of 4: as named" in said.out
        assert "give one of 1 bfloat16, 2 float32" in embedtui("storage", f"{run_file}#9").err
