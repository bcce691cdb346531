from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedtui.texts import Labels, Qrel, load_texts, sample_texts_folder
from tests.texts.conftest import Refused

DOCUMENTS = [
    {"_id": "d1", "title": "Rivers", "text": "A river rises."},
    {"_id": "d2", "title": "", "text": "A bridge falls."},
    {"_id": "d3", "text": "A lake lies."},
]
QUERIES = [
    {"_id": "q1", "text": "rising water"},
    {"_id": "nobody judged", "text": "?"},
    {"_id": "q2", "text": "bridges"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td3\t1\nq2\td2\t1\nq2\td1\t0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    write(made, "corpus.jsonl", DOCUMENTS)
    write(made, "queries.jsonl", QUERIES)
    (made / "qrels.tsv").write_text(QRELS)
    return made


def write(folder: Path, name: str, rows: list[Any]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_queries_come_first_and_titles_before_their_text(folder: Path) -> None:
    pack = load_texts(str(folder))
    assert [text.id for text in pack.texts] == ["q1", "q2", "d1", "d2", "d3"]
    assert [text.text for text in pack.texts][1:4] == [
        "bridges",
        "Rivers A river rises.",
        "A bridge falls.",
    ]
    assert pack.labels == Labels(
        (0, 1),
        (Qrel(0, 2, 2), Qrel(0, 4, 1), Qrel(1, 3, 1), Qrel(1, 2, 0)),
    )
    assert (pack.name, pack.source) == ("mine", str(folder))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("qrels/test.tsv", QRELS),
        ("qrels.tsv", QRELS.partition("\n")[2]),
        ("qrels.tsv", "q1 0 d1 2\nq1 0 d3 1\n\nq2 0 d2 1\nq2 0 d1 0\n"),
        ("qrels/dev.tsv", QRELS.replace("\n", "\r\n")),
        ("qrels/validation.tsv", QRELS),
        ("qrels.tsv", QRELS.replace("\t1\n", "\t1.0\n").replace("\t0\n", "\t0.0\n")),
        ("qrels.tsv", f"# judged by hand\n\n{QRELS}"),
    ],
)
def test_judgements_in_every_layout_in_use(folder: Path, name: str, text: str) -> None:
    before = load_texts(str(folder)).labels
    (folder / "qrels.tsv").unlink()
    (folder / "qrels").mkdir()
    (folder / name).write_text(text)
    assert load_texts(str(folder)).labels == before


def test_judgements_of_texts_that_are_not_there_are_left_out_and_counted(folder: Path) -> None:
    before = load_texts(str(folder)).labels
    assert before is not None
    (folder / "qrels.tsv").write_text(f"{QRELS}q1\tgone\t1\nwho\td1\t2\n")
    labels = load_texts(str(folder)).labels
    assert labels == replace(before, unknown=2)
    assert labels is not None
    assert labels.of_rows(range(5)) == labels


def test_ids_that_queries_and_documents_share_are_told_apart(folder: Path) -> None:
    write(folder, "queries.jsonl", [{"_id": "d1", "text": "one"}, {"_id": 7, "text": "two"}])
    (folder / "qrels.tsv").write_text("d1\td2\t1\n7\td1\t1\n")
    pack = load_texts(str(folder))
    assert [text.id for text in pack.texts] == ["q:d1", "q:7", "d1", "d2", "d3"]


def test_a_limit_keeps_what_was_judged(folder: Path) -> None:
    pack = load_texts(str(folder), limit=3)
    assert [text.id for text in pack.texts] == ["q1", "d1", "d3"]
    assert pack.labels == Labels((0,), (Qrel(0, 1, 2), Qrel(0, 2, 1)))
    assert load_texts(str(folder), limit=100).labels == load_texts(str(folder)).labels


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("queries.jsonl", None, "has no queries.jsonl; a folder needs corpus.jsonl"),
        ("qrels.tsv", None, "has no qrels.tsv; a folder needs"),
        ("corpus.jsonl", "", "corpus.jsonl: holds no texts"),
        (
            "corpus.jsonl",
            '{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n',
            "line 2: the id",
        ),
        ("corpus.jsonl", '{"_id": "a", "text": 5}\n', "line 1: text is a number"),
        ("corpus.jsonl", '{"_id": null, "text": "x"}\n', "line 1: _id is null"),
        ("corpus.jsonl", '{"_id": "a", "text": "x", "title": []}\n', "line 1: title is a list"),
        ("corpus.jsonl", "[1]\n", "corpus.jsonl, line 1: holds a list"),
        ("queries.jsonl", "{", "queries.jsonl, line 1: is not JSON"),
        ("qrels.tsv", "who\td1\t1\n", "qrels.tsv: judges none of the queries"),
        ("qrels.tsv", "q1\td1\t1\nq1\td1\t--1\n", "line 2: give a query's id"),
        ("qrels.tsv", "q1\td1\t1\nq1\td1\t1e3\n", "line 2: give a query's id"),
        ("qrels.tsv", "q1\td1\t1\nq1\td1\t²\n", "line 2: give a query's id"),
        ("qrels.tsv", "q1\td1\t1\nq1\td1\n", "line 2: give a query's id"),
        ("qrels.tsv", "q1\td1\t1\nq1\td1\t0.5\n", "line 2: give a query's id"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\n", "qrels.tsv: judges none of the queries"),
        ("qrels.tsv", "\0", "qrels.tsv, is binary"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(
    folder: Path, refused: Refused, name: str, content: str | None, reason: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    assert reason in refused(folder)


def test_options_for_files_are_refused(folder: Path, refused: Refused) -> None:
    assert "leave column and join out" in refused(folder, column="text")
    assert "leave column and join out" in refused(folder, join=2)
    assert "give 2 or more" in refused(folder, limit=1)


def test_labels_of_some_rows() -> None:
    labels = Labels((0, 1), (Qrel(0, 2, 1), Qrel(1, 3, 1)))
    assert labels.of_rows([1, 2, 3]) == Labels((0,), (Qrel(0, 2, 1),))
    assert labels.of_rows([0, 3]) is None


class TestThePack:
    def test_is_large_enough_and_hard(self) -> None:
        pack = load_texts("retrieval")
        assert pack.labels is not None
        queries = set(pack.labels.queries)
        assert len(queries) >= 60
        assert len(pack) - len(queries) >= 200
        assert {one.query for one in pack.labels.qrels} == queries
        texts = [text.text for text in pack.texts]
        assert len(set(texts)) == len(texts)

    def test_every_document_has_near_duplicates(self) -> None:
        pack = load_texts("retrieval")
        groups: dict[str, list[list[str]]] = {}
        for text in pack.texts:
            if not text.id.startswith("q-"):
                groups.setdefault(text.id.rpartition("-")[0], []).append(text.text.split())
        assert len(groups) == 50
        for words in groups.values():
            assert len(words) == 4
            for one in words:
                others = [other for other in words if other is not one]
                shared = max(sum((Counter(one) & Counter(o)).values()) for o in others)
                assert shared >= 0.75 * len(one)

    def test_the_readme_counts_its_groups(self) -> None:
        folder = sample_texts_folder()
        lines = (folder / "retrieval" / "corpus.jsonl").read_text().splitlines()
        kinds = Counter(json.loads(line)["kind"] for line in lines)
        told = {}
        for line in (folder / "README.md").read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 5 and cells[2].isdecimal():
                told[cells[1]] = int(cells[2])
        counted = {names: sum(kinds[name] for name in names.split(", ")) // 4 for names in told}
        assert told == counted
        assert sum(told.values()) == 50
