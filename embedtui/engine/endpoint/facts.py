"""What a server tells of itself; what it does not is unknown, and said to be.

vLLM, text-embeddings-inference, llama.cpp and Ollama each have a route of their own for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from embedtui.address import Address
from embedtui.engine.endpoint.faults import PAGE, ServerError
from embedtui.engine.endpoint.wire import Stop, Wire
from embedtui.printable import printable

UNKNOWN = "unknown"
_SECONDS = 5.0
"""A fact that takes longer is none: figures do not wait for it."""
_DTYPES = {"float16", "bfloat16", "float32", "float64"}


@dataclass(frozen=True)
class Served:
    """One model in a server's list."""

    name: str
    max_length: int
    """Tokens of the longest text; 0 where the list does not say."""


def models(wire: Wire, address: Address, stop: Stop) -> list[Served] | None:
    """Return the models that the server lists; None where it has no such list.

    Raises:
        ServerError: if nobody answers, or not to us.
    """
    answer = wire.get(f"{address.base}/models", stop, seconds=_SECONDS * 6, tries=3)
    if answer.status in {401, 403}:
        raise no_access(wire, answer.status)
    if answer.is_good and answer.is_page:
        raise ServerError("no-embeddings", f"{wire.name}: {PAGE}")
    said = answer.json() if answer.is_good else None
    listed = said.get("data") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        return None
    return [
        Served(one["id"], _count(one.get("max_model_len")))
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("id"), str)
    ]


def no_access(wire: Wire, status: int) -> ServerError:
    """Return the error of a server that wants a key, or another one."""
    advice = wire.withheld or (
        "set EMBEDTUI_API_KEY to the server's key, or type it with --ask-key"
    )
    return ServerError("no-access", f"{wire.name}: access refused ({status}): {advice}")


def ask(wire: Wire, address: Address, stop: Stop) -> dict[str, str]:
    """Return server, version, dtype, pooling and whatever else the server tells of itself."""
    for known in (_vllm, _tei, _llama_cpp, _ollama):
        found = known(lambda path: _get(wire, f"{address.root}{path}", stop))
        if found:
            return {key: printable(value, 80) for key, value in found.items() if value}
    return {}


_Get = Callable[[str], Any]


def _get(wire: Wire, url: str, stop: Stop) -> Any:
    try:
        answer = wire.get(url, stop, seconds=_SECONDS)
    except ServerError:
        return None
    return answer.json() if answer.is_good else None


def _vllm(get: _Get) -> dict[str, str]:
    version = get("/version")
    if not isinstance(version, dict) or not isinstance(version.get("version"), str):
        return {}
    found = {"server": "vLLM", "version": version["version"]}
    config = get("/server_info?config_format=json")  # where it runs in its developers' mode
    inner = config.get("vllm_config") if isinstance(config, dict) else None
    model = inner.get("model_config") if isinstance(inner, dict) else None
    if isinstance(model, Mapping):
        found["dtype"] = _dtype(model.get("dtype"))
        eager = model.get("enforce_eager")
        if isinstance(eager, bool):
            found["execution"] = "eager" if eager else "compiled"
    return found


def _tei(get: _Get) -> dict[str, str]:
    info = get("/info")
    if not isinstance(info, dict) or "model_dtype" not in info:
        return {}
    kind = info.get("model_type")
    pooling = kind.get("embedding") if isinstance(kind, dict) else None
    named = pooling.get("pooling") if isinstance(pooling, dict) else None
    return {
        "server": "text-embeddings-inference",
        "version": str(info.get("version", "")),
        "dtype": _dtype(info["model_dtype"]),
        "pooling": str(named or ""),
        "revision": str(info.get("model_sha") or ""),
    }


def _llama_cpp(get: _Get) -> dict[str, str]:
    info = get("/props")
    if not isinstance(info, dict) or "build_info" not in info:
        return {}
    return {"server": "llama.cpp", "version": str(info["build_info"])}


def _ollama(get: _Get) -> dict[str, str]:
    info = get("/api/version")
    if not isinstance(info, dict) or "version" not in info:
        return {}
    return {"server": "Ollama", "version": str(info["version"])}


def _dtype(value: Any) -> str:
    name = str(value or "").removeprefix("torch.").lower()
    return name if name in _DTYPES else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


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


def counters(wire: Wire, address: Address, stop: Stop) -> Counters | None:
    """Return vLLM's counters; None where the server has none, or keeps them to itself.

    `iteration_tokens_total` is a histogram with an entry for each step of the engine.
    """
    try:
        answer = wire.get(f"{address.root}/metrics", stop, seconds=_SECONDS)
    except ServerError:
        return None
    sums = {"iteration_tokens_total_count": 0.0, "iteration_tokens_total_sum": 0.0}
    texts = 0.0
    found = _COUNTED.findall(answer.body.decode(errors="replace")) if answer.is_good else []
    try:
        for name, value in found:
            if name in sums:
                sums[name] += float(value)
            else:
                texts += float(value)
    except ValueError:
        return None
    if not any(name in sums for name, _ in found):
        return None
    steps, tokens = sums.values()
    return Counters(steps, tokens, texts)
