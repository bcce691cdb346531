"""What a server tells of itself; what it does not is unknown, and said to be.

vLLM, text-embeddings-inference, llama.cpp and Ollama each have a route of their own for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from embedtui.common.address import Address
from embedtui.common.printable import printable
from embedtui.engine.remote.embedding_response import count_of
from embedtui.engine.remote.http_answer import Answer
from embedtui.engine.remote.http_client import HttpClient, Stop
from embedtui.engine.remote.server_error import PAGE, ServerError

UNKNOWN = "unknown"
_SECONDS = 5.0
"""A fact that takes longer is none: figures do not wait for it."""
_DTYPES = {"float16", "bfloat16", "float32", "float64"}


_LONGEST_NAME = 500
_LISTS_VLLM = re.compile(rb"^vllm:", re.MULTILINE)
"""A line of vLLM's metrics."""


@dataclass(frozen=True)
class Served:
    """One model in a server's list."""

    name: str
    max_length: int
    """Tokens of the longest text; 0 where the list does not say."""
    owner: str = ""
    """What the list says of who owns it; vLLM says `vllm`."""


def models(client: HttpClient, address: Address, stop: Stop) -> list[Served] | None:
    """Return the models that the server lists; None where it has no such list.

    Raises:
        ServerError: if nobody answers, or not to us.
    """
    answer = client.get(f"{address.base}/models", stop, seconds=_SECONDS * 6, tries=3)
    if answer.status in {401, 403}:
        raise no_access(client, answer)
    if answer.is_good and answer.is_page:
        raise ServerError("no-embeddings", f"{client.name}: {PAGE}")
    said = answer.json() if answer.is_good else None
    listed = said.get("data") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        return None
    return [
        Served(name, count_of(one.get("max_model_len")), _text(one.get("owned_by")))
        for one in listed
        if isinstance(one, dict)
        and isinstance(name := one.get("id"), str)
        and 0 < len(name) <= _LONGEST_NAME
    ]


def no_access(client: HttpClient, answer: Answer) -> ServerError:
    """Return the error of a server that wants a key, or another one.

    Where a key was sent, what the server says comes first: a 403 may be about the model.
    """
    words = f"{client.name}: access refused ({answer.status}): {client.words(answer)}"
    if client.sends_key:
        return ServerError("no-access", f"{words}; a key was sent")
    advice = client.withheld or (
        "set EMBEDTUI_API_KEY to the server's key, or type it with --ask-key"
    )
    return ServerError("no-access", f"{words}; {advice}")


def ask(
    client: HttpClient, address: Address, stop: Stop, owners: Collection[str] = ()
) -> dict[str, str]:
    """Return server, version, dtype, pooling and whatever else the server tells of itself.

    A route such as /version has many servers; `owners`, of the list of models, say whether it is
    vLLM's.
    """

    def get(path: str) -> object:
        answer = _get(client, f"{address.root}{path}", stop)
        return None if answer is None else answer.json()

    def is_vllm() -> bool:
        if "vllm" in owners:
            return True
        metrics = _get(client, f"{address.root}/metrics", stop)
        return metrics is not None and _LISTS_VLLM.search(metrics.body) is not None

    for known in (partial(_vllm, is_vllm=is_vllm), _tei, _llama_cpp, _ollama):
        if found := known(get):
            return {
                key: printable(client.clean(value), 80) for key, value in found.items() if value
            }
    return {}


_Get = Callable[[str], object]


def _get(client: HttpClient, url: str, stop: Stop) -> Answer | None:
    try:
        answer = client.get(url, stop, seconds=_SECONDS)
    except ServerError:
        return None
    return answer if answer.is_good else None


def _vllm(get: _Get, is_vllm: Callable[[], bool]) -> dict[str, str]:
    version = _text(_of(get("/version"), "version"))
    if not version or not is_vllm():
        return {}
    found = {"server": "vLLM", "version": version}
    # Told where it runs in its developers' mode.
    model = _of(get("/server_info?config_format=json"), "vllm_config", "model_config")
    found["dtype"] = _dtype(_of(model, "dtype"))
    eager = _of(model, "enforce_eager")
    if isinstance(eager, bool):
        found["execution"] = "eager" if eager else "compiled"
    return found


def _tei(get: _Get) -> dict[str, str]:
    info = get("/info")
    if not isinstance(info, dict) or "model_dtype" not in info:
        return {}
    return {
        "server": "text-embeddings-inference",
        "version": _text(info.get("version")),
        "dtype": _dtype(info["model_dtype"]),
        "pooling": _text(_of(info, "model_type", "embedding", "pooling")),
        "revision": _text(info.get("model_sha")),
    }


def _llama_cpp(get: _Get) -> dict[str, str]:
    version = _text(_of(get("/props"), "build_info"))
    return {"server": "llama.cpp", "version": version} if version else {}


def _ollama(get: _Get) -> dict[str, str]:
    version = _text(_of(get("/api/version"), "version"))
    if not version or not isinstance(_of(get("/api/tags"), "models"), list):
        return {}
    return {"server": "Ollama", "version": version}


def _of(value: object, *keys: str) -> object:
    """Return what is at the end of a path through objects; None where the path ends before."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: object) -> str:
    """Return a fact as text; nothing else than a text or a number is one."""
    known = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value)[:_LONGEST_NAME] if known else ""


def _dtype(value: object) -> str:
    name = _text(value).removeprefix("torch.").lower()
    return name if name in _DTYPES else ""


@dataclass(frozen=True)
class Counters:
    """What vLLM has counted since it was started, over everybody who asks it."""

    steps: float
    tokens: float
    texts: float

    def since(self, before: Counters) -> Counters:
        """Return what was counted after `before`."""
        return Counters(
            self.steps - before.steps, self.tokens - before.tokens, self.texts - before.texts
        )


_COUNTED = re.compile(
    r"^vllm:(iteration_tokens_total_count|iteration_tokens_total_sum|request_success_total)"
    r"(?:\{[^}\n]*\})? (\S+)$",
    re.MULTILINE,
)


def counters(client: HttpClient, address: Address, stop: Stop) -> Counters | None:
    """Return vLLM's counters; None where the server has none, or keeps them to itself.

    `iteration_tokens_total` is a histogram with an entry for each step of the engine.
    """
    answer = _get(client, f"{address.root}/metrics", stop)
    if answer is None:
        return None
    sums = {"iteration_tokens_total_count": 0.0, "iteration_tokens_total_sum": 0.0}
    texts = 0.0
    found = _COUNTED.findall(answer.body.decode(errors="replace"))
    try:
        for name, value in found:
            if name in sums:
                sums[name] += float(value)
            else:
                texts += float(value)
    except ValueError:
        return None
    steps, tokens = sums.values()
    # Float64 counts no further than that, and what is NaN or negative is no count.
    sound = all(0 <= one < 2**53 for one in (steps, tokens, texts))
    if not sound or not any(name in sums for name, _ in found):
        return None
    return Counters(steps, tokens, texts)
