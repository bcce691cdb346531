"""Texts in an order, and the digest that tells whether two studies embedded the same ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Text:
    """One text and the id that its results are filed under; either may hold lone surrogates."""

    id: str
    text: str


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

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def sha256(self) -> str:
        """Return the SHA-256 of ids and texts in order, in hexadecimal digits.

        Each string is preceded by its length, so that no two different packs give the digest the
        same bytes; name and source are left out, so that a copied file is the same pack.
        """
        digest = hashlib.sha256()
        for text in self.texts:
            for part in (text.id, text.text):
                # surrogatepass: a lone surrogate has no UTF-8 and yet must tell texts apart.
                data = part.encode("utf-8", "surrogatepass")
                digest.update(len(data).to_bytes(8, "big"))
                digest.update(data)
        return digest.hexdigest()
