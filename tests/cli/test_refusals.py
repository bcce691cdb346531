"""Whatever cannot be used is told in one line that says what to do, with exit code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtui.common import machine, paths
from embedtui.common.errors import InputError
from tests.cli.conftest import Embedtui
from tests.fakes import make_model


def file(name: str, content: str | bytes) -> Callable[[Path], list[str]]:
    """Return what makes the arguments that name a file of texts."""

    def arguments(folder: Path) -> list[str]:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ["--texts", str(path)]

    return arguments


TEXTS: dict[str, tuple[Callable[[Path], list[str]], list[str]]] = {
    "a file that is not there": (
        lambda folder: ["--texts", str(folder / "none.txt")],
        ["none.txt: no such file"],
    ),
    "an unknown pack": (lambda _: ["--texts", "pasages"], ["did you mean passages?", "queries"]),
    "an empty file": (file("t.txt", ""), ["is empty; give a file with at least one text"]),
    "a binary file": (file("t.txt", b"\x7fELF\x02\x01\x00\x00"), ["is binary", "UTF-8"]),
    "a file that is not UTF-8": (file("t.txt", b"caf\xe9\n"), ["line 1", "is not UTF-8", "iconv"]),
    "a missing column": (
        lambda folder: [*file("t.csv", "id,body\n1,a\n")(folder), "--column", "boddy"],
        ["has no column 'boddy' (did you mean body?)", "'id', 'body'"],
    ),
    "no column of the default name": (
        file("t.jsonl", '{"body": "a"}\n'),
        ["line 1", "has no column 'text'"],
    ),
    "a format that is not read": (file("t.pdf", "%PDF"), ["the suffix '.pdf'", ".jsonl"]),
    "Parquet that is none": (file("t.parquet", "id,text\n"), ["is not a Parquet file"]),
    "a limit below none": (lambda _: ["--limit", "-1"], ["-1 is not in the range x>=0"]),
    "a limit that is no number": (lambda _: ["--limit", "x"], ["'x' is not a valid integer"]),
}

SWITCHES = {
    "an unknown dtype": (
        ["--dtype", "flaot16"],
        "unknown dtype 'flaot16' (did you mean float16?): give one of auto, float16",
    ),
    "an empty dtype": (["--dtype", ""], "unknown dtype ''"),
    "an unknown key": (
        ["--setting", "pooling_acumulation=model"],
        "unknown switch 'pooling_acumulation' (did you mean pooling_accumulation?)",
    ),
    "a key without a value": (["--setting", "threads"], "'threads' sets nothing: write"),
    "an unknown value": (["--setting", "execution=fast"], "unknown execution 'fast'"),
    "a number that is none": (["--setting", "threads=two"], "give a whole number from 1 up"),
    "a key set twice": (
        ["--setting", "threads=1", "--setting", "threads=2"],
        "threads is set twice: give its values once, as threads=A,B",
    ),
    "the dtype set twice": (
        ["--dtype", "float32", "--setting", "dtype=float16"],
        "dtype is set twice",
    ),
    "one more setting that is none": (["--also", "float16"], "'float16' sets nothing"),
    "batch invariance on a CPU": (
        ["--setting", "batch_invariant=on"],
        "batch_invariant=on cannot be had on the CPU: vLLM's CPU backend ignores it",
    ),
    "TF32 on a CPU": (
        ["--setting", "matmul_precision=tf32"],
        "matmul_precision=high cannot be had on the CPU",
    ),
    "a GPU's kernel on a CPU": (
        ["--also", "dtype=float16,attention_backend=flash_attn"],
        "attention_backend=flash_attn cannot be had on the CPU",
    ),
    "batch sizes that are none": (["--batch-sizes", "1,x"], "'x' gives no batch sizes"),
    "no batch sizes": (["--batch-sizes", ""], "'' gives no batch sizes"),
    "a batch of none": (["--batch-sizes", "0"], "'0' gives no batch sizes"),
    "a range that falls": (["--batch-sizes", "8-2"], "such as 1,2,4-64*2"),
    "a batch that is too large": (["--batch-sizes", "65537"], "from 1 to 65536"),
    "a number beyond numbers": (["--batch-sizes", "9" * 5000], "gives no batch sizes"),
    "repeats below none": (["--repeats", "-1"], "(see embedtui run --help)"),
    "another way with long texts": (["--too-long", "cut"], "'truncate', 'refuse'"),
    "an unknown option": (["--dtypes", "float16"], "No such option"),
    "a folder to write to": (["--out", "/"], "Invalid value for '--out'"),
}


@pytest.fixture(autouse=True)
def _nothing_is_written() -> Any:
    """Nothing that is refused leaves a run file."""
    yield
    assert list(paths.runs_folder().iterdir()) == []


@pytest.mark.parametrize("name", TEXTS)
def test_texts(embedtui: Embedtui, model_folder: Path, tmp_path: Path, name: str) -> None:
    arguments, words = TEXTS[name]
    said = embedtui("run", model_folder, *arguments(tmp_path))
    assert said.code == 2
    for word in words:
        assert word in said.error


@pytest.mark.parametrize("more", [(), ("--json",), ("--quiet",)])
@pytest.mark.parametrize("name", SWITCHES)
def test_options(embedtui: Embedtui, model_folder: Path, name: str, more: tuple[str, ...]) -> None:
    options, words = SWITCHES[name]
    said = embedtui("run", model_folder, *options, *more)
    assert said.code == 2
    assert words in said.error


class TestModel:
    def test_that_is_not_there(self, embedtui: Embedtui) -> None:
        said = embedtui("run", "./no/model")
        assert (said.code, said.error) == (2, 'no such folder: "./no/model"')

    def test_that_is_a_slip_of_an_alias(self, embedtui: Embedtui) -> None:
        assert "did you mean minilm?" in embedtui("run", "minilmm").error

    def test_that_is_a_file(self, embedtui: Embedtui, few: Path) -> None:
        assert "is a file; give the folder that holds the model" in embedtui("run", few).error

    def test_that_is_an_empty_folder(self, embedtui: Embedtui, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        said = embedtui("run", tmp_path / "empty")
        assert said.code == 2
        assert "config.json" in said.error

    def test_that_gives_no_embeddings(self, embedtui: Embedtui, tmp_path: Path) -> None:
        folder = make_model(tmp_path / "m", architecture="BertForSequenceClassification")
        said = embedtui("run", folder)
        assert said.code == 2
        assert "cannot be run: " in said.error
        assert "scores, not embeddings" in said.error

    def test_that_has_no_tokenizer(self, embedtui: Embedtui, model_folder: Path) -> None:
        (model_folder / "tokenizer.json").unlink()
        said = embedtui("run", model_folder)
        assert said.code == 2
        assert "tokenizer" in said.error

    def test_whose_configuration_is_no_json(self, embedtui: Embedtui, model_folder: Path) -> None:
        (model_folder / "config.json").write_text("{")
        said = embedtui("run", model_folder)
        assert said.code == 2
        assert "config.json" in said.error

    def test_given_twice(self, embedtui: Embedtui, model_folder: Path) -> None:
        said = embedtui("run", model_folder, "another")
        assert said.code == 2
        assert "unexpected extra argument" in said.error


def test_without_vllm_the_line_says_what_to_install(
    embedtui: Embedtui, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise InputError("vLLM is not installed: pip install 'embedtui[gpu]' or 'embedtui[cpu]'")

    monkeypatch.setattr(machine, "engine_device", none)
    said = embedtui("run", model_folder)
    assert said.code == 2
    assert "pip install" in said.error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], "No such command or model 'rum' (did you mean run?) (see embedtui --help)"),
        (["config", "sho"], "No such command 'sho' (did you mean show?)"),
        (["make-modle"], "No such command or model 'make-modle' (did you mean make-model?)"),
        (["minlm"], "No such command or model 'minlm' (did you mean minilm?)"),
        (["list", "modls"], "No such command 'modls' (did you mean models?)"),
        (["run", "--limt", "3"], "No such option --limt (did you mean --limit?)"),
        (["--limt", "3"], "No such option --limt (did you mean --limit?) (see embedtui MODEL"),
        (["export", "none.sqlite", "--to", "jsn"], "'jsn' (did you mean json?) is not one of"),
        (["open", "h200", "--theme", "papr"], "unknown theme 'papr' (did you mean paper?)"),
        (["run", "--sweep", "precison"], "no sweep 'precison' (did you mean precision?)"),
        (["run", "--bundle", "defalt"], "unknown bundle 'defalt' (did you mean default?)"),
        (["run", "--situation", "indx"], "'indx' (did you mean index?)"),
        (["storage", "h200-minlm"], "(did you mean h200-minilm?)"),
        (["check", "minilm", "--scenario", "ragg"], "unknown scenario 'ragg' (did you mean rag?)"),
        (["open", "--list", "h200"], "--list lists all there is"),
        (["run", "--layers-only", "--repeats", "2"], "--repeats: --layers-only does without it"),
        (["run", "--advise", "--dtype", "float16"], "--dtype: --advise does without it"),
        (["run", "--under", "0.1"], "--under: it is for --layers and --layers-only"),
        (["run", "--layers-only", "--batch-sizes", "2,4"], "at one batch size; give one"),
        (["check", "--history", "--limit", "3"], "--limit: --history shows checks and makes none"),
        (["check", "minilm", "--last", "3"], "--last: it is for --history"),
        (["--verbose"], "No such option"),
        (["list", "models", "./no/folder"], "no such folder: no/folder"),
        (["export"], "Missing argument 'RUN'"),
        (["export", "none.sqlite"], "no run file and no recording 'none.sqlite'"),
        (["export", "h100"], "h100 is several recordings: give one of h100-layers, h100-long-2k"),
        (["export", "h200-minilm", "--every", "2"], "--every: it is for --to recording"),
        (["compare", "h200-minil", "last"], "(did you mean h200-minilm?)"),
        (
            ["open", "h200-minilm", "--plain", "--theme", "paper"],
            "--theme: it is for screens, not for tables",
        ),
        (["open", "h200-minilm", "--json"], "`embedtui export RUN` prints one as JSON"),
        (["open", "--slow-link"], "--slow-link: it is for runs, and none is named"),
        (["check", "--history", "--json", "--last", "3"], "--last: --json prints every figure"),
        (["run", "--fresh"], "--fresh: it is for --sweep"),
        (["run", "--scenario", "ragg"], "unknown scenario 'ragg' (did you mean rag?)"),
        (["run", "--situation", "indx"], "'indx'"),
        (["run", "--against", "minilm"], "--against: it is for servers"),
        (["check", "minilm", "--ready-timeout", "3"], "--ready-timeout: it is for --serve"),
        (["export", "none.sqlite", "--to", "xml"], "'json', 'csv', 'markdown'"),
        (["doctor", "now"], "unexpected extra argument"),
    ],
)
def test_other_commands(embedtui: Embedtui, arguments: list[str], words: str) -> None:
    said = embedtui(*arguments)
    assert said.code == 2
    assert words in said.error


def test_exporting_what_is_no_run_file(embedtui: Embedtui, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": "embedtui.report/2"}))
    said = embedtui("export", path)
    assert said.code == 2
    assert "is not a run file of embedtui" in said.error
