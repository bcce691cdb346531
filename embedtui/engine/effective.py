"""What is in force: read back from an engine, or told by a server, and not what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class EffectiveConfig:
    """What is in force in one engine; made by `from_dict`, empty until the engine stands.

    A field that nobody told has its default. Engines tell of themselves and of the libraries that
    they run on; a server tells little, and says `unknown` for the rest.
    """

    device: str = ""
    """cpu, cuda or server."""
    dtype: str | None = None
    """Of the weights, never auto."""
    execution: str | None = None
    pooling_accumulation: str | None = None
    threads: int | None = None
    cpu_isa: str | None = None
    matmul_precision: str | None = None
    kernel_precision: str | None = None
    batch_invariant: bool = False
    attention_backend: str | None = None
    prefix_caching: bool = False
    chunked_prefill: bool = False
    max_num_batched_tokens: int = 0
    max_length: int = 0
    """Tokens of the longest text that is embedded whole; 0 where a server does not tell."""
    vllm_max_length: int | None = None
    pooling: str = ""
    """mean, cls, last …"""
    normalized: bool = True
    """Whether vectors have length one."""
    width: int | None = None
    """Of a vector: of a server's, and of an engine's that was asked for so many dimensions."""
    memory_bytes: int | None = None
    probe_matmul: float | None = None
    """Relative L2 to float64 of one matrix product; None where it cannot be told."""
    probe_attention: float | None = None
    conflict: str = ""
    """Why what is in force contradicts itself."""

    server: str | None = None
    """What a server says that it is."""
    version: str | None = None
    tells_steps: bool = False
    retried: Mapping[str, int] = field(default_factory=dict)
    """Requests sent again, by reason."""
    too_large: Mapping[str, str] = field(default_factory=dict)
    """Batch sizes that a server refuses, with its words."""
    others: int = 0
    """Texts of other clients meanwhile."""
    came_as: Sequence[str] = ()
    """How a server wrote its vectors, whatever it was asked for: float, base64."""
    nulls: int = 0
    """Figures for which a server wrote null."""
    answered_as: Sequence[str] = ()
    """The names of the model in a server's answers."""
    usage_tokens: int = 0
    """Tokens that a server counted, over all that it was asked; 0 where it does not say."""
    answer_cache: Mapping[str, Any] = field(default_factory=dict)
    """Whether texts that were never sent before were `probed`, and what shows that answers were
    kept: of `what`, by how many `texts`, `fresh_seconds`, `again_seconds`, and the `headers` that
    say so."""

    told: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All that was told, in its order; run files may hold keys that no field is for."""

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """Return what was told as fields; what is unheard of is kept beside them.

        Raises:
            ValueError: if a figure is told where a word belongs, and the like.
        """
        known = {}
        for key, types in _types().items():
            value = told.get(key)
            if value is None:
                continue
            if not isinstance(value, types):
                raise ValueError(f"{key} of what is in force cannot be {value!r}")
            known[key] = value
        return cls(**known, told=dict(told))

    def to_dict(self) -> dict[str, Any]:
        """Return what was told, as the run file and the JSON report keep it."""
        return dict(self.told)

    def get(self, key: str) -> Any:
        """Return what was told of a key that is not known before, such as a switch's; or None."""
        return self.told.get(key)

    def merged(self, further: Mapping[str, Any] = _NOTHING, /, **more: Any) -> Self:
        """Return the same with what was told later."""
        return self.from_dict({**self.told, **further, **more})

    def __bool__(self) -> bool:
        """Whether anything was told."""
        return bool(self.told)


@cache
def _types() -> Mapping[str, tuple[type[Any], ...]]:
    """Return the types that each field may have; a whole number may stand for any figure."""
    found = {}
    for key, hint in get_type_hints(EffectiveConfig).items():
        parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        types = tuple(get_origin(part) or part for part in parts)
        found[key] = (*types, int) if float in types else types
    del found["told"]
    return found


MEASURED_AT_LOADING = frozenset(
    (
        "load_seconds",
        "memory_bytes",
        "probe_matmul",
        "probe_attention",
        "retried",
        "too_large",
        "others",
        "nulls",
        "tells_steps",
        "answered_as",
        "usage_tokens",
        "answer_cache",
    )
)
"""Keys of what is in force that are figures of one loading or one run, and decide nothing."""
