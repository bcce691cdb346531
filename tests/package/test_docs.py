"""Every command that README and docs show in a block of their own is run as it stands there."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from embedtui.cli import recorded_run
from embedtui.cli.main import call
from embedtui.engine.pool import VllmPool
from embedtui.report.stories import STORIES
from embedtui.storage import library, run_file
from tests.cli.conftest import Embedtui
from tests.fakes import make_model
from tests.servers.fault_server import Serve

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]

NOT_RUN = {
    "make demo": "opens the explorer for as long as somebody looks",
    "embedtui ./my-model": "opens the explorer",
    "embedtui run intfloat/e5-small --dtype float16,float32 --batch-sizes 1-256*2": "asks the hub",
    "embedtui make-model --layers 24 --width 1024 --arch bert": "writes a gigabyte",
    "embedtui run random-xlm-roberta-24x1024": "writes a gigabyte",
    'embedtui check --serve "minilm --dtype float16"': "starts vLLM; run by tests/servers",
}
LISTS = ("models", "texts", "settings", "scenarios", "themes")
FEW = dict.fromkeys(("run", "check"), ("--limit", "8"))
"""What is added to commands that would measure hundreds of texts."""


def shown(page: Path) -> list[str]:
    """Return the commands of a page's blocks, indented or fenced, without their remarks."""
    block = re.sub(r"^```(?:sh|console|bash)\n(.*?)^```", _indented, page.read_text("utf-8"),
                   flags=re.MULTILINE | re.DOTALL)  # fmt: skip
    lines = re.findall(r"^ {4}((?:embedtui|make)\b.*)$", block, flags=re.MULTILINE)
    return [re.sub(r"\s+#\s.*$", "", line).strip() for line in lines]


def _indented(block: re.Match[str]) -> str:
    return "".join(f"    {line}\n" for line in block[1].replace("\\\n", "").splitlines())


COMMANDS = list(dict.fromkeys(command for page in PAGES for command in shown(page)))


@pytest.fixture
def at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve, embedtui: Embedtui
) -> Callable[[str], str]:
    """Make a folder with what the commands name, and put names in the place of placeholders."""
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path / "my-model")
    lines = [f'{{"body": "text number {number}"}}\n' for number in range(9)]
    (tmp_path / "mine.jsonl").write_text("".join(lines))
    for name in ("run", "old", "new"):
        shutil.copy(library.recordings()["h200-restarts"], f"{name}.sqlite")
    plan = 'models = ["./my-model"]\ntexts = "mine.jsonl"\ncolumn = "body"\nbundles = ["default"]\n'
    plan += 'batch_sizes = "1,4"\n'
    (tmp_path / "plan.toml").write_text(plan)
    url = serve().url
    names = {
        "RUN": "run.sqlite", "FILE": "out.file",
        "http://localhost:8000/v1": url, "URL": url,
    }  # fmt: skip

    def fill(command: str) -> str:
        if " last" in command:
            few = ("--limit", "8", "--batch-sizes", "1,4", "--quiet")
            assert embedtui("run", "./my-model", *few).code == 0
        if "--golden" in command or "--history" in command:
            small = ("--dtype", "float16", "--batch-sizes", "1,4", "--limit", "8")
            assert embedtui("check", "minilm", *small, "--record", "golden.sqlite").code == 0
        for name, value in names.items():
            command = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", value, command)
        return command.replace("#MODEL", "")

    return fill


def alternatives(command: str) -> list[str]:
    """Return a command once for every choice of what it shows as `one|another`."""
    parts = re.split(r"(?<= )([\w-]+(?:\|[\w-]+)+)(?= |$)", command)
    return ["".join(chosen) for chosen in itertools.product(*(part.split("|") for part in parts))]


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("embedtui doctor", ["embedtui doctor"]),
        ("embedtui a b|c|d-e", ["embedtui a b", "embedtui a c", "embedtui a d-e"]),
        ("embedtui a|b --to c|d", [f"embedtui {x} --to {y}" for x in "ab" for y in "cd"]),
    ],
)
def test_alternatives_are_told_from_pipes(command: str, meant: list[str]) -> None:
    assert alternatives(command) == meant


@pytest.mark.parametrize("command", [one for one in COMMANDS if one not in NOT_RUN])
def test_runs_as_it_is_shown(
    command: str, at_hand: Callable[[str], str], embedtui: Embedtui, tmp_path: Path
) -> None:
    plain, _, _ = at_hand(command).partition(" > ")
    plain, _, _ = plain.partition(" |")
    if plain.startswith("make "):
        done = subprocess.run(
            [*shlex.split(plain), "--dry-run"], cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return
    for one in alternatives(plain):
        words = shlex.split(one)[1:]
        more = (
            FEW.get(words[0], ())
            if not {"--limit", "retrieval", "--golden", "--history"} & set(words)
            else ()
        )
        if words[0] == "check" and not {"plan.toml", "--history"} & set(words):
            more = (*more, "--batch-sizes", "1,4")
        said = embedtui(*words, *more)
        assert said.code in {0, 1}, said.err
        assert said.code == 0 or {"check", "compare", "--advise"} & set(words), said.err


ON_THE_ENGINE = {
    "embedtui run": "SERVE ",
    "embedtui run --json --quiet > report.json": '"status": "finished"',
    "embedtui check minilm --dtype float16 --record golden.sqlite": "",
    "embedtui check minilm --dtype float16 --golden golden.sqlite": "the same bits as recorded",
}
"""What the main commands say on vLLM itself, each after those before it."""


class Kept(VllmPool):
    """An engine pool that stays for the next command."""

    def close(self) -> str:
        return ""


@pytest.mark.engine
def test_the_main_commands_run_on_the_real_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(ON_THE_ENGINE) <= set(COMMANDS)
    monkeypatch.chdir(tmp_path)
    pool = Kept()
    monkeypatch.setattr(recorded_run, "VllmPool", lambda: pool)
    try:
        for command, words in ON_THE_ENGINE.items():
            plain, _, _ = command.partition(" > ")
            few = () if "--golden" in command else ("--limit", "4")
            code = call([*shlex.split(plain)[1:], *few, "--batch-sizes", "1,2"])
            said = capsys.readouterr()
            assert code == 0, said.err
            assert words in " ".join(said.out.split()), command
    finally:
        VllmPool.close(pool)


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 120


def test_the_findings_of_the_first_page_are_those_of_the_stories() -> None:
    page = (ROOT / "README.md").read_text("utf-8").partition("## Three findings")[2]
    found = re.findall(r"^- (\*\*.*?)(?=^- |^#)", page, re.MULTILINE | re.DOTALL)
    stories = re.findall(r"^    embedtui demo ([a-z0-9-]+)$", page, re.MULTILINE)
    assert len(found) == len(stories) == 3
    figures = re.compile(r"\d\.\de-\d+|\d+ %|\b\d{2,3}\b(?= tokens|\.| texts| of)")
    for name, finding in zip(stories, found, strict=True):
        chosen = STORIES[name]
        told = chosen.told(run_file.read(library.recordings()[chosen.recording]))
        said = set(re.findall(r"[\d.]+(?:e-\d+)?", " ".join(told.sentences)))
        said = {one.rstrip(".") for one in said}
        named = {one.removesuffix(" %") for one in figures.findall(finding)}
        assert len(named) >= 3
        assert named <= said, (name, named - said)


@pytest.mark.parametrize("name", LISTS)
def test_lists_what_there_is_to_choose_from(embedtui: Embedtui, name: str) -> None:
    assert embedtui("list", name).code == 0


def test_what_is_not_run_is_still_shown() -> None:
    assert set(NOT_RUN) <= set(COMMANDS)


def test_commands_in_running_text_exist(embedtui: Embedtui) -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`embedtui ([a-z][a-z-]*)", page.read_text("utf-8"))
    }
    assert len(named) > 5
    for name in sorted(named):
        assert embedtui(name, "--help").code == 0, name
