"""An answer of /v1/embeddings read as vectors, or told as what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.common.wording import text_count
from embedtui.engine.remote.http_answer import Answer
from embedtui.engine.remote.server_error import PAGE, ServerError

Floats = npt.NDArray[np.float32]

MOST_WIDTH = 1 << 16
"""Figures of the widest vector that is plausible; the widest known models have 16,384."""
_BYTES = {"answer": 1 << 20, "text": 4096, "figure": 64}
"""What JSON may take: 17 digits, a sign, an exponent, and the white space of one figure a line."""
_MOST_TOKENS = 1 << 40
_PARTLY_WILD = 0.05
"""Share of figures beyond what any model computes, from which on float32 was read wrongly."""
_LONGEST_NAME = 200
_ENOUGH = 32
"""Figures; fewer say nothing about how they were written."""


@dataclass(frozen=True)
class Embedded:
    """The vectors of one request."""

    vectors: Floats
    """Texts x width, in the order of the texts."""
    tokens: int
    """Tokens that the server counted, over all texts; 0 where it does not say."""
    nulls: int
    """Figures for which the server wrote null."""
    encoding: str
    """How the vectors came, float or base64, whatever was asked for."""
    model: str = ""
    """The model that the answer names; empty where it names none."""


def budget(texts: int, width: int = MOST_WIDTH) -> int:
    """Return how many bytes an answer for so many texts may have at most."""
    return _BYTES["answer"] + texts * (_BYTES["text"] + width * _BYTES["figure"])


def read(answer: Answer, texts: int, name: str) -> Embedded:
    """Return the vectors of a good answer.

    `index` says which text a vector belongs to, in whatever order they come; a null among the
    figures is what is left of a NaN in JSON, and becomes one again.

    Raises:
        ServerError: if it is no such answer, or not one vector for each text.
    """
    said = answer.json()
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(data, list):
        raise _no_answer(answer, said, name)
    if len(data) != texts:
        raise ServerError(
            "wrong-count", f"{name}: {len(data)} vectors came back for {text_count(texts)}"
        )
    entries = [one for one in data if isinstance(one, dict)]
    if len(entries) != len(data):
        raise ServerError("no-embeddings", f"{name}: a vector that is no object with `embedding`")
    rows = [_vector(one.get("embedding"), name) for one in entries]
    widths = sorted({len(row) for row in rows})
    if len(widths) != 1 or not 0 < widths[0] <= MOST_WIDTH:
        shown = ", ".join(map(str, widths)) or "no"
        raise ServerError("wrong-width", f"{name}: vectors of {shown} figures in one answer")
    vectors = np.stack(rows)[_order(entries, name)]
    usage = said.get("usage")
    lists = [row for one in entries if isinstance(row := one.get("embedding"), list)]
    return Embedded(
        vectors,
        count_of(usage.get("prompt_tokens")) if isinstance(usage, dict) else 0,
        sum(row.count(None) for row in lists),
        "float" if lists else "base64",
        model[:_LONGEST_NAME] if isinstance(model := said.get("model"), str) else "",
    )


def count_of(value: object) -> int:
    """Return a count that a server tells; 0 where it is none, or none that anything can have."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value < _MOST_TOKENS else 0


def _order(entries: list[dict[str, object]], name: str) -> list[int]:
    """Return where the vector of each text stands; an index that is written as text counts too."""
    places: dict[int, int] = {}
    for at, one in enumerate(entries):
        index = one.get("index", at)
        if isinstance(index, str) and index.isascii() and index.isdecimal() and len(index) < 10:
            index = int(index)
        if isinstance(index, int) and not isinstance(index, bool):
            places[index] = at
    if sorted(places) != list(range(len(entries))):
        raise ServerError(
            "wrong-order",
            f"{name}: the `index` of its vectors does not count the texts from 0 on, so that "
            "nobody can tell whose they are",
        )
    return [places[at] for at in range(len(entries))]


def _vector(found: object, name: str) -> Floats:
    if isinstance(found, str):
        return _from_base64(found, name)
    if not isinstance(found, list):
        raise _no_vector(name, "neither a list of figures nor float32 in base64")
    kinds = set(map(type, found))
    if list in kinds:
        raise _no_vector(name, "a list of lists, one for each token perhaps")
    if not kinds <= {int, float, type(None)}:
        raise _no_vector(name, "a list of something else than figures")
    figures = [np.nan if figure is None else float(figure) for figure in found]
    with np.errstate(over="ignore"):
        return np.asarray(figures, dtype=np.float64).astype(np.float32)


def _from_base64(text: str, name: str) -> Floats:
    """Return a vector of bytes; little-endian float32 is what OpenAI's own client takes it for."""
    if not text.isascii() or "-" in text or "_" in text:
        raise _no_vector(name, "text, or base64 in the alphabet of URLs, which no client reads")
    try:
        packed = base64.b64decode(text, validate=True)
        vector = np.frombuffer(packed, dtype="<f4")
    except (ValueError, binascii.Error):
        raise _no_vector(name, "neither a list of figures nor float32 in base64") from None
    if len(packed) % 8 == 0 and len(vector) >= _ENOUGH and _wild(vector) > _PARTLY_WILD:
        with np.errstate(over="ignore", invalid="ignore"):
            if _wild(np.frombuffer(packed, dtype="<f8")) == 0:
                raise _no_vector(name, "float64 in base64; --setting encoding=float may help")
    return vector


def _wild(figures: npt.NDArray[np.floating]) -> float:
    """Return the share of figures that are finite, and larger or smaller than models compute."""
    sizes = np.abs(figures.astype(np.float64))
    wild = np.isfinite(sizes) & (sizes != 0) & ((sizes > 1e9) | (sizes < 1e-15))
    return float(np.mean(wild)) if len(sizes) else 0.0


def _no_vector(name: str, what: str) -> ServerError:
    return ServerError("no-embeddings", f"{name}: a vector that is {what}")


def _no_answer(answer: Answer, said: object, name: str) -> ServerError:
    """Return what a good answer without vectors is instead."""
    start = answer.body[:200].lstrip().lower()
    if answer.is_page:
        what = PAGE
    elif said is None and start[:1] in {b"{", b"["}:
        size = len(answer.body)
        return ServerError(
            "half-answer", f"{name}: half an answer: its JSON breaks off or is broken, {size} bytes"
        )
    elif said is None:
        what = "what came back is no JSON: this is no embeddings server, or not its /v1"
    else:
        what = "the answer has no vectors in it: this is no embeddings server, or not its /v1"
    return ServerError("no-embeddings", f"{name}: {what}")
