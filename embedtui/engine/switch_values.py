"""What a setting is made of: the model, and a value for every switch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SwitchValues:
    """The values alone, for what looks at them before there is a table of switches."""

    model: str
    """The folder or hub id that vLLM is given, or the address of a server with the name that it
    has for its model."""
    dtype: str = "auto"
    execution: str = "eager"
    pooling_accumulation: str = "float32"
    threads: int | None = None
    cpu_isa: str = "auto"
    max_num_batched_tokens: int | None = None
    matmul_precision: str = "highest"
    kernel_precision: str = "default"
    batch_invariant: bool = False
    attention_backend: str = "auto"
    prefix_caching: bool = False
    chunked_prefill: bool = False
    quantization: str = "none"
    dimensions: int | None = None
    tensor_parallel: int = 1
    model_runner: str = "auto"
    encoding: str = "float"
    requests: str = "list"
    body: str | None = None
    """Further fields of a request, as `body_fields` reads them."""
