"""What servers, files and run files say is shown as data: no terminal obeys a word of it."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from pathlib import Path

import pytest

from embedtui.cli import output
from tests.cli.conftest import Embedtui, Said
from tests.servers.fault_server import Serve

ESCAPES = "\x1b]52;c;QUJD\x07 \x1b[2J\x9b31m"
BIDI = "\u202edcb\u2066"
JOINERS = "x\u200dy\u200cz\u200b\ufeff\u00ad"
FOREIGN = f"w{ESCAPES}{BIDI}{JOINERS}"
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
FEW = ("--batch-sizes", "2", "--shuffles", "0", "--repeats", "0")


def hidden(said: Said) -> set[str]:
    return {c for c in said.out + said.err if unicodedata.category(c) in HIDDEN and c != "\n"}


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    rows = [{"id": f"{FOREIGN}{n}", "text": f"{FOREIGN} {n}"} for n in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def url(serve: Serve) -> str:
    told = {"/version": json.dumps({"version": FOREIGN}).encode()}
    return serve(told=told, owner="vllm").url


@pytest.fixture
def run_file(embedtui: Embedtui, url: str, texts: Path, tmp_path: Path) -> Path:
    path = tmp_path / f"run{JOINERS}.sqlite"
    said = embedtui("run", url, "--texts", texts, *FEW, "--prompt", f"{FOREIGN}: ", "--out", path)
    assert said.code == 0, said.err
    assert hidden(said) == set()
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("compare", "RUN", "RUN"),
        ("storage", "RUN"),
        ("mix", "RUN"),
        ("open", "--list"),
        ("export", "RUN", "--to", "json"),
        ("export", "RUN", "--to", "csv"),
        ("export", "RUN", "--to", "markdown"),
        ("export", f"nowhere{FOREIGN}"),
        (f"no-command{FOREIGN}",),
        ("run", f"no-model{FOREIGN}"),
        ("run", "minilm", "--texts", f"no-pack{FOREIGN}"),
        ("run", "minilm", "--setting", f"{FOREIGN}=1"),
    ],
    ids=" ".join,
)
def test_no_command_lets_a_run_files_text_through(
    embedtui: Embedtui, run_file: Path, command: tuple[str, ...]
) -> None:
    shown = [str(run_file) if word == "RUN" else word for word in command]
    said = embedtui(*shown)
    if command[-1] in {"json", "csv"}:
        # These are for programs: what moves nothing on a terminal stays as it is.
        said = Said(said.code, "".join(c for c in said.out if c not in JOINERS), said.err)
    assert hidden(said) == set()


@pytest.mark.parametrize("state", [400, 401, 404, 429, 500])
def test_no_error_of_a_server_comes_through(
    embedtui: Embedtui,
    serve: Serve,
    state: int,
) -> None:
    said = embedtui("run", serve(always=state, words=FOREIGN, retry_after="0").url, *FEW)
    assert said.code != 0
    assert hidden(said) == set()


def test_no_name_of_a_model_comes_through(embedtui: Embedtui, serve: Serve) -> None:
    for models in ((f"m{FOREIGN}",), (f"m{FOREIGN}", "n")):
        said = embedtui("run", serve(models=models).url, *FEW)
        assert said.code == 2
        assert hidden(said) == set()


def test_a_check_and_its_history(embedtui: Embedtui, url: str, texts: Path, tmp_path: Path) -> None:
    kept = tmp_path / "history.sqlite"
    files = tmp_path / "j.xml", tmp_path / "m.md"
    said = embedtui(
        *("check", url, "--texts", texts, "--batch-sizes", "1,2", "--share", "0.5"),
        *("--history-file", kept, "--junit", files[0], "--markdown", files[1]),
    )
    assert said.code == 0, said.err
    assert hidden(said) == set()
    for file in files:
        assert hidden(Said(0, file.read_text(), "")) == set()
    with sqlite3.connect(kept) as database:
        columns = database.execute("SELECT * FROM checks LIMIT 1").description
        rows = database.execute("SELECT * FROM checks").fetchall()
        for (name, *_), value in zip(columns, rows[0], strict=True):
            if isinstance(value, str) and name != "at":
                database.execute(f'UPDATE checks SET "{name}" = ?', (f"{value}{FOREIGN}",))
    for form in ((), ("--json",)):
        said = embedtui("check", "--history", "--history-file", kept, *form)
        assert said.code == 0, said.err
        assert "QUJD" in said.out
        assert hidden(said) == set()


def test_the_console_itself_lets_nothing_through(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a command forgets to make a text printable, this is what is left."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(FOREIGN)
    table.add_row(FOREIGN)
    table.add_row(Text(FOREIGN, style="bold"))
    shown = (FOREIGN, Text(FOREIGN), Text.assemble((FOREIGN, "red")), Padding(FOREIGN, 1), table)
    for console in (output.out(), output.err()):
        for one in shown:
            console.print(one)
    said = capsys.readouterr()
    assert "QUJD" in said.out
    assert hidden(Said(0, said.out, said.err)) == set()
