"""What comes back on one request: bytes within a budget, JSON of any shape, an error's words."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST_INTEGER = 300
"""Digits; longer ones are no counts, and Python refuses those of 4300 digits and more."""
_SHOWN_BYTES = 100_000
"""Of an answer that is no JSON: far more than is shown, lest a cut leave a part of a key."""


@dataclass(frozen=True)
class Answer:
    """What came back on one request, whatever its state."""

    status: int
    kind: str
    """The type of its content, such as application/json."""
    body: bytes
    kept: str = ""
    """Name of the header that says it came from a cache; empty for none."""

    @property
    def is_good(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300

    @property
    def is_page(self) -> bool:
        """Whether it is meant for a person with a browser."""
        start = self.body[:200].lstrip().lower()
        return "html" in self.kind or start.startswith((b"<!doctype", b"<html"))

    @property
    def has_no_credit(self) -> bool:
        """Whether a 429 is about money: OpenAI's `insufficient_quota`, which no waiting helps."""
        said = self.json()
        error = said.get("error") if isinstance(said, dict) else None
        named = (error.get("code"), error.get("type")) if isinstance(error, dict) else ()
        return "insufficient_quota" in named

    def json(self) -> object:
        """Return what the body says; None where it is no JSON.

        NaN and Infinity, which JSON does not have and some servers write, are read as what they
        are meant to be, and so is an integer that is too long to be one.
        """
        try:
            return json.loads(self.body, parse_int=_integer)
        except (ValueError, RecursionError):
            return None

    def words(self) -> str:
        """Return what an answer that is no good says; it may hold anything, also the key."""
        said = self.json()
        for key in ("error", "message", "detail"):
            if isinstance(said, dict) and key in said:
                said = said[key]
        if isinstance(said, str):
            return said
        if said is not None:
            try:
                return json.dumps(said)
            except RecursionError:
                pass
        return self.body[:_SHOWN_BYTES].decode(errors="replace")


def kept_by(headers: Mapping[str, str]) -> str:
    """Return the name of the header that says an answer came from a cache; empty for none.

    `X-Cache: HIT` and its like, `Age` (RFC 9111, 5.1), and the key that LiteLLM sends with what it
    kept.
    """
    for written, value in headers.items():
        name = written.lower()
        hit = "cache" in name and "hit" in value.lower().replace(",", " ").split()
        aged = name == "age" and value.strip().isdecimal() and int(value.strip()[:9]) > 0
        if hit or aged or name == "x-litellm-cache-key":
            return name[:80]
    return ""


class PackedError(Exception):
    """Bytes that are packed in a way that was not asked for, or broken."""


class TooLargeError(Exception):
    """More bytes came than anything that was asked for can have."""


class Body:
    """The bytes of an answer as they come, unpacked no further than a budget goes.

    A few kilobytes can be packed so that they unpack to gigabytes: the HTTP library would unpack
    them all, and packed ones again, before anybody can count.
    """

    def __init__(self, encoding: str, most: int) -> None:
        """Begin a body that came as the header Content-Encoding says.

        Raises:
            PackedError: if it is packed in another way than gzip, or twice.
        """
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise PackedError
        self._unpacker = _gzip() if "gzip" in encoding else None
        self._most = most
        self._got = bytearray()

    def __len__(self) -> int:
        return len(self._got)

    def add(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLargeError: if they are more than the budget, unpacked.
            PackedError: if they cannot be unpacked.
        """
        if self._unpacker is None:
            self._got += chunk
        else:
            try:
                self._got += self._unpacker.decompress(chunk, self._most + 1 - len(self))
            except zlib.error:
                raise PackedError from None
        if len(self) > self._most:
            raise TooLargeError

    def whole(self) -> bytes:
        """Return everything that came."""
        return bytes(self._got)


def _gzip() -> zlib._Decompress:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)
