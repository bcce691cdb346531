from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedtui.common.errors import InputError
from embedtui.texts import Text, load_texts
from embedtui.texts.readers import READERS

from .conftest import Refused


def ids(ref: Path | str, **options: Any) -> list[str]:
    return [text.id for text in load_texts(str(ref), **options).texts]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("one\ntwo\nthree\n")
    return path


def assert_suffixes_named(message: str) -> None:
    assert all(suffix in message for suffix in READERS)


def test_importing_loads_no_heavy_library() -> None:
    heavy = ("pyarrow", "torch", "vllm", "transformers")
    code = f"import sys, embedtui.texts; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_pack_is_loaded_by_its_name(packs: Path) -> None:
    pack = load_texts("queries")
    assert (pack.name, pack.source) == ("queries", "queries")
    assert pack.texts == (Text("q0", "queries 0"), Text("q1", "queries 1"))


def test_a_pack_goes_before_a_file_of_the_same_name(
    packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queries").mkdir()
    assert len(load_texts("queries")) == 2


def test_a_file_tells_its_name_and_how_to_read_it_again(
    lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lines.parent)
    pack = load_texts("lines.txt")
    assert pack.name == "lines.txt"
    assert pack.source == str(lines)
    assert load_texts(pack.source) == pack


def test_suffixes_are_read_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "A.TXT"
    path.write_text("a")
    assert ids(path) == ["1"]


def test_unknown_packs_are_refused(packs: Path, refused: Refused) -> None:
    message = refused("pasages")
    assert message.startswith("pasages: is not a pack (did you mean passages?)")
    assert "passages, queries" in message
    assert_suffixes_named(message)
    assert "did you mean" not in refused("zzz")
    assert refused("").startswith("'': ")
    for odd in ("\x1b[2Jq\nx", "a\0b", "x" * 5000, "\ud800"):
        refused(odd)


def test_an_unknown_pack_is_refused_where_there_are_none(packs: Path, refused: Refused) -> None:
    for path in packs.iterdir():
        path.unlink()
    assert "give one of (none)" in refused("passages")


def test_what_is_no_file_to_read_is_refused(
    packs: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("a")
    (tmp_path / "bare").write_text("a")
    (tmp_path / "folder.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    for ref, reason in {
        "./none.txt": "no such file",
        "./notes.md/none.txt": "no such file",
        "notes.md": "has the suffix '.md'",
        "./bare": "has no suffix",
        "bare": "has no suffix",
        "packs": "is a folder",
        "folder.txt": "is a folder",
        "pipe.txt": "is not a regular file",
        "./a\0b.txt": "not a file's name",
        "./\ud800.txt": "not a file's name",
        "./" + "x" * 5000 + ".txt": "cannot be read (File name too long)",
        "./\x1b[2J\u202e.txt": "no such file",
    }.items():
        message = refused(ref)
        assert (
            f": {reason}" in message and "give a file" in message
        ) or "; give a readable file" in message
        assert reason in message
        assert_suffixes_named(message)


@pytest.mark.parametrize("suffix", READERS)
def test_an_unreadable_file_is_refused(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("a")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)
    message = refused(path)
    assert "cannot be read (Permission denied)" in message
    assert_suffixes_named(message)


@pytest.mark.parametrize("suffix", READERS)
def test_an_empty_file_is_refused(tmp_path: Path, refused: Refused, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("")
    assert "is empty" in refused(path)


def test_a_file_without_texts_is_refused(tmp_path: Path, refused: Refused) -> None:
    for name, content in {
        "a.txt": "\n \r\n\t\n",
        "b.txt": "\ufeff",
        "a.jsonl": "\n\n",
        "a.csv": "id,text\n",
        "b.csv": "\n\n",
    }.items():
        path = tmp_path / name
        path.write_bytes(content.encode())
        assert "holds no texts" in refused(path)


def test_the_first_texts_are_enough(lines: Path) -> None:
    assert ids(lines, limit=2) == ["1", "2"]
    assert ids(lines, limit=9) == ["1", "2", "3"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(lines: Path, refused: Refused, limit: int) -> None:
    assert refused(lines, limit=limit) == f"limit {limit}: give 1 or more"


def test_beyond_the_limit_nothing_is_read(tmp_path: Path, refused: Refused) -> None:
    for name, good, bad in (
        ("a.txt", b"fine\n", b"\xff\n"),
        ("a.jsonl", b'"fine"\n', b"{\n"),
        ("a.csv", b"text\nfine\n", b'"unclosed\n'),
    ):
        path = tmp_path / name
        path.write_bytes(good + bad)
        assert ids(path, limit=1) == ["1"]
        refused(path, limit=2)


def test_an_id_used_twice_is_refused(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,key,text\na,1,x\nb,1,y\nb\x1b,1,z\nb,2,w\n")
    assert "row 4: the id 'b' was used before" in refused(path)
    assert "row 2: the id '1' was used before" in refused(path, id_column="key")
    assert ids(path, limit=3) == ["a", "b", "b\x1b"]


def test_an_id_may_be_a_string_or_an_integer(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 7, "text": "a"}\n{"id": "x", "text": "b"}\n{"text": "c"}\n')
    assert ids(path) == ["7", "x", "3"]
    for value, kind in (("true", "a boolean"), ("1.5", "a number"), ("null", "null")):
        path.write_text(f'{{"id": {value}, "text": "a"}}\n')
        assert f"line 1: the id is {kind}; give a string or an integer" in refused(path)


def test_texts_are_joined_to_long_ones(packs: Path, tmp_path: Path) -> None:
    file = tmp_path / "few.txt"
    file.write_text("\n".join("abcdefg"))
    pack = load_texts(str(file), join=3)
    assert pack.name == "few.txt×3"
    assert [text.text for text in pack.texts] == ["a\n\nb\n\nc", "d\n\ne\n\nf"]
    assert [text.text for text in load_texts(str(file), join=2, limit=1).texts] == ["a\n\nb"]
    assert load_texts(str(file), join=1).name == "few.txt"
    with pytest.raises(InputError, match="too few to join 8"):
        load_texts(str(file), join=8)
    with pytest.raises(InputError, match="join 0: give 1 or more"):
        load_texts(str(file), join=0)
