from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path

import pytest

from embedtui.cli import progress
from embedtui.common import paths
from embedtui.common.errors import EngineError
from embedtui.report import exports, run_report
from embedtui.storage import run_file
from tests.cli.conftest import FEW, Embedtui, Said
from tests.fakes import Script, make_model


class TestTable:
    def test_says_what_drifts_what_does_not_and_where(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--full")
        assert said.code == 0
        lines = [line.strip() for line in said.out.splitlines()]
        assert lines[1].startswith("tiny-bert · 9 texts (few.txt) · ")
        headings = [line for line in lines if "cpu_attn · mean pooling" in line]
        assert [line.split()[0] for line in headings] == ["float16", "float32"]
        assert "2 threads · loaded in 0.1 s" in headings[0]
        rows = [line.split() for line in lines]
        assert ["unbatched", "1000", "baseline"] in rows
        assert ["4", "(1..4)", "1000", "9/9", "bitwise", "identical"] in rows
        assert ["noise", "floor", "18/18", "bitwise", "identical"] in rows
        drift = next(row for row in rows if row[:4] == ["4", "(1..4)", "1000", "1/9"])
        assert re.fullmatch(r"\d\.\de-06", drift[4])
        assert (
            "Verdict: for RAG float16, float32 are consistent and exact; float32: no batch"
            in " ".join(said.out.split())
        )

    @pytest.mark.parametrize(
        ("count", "sizes", "script"),
        [
            (9, "1,4", Script()),
            (9, "1,4", Script(most_in_step=3)),
            (9, "1,4", Script(seconds_per_text=1e-5)),
            (9, "1,4", Script(precision={"float32": 1e-3, "float16": 1e-2})),
            (1100, "1,1024", Script(noise=1e-5)),
        ],
    )
    def test_fits_80_columns_with_every_figure_whole(
        self,
        embedtui: Embedtui,
        model_folder: Path,
        tmp_path: Path,
        count: int,
        sizes: str,
        script: Script,
    ) -> None:
        texts = tmp_path / "texts.txt"
        texts.write_text("".join(f"some words {number}\n" for number in range(count)))
        said = embedtui(
            *("run", model_folder, "--texts", texts, "--batch-sizes", sizes),
            *("--dtype", "float16,float32", "--setting", "pooling_accumulation=model"),
            *("--setting", "threads=1", "--setting", "max_num_batched_tokens=100000", "--full"),
            script=script,
        )
        assert said.code == 0
        assert max(len(line) for line in said.out.splitlines() if "vllm serve" not in line) <= 80
        assert "…" not in said.out
        heading = next(
            line for line in said.out.splitlines() if "batch size " in line and "L2 max" in line
        )
        for column in ("texts/s", "identical", "L2 max", "p99", "p50", "1-cos max"):
            assert column in heading

    @pytest.mark.parametrize("columns", [40, 50, 60, 70, 79, 132])
    def test_leaves_columns_out_where_there_is_no_room(
        self,
        embedtui: Embedtui,
        model_folder: Path,
        few: Path,
        monkeypatch: pytest.MonkeyPatch,
        columns: int,
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--full")
        assert (
            max(len(line) for line in said.out.splitlines() if "vllm serve" not in line) <= columns
        )
        assert "…" not in said.out
        rows = [line.split() for line in said.out.splitlines()]
        drift = next(row for row in rows if row[:2] == ["4", "(1..4)"])
        assert "1/9" in drift
        assert any(re.fullmatch(r"\d\.\de-06", cell) for cell in drift)
        noise = next(row for row in rows if row[:2] == ["noise", "floor"])
        assert noise[-1] == "identical"

    def test_shows_findings_before_the_verdict(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(
            most_in_step=3, failures={("reference", ""): EngineError("no float64 here")}
        )
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--full", script=script)
        words = " ".join(said.out.split())
        assert "! warning: batch size 4: vLLM split batches" in words
        assert "! warning: no float64 here Verdict: " in words
        assert "! warning: no float64 here DRIFT float16: " in words

    def test_unbatched_only(self, embedtui: Embedtui, model_folder: Path, few: Path) -> None:
        said = embedtui(
            *("run", model_folder, "--texts", few, "--batch-sizes", "1", "--dtype", "float32"),
            *("--repeats", "0", "--no-reference", "--full"),
        )
        assert said.code == 0
        assert "batch drift was not measured" in said.out


class TestJson:
    def test_is_one_object_on_standard_output(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--json")
        made = json.loads(said.out)
        assert said.out == exports.to_json(made)
        assert (made["schema"], made["status"]) == ("embedtui.report/2", "finished")
        assert [setting["label"] for setting in made["settings"]] == ["float16", "float32"]
        assert made["plan"]["batch_sizes"] == [1, 4]
        assert made["plan"]["texts"]["count"] == 9
        assert re.fullmatch("[0-9a-f]{64}", made["plan"]["model_hash"])
        assert "Run file: " in said.err

    def test_equals_what_the_run_file_gives(
        self, embedtui: Embedtui, model_folder: Path, few: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "run.sqlite"
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--json", "--out", out)
        assert said.out == exports.to_json(run_report.build(run_file.read(out)))

    def test_of_a_failed_setting_has_the_others(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        script = Script(failures={("load", "float16"): EngineError("out of memory")})
        said = embedtui(
            "run", model_folder, "--texts", few, *FEW, "--json", "--quiet", script=script
        )
        assert said.code == 3
        assert [s["status"] for s in json.loads(said.out)["settings"]] == ["failed", "finished"]
        assert said.err == "embedtui: out of memory\n"


class TestProgress:
    def test_is_lines_with_rate_and_time_left(
        self,
        embedtui: Embedtui,
        model_folder: Path,
        few: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(progress, "_PLAIN_SECONDS", 0)
        said = embedtui("run", model_folder, "--texts", few, *FEW)
        lines = said.err.splitlines()
        assert all(re.match(r"\[ *\d+\.\d s\] ", line) for line in lines[:-1])
        assert any(line.endswith("] importing vLLM") for line in lines)
        assert any(
            re.search(r"float16: .* · \d+ texts/s · (\d+ min )?\d+ s left$", line) for line in lines
        )
        assert any("float16: batches of 4 · batch drift: L2 up to" in line for line in lines)
        assert any("float32: batches of 4 · batch drift: none in" in line for line in lines)
        assert lines[-2].endswith("] finished")
        assert lines[-1].startswith("Run file: ")

    def test_tells_the_first_drift_at_once_and_then_keeps_quiet(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        said = embedtui("run", model_folder, "--texts", few, *FEW)
        drift = [line for line in said.err.splitlines() if "batch drift" in line]
        assert len(drift) == 1
        assert len(said.err.splitlines()) < 15

    def test_quiet_has_none(self, embedtui: Embedtui, model_folder: Path, few: Path) -> None:
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--quiet")
        assert said.code == 0
        assert said.err == ""
        assert "SERVE " in said.out


class TestRunFile:
    def test_goes_to_the_data_folder(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        said = embedtui("run", model_folder, "--texts", few, *FEW)
        (path,) = paths.runs_folder().iterdir()
        assert said.err.splitlines()[-1] == f"Run file: {path}"
        assert re.fullmatch(r"\d{8}-\d{6}-tiny-bert\.sqlite", path.name)
        assert run_file.read(path).status == "finished"

    def test_of_two_runs_in_a_second_are_two(
        self, embedtui: Embedtui, model_folder: Path, few: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "strftime", lambda _format: "20300101-000000")
        for _ in range(2):
            assert embedtui("run", model_folder, "--texts", few, *FEW).code == 0
        assert [path.name for path in sorted(paths.runs_folder().iterdir())] == [
            "20300101-000000-tiny-bert-2.sqlite",
            "20300101-000000-tiny-bert.sqlite",
        ]

    def test_that_exists_is_refused_and_untouched(
        self, embedtui: Embedtui, model_folder: Path, few: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "mine.sqlite"
        out.write_bytes(b"precious")
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--out", out)
        assert said.code == 2
        assert said.error == f"{out} exists: give another name with --out, or remove it"
        assert out.read_bytes() == b"precious"

    def test_that_cannot_be_written_is_one_line(
        self, embedtui: Embedtui, model_folder: Path, few: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "no" / "folder" / "run.sqlite"
        said = embedtui("run", model_folder, "--texts", few, *FEW, "--out", out)
        assert said.code == 2
        assert "cannot be written (No such file or directory)" in said.error

    def test_without_a_data_folder_goes_among_the_temporary_files(
        self,
        embedtui: Embedtui,
        model_folder: Path,
        few: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
        said = embedtui("run", model_folder, "--texts", few, *FEW)
        assert said.code == 0
        path = re.search(r"Run file: (.*sqlite)", said.err)
        assert path is not None
        assert path[1].startswith(tempfile.gettempdir())
        Path(path[1]).unlink()


class TestPlan:
    def settings(self, said: Said) -> list[str]:
        return [setting["label"] for setting in json.loads(said.out)["settings"]]

    def test_defaults_are_three_dtypes_and_seven_sizes(
        self, embedtui: Embedtui, model_folder: Path
    ) -> None:
        said = embedtui("run", model_folder, "--limit", "3", "--json", "--quiet")
        plan = json.loads(said.out)["plan"]
        assert self.settings(said) == ["bfloat16", "float16", "float32"]
        assert plan["batch_sizes"] == [1, 2, 4, 8, 16, 32, 64]
        assert plan["texts"]["name"] == "passages"
        assert (plan["repeats"], plan["reference"], plan["too_long"]) == (1, True, "truncate")

    def test_settings_are_combined(self, embedtui: Embedtui, model_folder: Path, few: Path) -> None:
        said = embedtui(
            *("run", model_folder, "--texts", few, "--dtype", "fp16,float32,half"),
            *("--setting", "threads=1,2", "--batch-sizes", "2", "--json", "--quiet"),
        )
        assert self.settings(said) == [
            "float16 · threads=1",
            "float16 · threads=2",
            "float32 · threads=1",
            "float32 · threads=2",
        ]
        assert json.loads(said.out)["plan"]["batch_sizes"] == [1, 2]

    def test_one_more_setting_is_added_once(
        self, embedtui: Embedtui, model_folder: Path, few: Path
    ) -> None:
        said = embedtui(
            *("run", model_folder, "--texts", few, "--dtype", "float16", "--json", "--quiet"),
            *("--also", "dtype=float32,pooling_accumulation=model", "--also", "dtype=float16"),
        )
        assert self.settings(said) == ["float16", "float32 · pooling_accumulation=model"]

    def test_columns_limit_and_refusal_reach_it(
        self, embedtui: Embedtui, model_folder: Path, tmp_path: Path
    ) -> None:
        texts = tmp_path / "texts.csv"
        texts.write_text("key,body\na,short\nb," + "word " * 80 + "\nc,not drawn by this seed\n")
        said = embedtui(
            *("run", model_folder, "--texts", texts, "--column", "body", "--id-column", "key"),
            *("--limit", "2", "--seed", "2", "--too-long", "refuse", "--no-reference"),
            *("--repeats", "0"),
            *("--dtype", "float32", "--batch-sizes", "1,2", "--json", "--quiet"),
        )
        report = json.loads(said.out)
        assert report["plan"]["texts"]["sample"] == {"seed": 2, "whole": 3}
        (setting,) = report["settings"]
        assert [text["id"] for text in setting["texts"]] == ["a", "b"]
        assert "more than the model's 64" in setting["texts"][1]["refused"]
        assert (setting["noise_floor"], setting["precision_error"]) == (None, None)


class TestForeignText:
    """What comes from files is never obeyed by a terminal, nor taken for markup."""

    @pytest.mark.parametrize("more", [(), ("--json",), ("--quiet",)])
    def test_brings_no_escape_sequence(
        self,
        embedtui: Embedtui,
        tmp_path: Path,
        more: tuple[str, ...],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(progress, "_PLAIN_SECONDS", 0)
        folder = make_model(tmp_path / "\x1b[31m[red]model\x9b31m:smile:")
        texts = tmp_path / "\x1b[2J[bold]texts[link=file:x].jsonl"
        ids = ["\x1b[31mred", "[red]id[/red]", "\x9b2J", "\u202eturned", "\ud800", "\x07"]
        texts.write_text(
            "".join(
                json.dumps({"id": i, "text": f"{i} text {n}"}) + "\n" for n, i in enumerate(ids)
            )
        )
        out = tmp_path / "\x1b]0;title\x07.sqlite"
        said = embedtui("run", folder, "--texts", texts, *FEW, "--out", out, *more)
        assert said.code == 0
        for text in (said.out, said.err):
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
        if more == ("--json",):
            listed = json.loads(said.out)["settings"][0]["texts"]
            assert [text["id"] for text in listed] == ids
        else:
            assert "[red]model" in said.out
            assert ":smile:" in said.out
            assert "[bold]texts[link=file:x].jsonl" in said.out

    def test_in_a_failure_brings_none_either(
        self, embedtui: Embedtui, model_folder: Path, tmp_path: Path
    ) -> None:
        said = embedtui("run", model_folder, "--texts", tmp_path / "\x1b[31m[red]none.txt")
        assert said.code == 2
        assert "[31m[red]none.txt: no such file" in said.error


def test_says_what_to_do_where_what_decides_was_not_measured(
    embedtui: Embedtui, model_folder: Path, few: Path
) -> None:
    asked = ("run", model_folder, "--texts", few, "--no-reference", "--situation", "index")
    said = embedtui(*asked, "--batch-sizes", "1,2", "--quiet")
    words = " ".join(said.out.split())
    assert "SERVE undecided: the distance from float64 decides, and was not measured" in words
    assert "run it again with the reference" in words
