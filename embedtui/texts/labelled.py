"""Folders of queries, documents and judgements, laid out as BEIR has them.

`corpus.jsonl` and `queries.jsonl` hold an object a line with `_id` and `text`, documents a `title`
as well; `qrels.tsv`, or a file of the folder `qrels`, has a query's id, a document's id and a grade
on each line (Thakur et al., BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information
Retrieval Models, NeurIPS 2021).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedtui.common.errors import InputError
from embedtui.texts.pack import Labels, Qrel, Text
from embedtui.texts.quoting import quoted
from embedtui.texts.readers import json_objects, kind_of, text_lines
from embedtui.texts.sampling import draw

CORPUS, QUERIES = "corpus.jsonl", "queries.jsonl"
_QRELS = (
    "qrels.tsv",
    "qrels/test.tsv",
    "qrels/dev.tsv",
    "qrels/validation.tsv",
    "qrels/train.tsv",
)
_LAYOUT = f"{CORPUS}, {QUERIES} and {_QRELS[0]} or {_QRELS[1]}"


def is_labelled(folder: Path) -> bool:
    """Say whether a folder looks like one of queries and documents."""
    return (folder / CORPUS).is_file()


def count_texts(folder: Path) -> int:
    """Return how many texts a folder has, lines that are not blank."""
    total = 0
    for name in (CORPUS, QUERIES):
        with (folder / name).open("rb") as file:
            total += sum(1 for line in file if line.strip())
    return total


def read_labelled(
    folder: Path, limit: int | None = None, seed: int | None = None
) -> tuple[tuple[Text, ...], Labels, int]:
    """Return the texts of a folder, queries first, what is relevant to which, and how many.

    Queries that nobody judged are left out, and so are judgements of texts that are not there, as
    published folders have some; these are counted. A limit keeps the share of queries, those first
    in the file or those that a seed draws, and of the documents first those that were judged for
    them, so that there is still something to find. Where a query and a document have one id, every
    query's is told by a `q:`.

    Raises:
        InputError: naming the file and the line, for whatever keeps it from being read.
    """
    missing = [name for name in (CORPUS, QUERIES) if not (folder / name).is_file()]
    qrels = next((name for name in _QRELS if (folder / name).is_file()), None)
    if missing or qrels is None:
        raise InputError(f"has no {(missing or [_QRELS[0]])[0]}; a folder needs {_LAYOUT}")
    documents = dict(_objects(folder, CORPUS, titled=True))
    queries = dict(_objects(folder, QUERIES, titled=False))
    judged, unknown = _judgements(folder, qrels, queries, documents)
    kept = [name for name in queries if name in judged]
    if not kept:
        raise InputError(f"{qrels}: judges none of the queries; give judgements of these")
    listed = list(documents)
    whole = len(kept) + len(documents)
    if limit is not None and limit < whole:
        kept, listed = _limited(kept, listed, judged, limit, seed)
    texts, judgements = _made(kept, listed, queries, documents, judged)
    return texts, Labels(tuple(range(len(kept))), judgements, unknown), whole


def _made(
    kept: list[str],
    listed: list[str],
    queries: dict[str, str],
    documents: dict[str, str],
    judged: dict[str, dict[str, int]],
) -> tuple[tuple[Text, ...], tuple[Qrel, ...]]:
    mark = "q:" if set(kept) & set(listed) else ""
    texts = [Text(mark + name, queries[name]) for name in kept]
    texts += [Text(name, documents[name]) for name in listed]
    row_of = {name: len(kept) + at for at, name in enumerate(listed)}
    judgements = tuple(
        Qrel(row, row_of[document], grade)
        for row, name in enumerate(kept)
        for document, grade in judged[name].items()
        if document in row_of
    )
    return tuple(texts), judgements


def _limited(
    kept: list[str],
    listed: list[str],
    judged: dict[str, dict[str, int]],
    limit: int,
    seed: int | None,
) -> tuple[list[str], list[str]]:
    """Return as many queries and, of the documents, those judged for them before the others.

    Without a seed both are the first, with one they are drawn.
    """
    if limit < 2:
        raise InputError(f"limit {limit}: a query and a document are the least; give 2 or more")
    share = max(1, limit * len(kept) // (len(kept) + len(listed)))
    first = kept[:share] if seed is None else draw(kept, share, seed)[0]
    wanted = {document for name in first for document in judged[name]}
    others = [name for name in listed if name not in wanted]
    needed = [name for name in listed if name in wanted][: limit - len(first)]
    room = limit - len(first) - len(needed)
    chosen = {*needed, *(others[:room] if seed is None else draw(others, room, seed)[0])}
    return first, [name for name in listed if name in chosen]


def _objects(folder: Path, name: str, *, titled: bool) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for place, value in _rows(folder, name):
        key, text = value.get("_id"), value.get("text")
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise InputError(f"{name}, {place}: _id is {kind_of(key)}; give a string")
        if not isinstance(text, str):
            raise InputError(f"{name}, {place}: text is {kind_of(text)}; give a string")
        if str(key) in seen:
            raise InputError(f"{name}, {place}: the id {quoted(str(key))} was used before")
        seen.add(str(key))
        title = value.get("title", "") if titled else ""
        if not isinstance(title, str | None):
            raise InputError(f"{name}, {place}: title is {kind_of(title)}; give a string")
        yield str(key), f"{title} {text}".strip() if title else text
    if not seen:
        raise InputError(f"{name}: holds no texts")


def _rows(folder: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with _opened(folder / name) as file:
        try:
            yield from json_objects(file)
        except InputError as error:
            raise InputError(f"{name}, {error}") from error.__cause__


def _judgements(
    folder: Path, name: str, queries: dict[str, str], documents: dict[str, str]
) -> tuple[dict[str, dict[str, int]], int]:
    """Return the grade of each judged document, by query, and how many are of unknown texts."""
    judged: dict[str, dict[str, int]] = {}
    unknown, begun = 0, False
    with _opened(folder / name) as file:
        try:
            lines = list(text_lines(file))
        except InputError as error:
            raise InputError(f"{name}, {error}") from error.__cause__
    for number, line in lines:
        cells = line.split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        grade = _grade(cells[-1]) if cells else None
        if not any(cells) or (grade is None and line.startswith("#")):
            continue
        header, begun = grade is None and not begun, True
        if header:
            continue
        # trec_eval's own layout has a column between the ids that nothing uses.
        if len(cells) not in {3, 4} or grade is None:
            raise InputError(
                f"{name}, line {number}: give a query's id, a document's id and a whole number"
            )
        query, document = cells[0], cells[-2]
        if query not in queries or document not in documents:
            unknown += 1
        else:
            judged.setdefault(query, {})[document] = grade
    return judged, unknown


_GRADE = re.compile(r"(-?\d{1,9})(?:\.0*)?", re.ASCII)


def _grade(cell: str) -> int | None:
    """Return a whole number, which some write as 1.0; None for anything else."""
    found = _GRADE.fullmatch(cell)
    return None if found is None else int(found[1])


def _opened(path: Path) -> io.BufferedReader:
    return io.BufferedReader(path.open("rb", buffering=0), 1 << 16)
