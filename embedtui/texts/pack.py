"""Texts in an order, and the digest that tells whether two studies embedded the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from embedtui.texts.sampling import Sample


@dataclass(frozen=True, slots=True)
class Text:
    """One text and the id that its results are filed under; either may hold lone surrogates."""

    id: str
    text: str


class Qrel(NamedTuple):
    """What somebody said of a document for a query: rows of a pack, and how relevant it is."""

    query: int
    document: int
    grade: int
    """0 or less for a document that is not relevant."""


@dataclass(frozen=True)
class Labels:
    """Which texts of a pack are queries, the others being documents, and what is relevant."""

    queries: tuple[int, ...]
    """Rows, ascending."""
    qrels: tuple[Qrel, ...]
    unknown: int = 0
    """Judgements that were left out: of texts that are not there."""

    def of_rows(self, rows: Sequence[int]) -> Labels | None:
        """Return the labels of a pack that keeps these rows; None where no judgement is left."""
        place = {row: at for at, row in enumerate(rows)}
        kept = tuple(
            Qrel(place[one.query], place[one.document], one.grade)
            for one in self.qrels
            if one.query in place and one.document in place
        )
        if not kept:
            return None
        queries = tuple(sorted(place[row] for row in self.queries if row in place))
        return Labels(queries, kept, self.unknown)


@dataclass(frozen=True)
class TextPack:
    """The texts of a study, in order.

    `name` is what a person calls them: a sample pack's name or a file's name. `source` is what
    `load_texts` takes to read them again: the pack's name or the file's absolute path. Both are
    as they were given, so they go through `printable()` before a terminal sees them.
    """

    name: str
    source: str
    texts: tuple[Text, ...]
    labels: Labels | None = None
    """None where every text is a query and a document at once."""
    sample: Sample | None = None
    """How its texts were drawn from more; None for all, or the first."""

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        """For each text the row of the first with the same content: itself, or what it repeats."""
        seen: dict[str, int] = {}
        return tuple(seen.setdefault(one.text, row) for row, one in enumerate(self.texts))

    @cached_property
    def sha256(self) -> str:
        """Return the SHA-256 of ids and texts in order, in hexadecimal digits.

        Each string is preceded by its length, so that no two different packs give the digest the
        same bytes; name and source are left out, so that a copied file is the same pack, and
        labels, which change no vector.
        """
        digest = hashlib.sha256()
        for text in self.texts:
            for part in (text.id, text.text):
                # surrogatepass: a lone surrogate has no UTF-8 and yet must tell texts apart.
                data = part.encode("utf-8", "surrogatepass")
                digest.update(len(data).to_bytes(8, "big"))
                digest.update(data)
        return digest.hexdigest()
