"""An answer of /v1/embeddings read as vectors, or told as what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.engine.endpoint.faults import PAGE, ServerError
from embedtui.engine.endpoint.wire import Answer
from embedtui.wording import text_count

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """The vectors of one request."""

    vectors: Floats
    """Texts x width, in the order of the texts."""
    tokens: int
    """Tokens that the server counted, over all texts; 0 where it does not say."""
    nulls: int
    """Figures for which the server wrote null."""


def read(answer: Answer, texts: int, name: str) -> Embedded:
    """Return the vectors of a good answer.

    `index` says which text a vector belongs to, in whatever order they come; a null among the
    figures is what is left of a NaN in JSON, and becomes one again.

    Raises:
        ServerError: if it is no such answer, or not one vector for each text.
    """
    said = answer.json()
    if not isinstance(said, dict) or not isinstance(said.get("data"), list):
        raise _no_answer(answer, said, name)
    data = said["data"]
    if len(data) != texts:
        raise ServerError(
            "wrong-count", f"{name}: {len(data)} vectors came back for {text_count(texts)}"
        )
    rows = [_vector(one, name) for one in data]
    widths = sorted({len(row) for row in rows})
    if len(widths) > 1 or not widths[0]:
        raise ServerError(
            "wrong-width", f"{name}: vectors of {', '.join(map(str, widths))} figures in one answer"
        )
    vectors = np.stack(rows)[_order(data, name)]
    usage = said.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    counted = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0
    nulls = sum(row.count(None) for one in data if isinstance(row := one["embedding"], list))
    return Embedded(vectors, tokens if counted and tokens is not None else 0, nulls)


def _order(data: list[Any], name: str) -> list[int]:
    """Return where the vector of each text stands."""
    places = [one.get("index", at) for at, one in enumerate(data)]
    if sorted(map(str, places)) != sorted(map(str, range(len(data)))):
        raise ServerError(
            "wrong-order",
            f"{name}: the `index` of its vectors does not count the texts from 0 on, so that "
            "nobody can tell whose they are",
        )
    return [places.index(at) for at in range(len(data))]


def _vector(one: Any, name: str) -> Floats:
    found = one.get("embedding") if isinstance(one, dict) else None
    try:
        if isinstance(found, str):
            # Little-endian float32 is what every server and OpenAI's own client take it for.
            return np.frombuffer(base64.b64decode(found, validate=True), dtype="<f4")
        if isinstance(found, list):
            figures = [np.nan if figure is None else float(figure) for figure in found]
            with np.errstate(over="ignore"):
                return np.asarray(figures, dtype=np.float64).astype(np.float32)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise ServerError(
        "no-embeddings", f"{name}: a vector that is neither a list of figures nor float32 in base64"
    )


def _no_answer(answer: Answer, said: Any, name: str) -> ServerError:
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
