"""The precision in force, measured inside the engine: its own kernels against float64.

What was asked for is no proof: Triton's attention multiplies in TF32 where float32 was asked for.
So one matrix product goes through a linear layer as vLLM calls it, and the attention of a real text
is caught where the kernel returns it; both are computed again in float64 from the same inputs.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

_ROWS = 64
"""Rows of the matrix product: as many as a small batch has tokens."""
_CAUGHT = "_embedtui_caught"


def probe(llm: Any, embed: Callable[[], Any], tokens: int) -> dict[str, float | None]:
    """Return relative L2 of one matrix product and of one attention to float64.

    `embed` runs one text of so many tokens, alone. None for what cannot be told: quantised
    weights, or attention with a window, a soft cap or sinks.
    """
    try:
        products = llm.apply_model(_matmul)
        llm.apply_model(_watch)
        try:
            embed()
        finally:
            caught = llm.apply_model(_attention)
    except Exception:  # noqa: BLE001 - a model that is built otherwise is served all the same
        traceback.print_exc()
        return {"probe_matmul": None, "probe_attention": None}
    attention = [error for rows, error in caught if rows == tokens]
    return {
        "probe_matmul": max((one for one in products if one is not None), default=None),
        "probe_attention": max((one for one in attention if one is not None), default=None),
    }


def _matmul(model: Any) -> float | None:
    """Return the error of the first plain linear layer over seeded inputs (in the worker)."""
    import torch  # noqa: PLC0415

    layer = next((m for m in model.modules() if _is_plain_linear(m)), None)
    if layer is None:
        return None
    parameter = next(p for p in model.parameters() if p.is_floating_point())
    width = int(layer.input_size_per_partition)
    made = torch.randn(_ROWS, width, generator=torch.Generator().manual_seed(0))
    given = made.to(parameter.dtype).to(parameter.device)
    with torch.inference_mode():
        found = layer.quant_method.apply(layer, given, None)
        weight = getattr(layer, "weight", None)
        if weight is None or weight.numel() != width * found.shape[-1]:
            # On the CPU vLLM packs the weights away; a product with one gives them back unrounded.
            ones = torch.eye(width, dtype=parameter.dtype, device=parameter.device)
            weight = layer.quant_method.apply(layer, ones, None).T
        # On the CPU: batch-invariant mode takes the GPU's own products over.
        exact = given.cpu().double() @ weight.cpu().double().T
    return _relative(found, exact)


def _is_plain_linear(module: Any) -> bool:
    method = type(getattr(module, "quant_method", None)).__name__
    return method == "UnquantizedLinearMethod" and hasattr(module, "input_size_per_partition")


def _watch(model: Any) -> None:
    """Have the first attention layer keep what it is given and what it gives (in the worker)."""
    layer = next((m for m in model.modules() if _is_attention(m)), None)
    if layer is None:
        return
    kernel = layer.impl.forward

    @wraps(kernel)
    def watched(layer_: Any, query: Any, key: Any, value: Any, *rest: Any, **named: Any) -> Any:
        given = [part.detach().cpu().double() for part in (query, key, value)]
        result = kernel(layer_, query, key, value, *rest, **named)
        output = named.get("output")
        found = (result if output is None else output).detach().cpu().double()
        setattr(layer.impl, _CAUGHT, (given, found))
        return result

    layer.impl.forward = watched


def _attention(model: Any) -> tuple[int, float | None]:
    """Return the tokens of what was caught and how far it is from float64; let the layer go."""
    layer = next((m for m in model.modules() if _is_attention(m)), None)
    if layer is None:
        return 0, None
    impl = layer.impl
    vars(impl).pop("forward", None)
    caught = vars(impl).pop(_CAUGHT, None)
    if caught is None:
        return 0, None
    (query, key, value), found = caught
    tokens = len(query)
    if _is_special(impl, tokens):
        return tokens, None
    # A string or an enumeration of strings, as vLLM's versions have it.
    kind = getattr(layer, "attn_type", "decoder")
    causal = getattr(kind, "value", kind) == "decoder"
    query, key, value = (_by_head(part, impl) for part in (query, key, value))
    return tokens, _relative(
        found.reshape(tokens, -1), _exact(query, key, value, float(impl.scale), causal)
    )


def _is_attention(module: Any) -> bool:
    impl = getattr(module, "impl", None)
    return all(hasattr(impl, name) for name in ("forward", "scale", "head_size", "num_heads"))


def _is_special(impl: Any, tokens: int) -> bool:
    """Say whether the attention is another formula than softmax(QK')V over these tokens."""
    window = getattr(impl, "sliding_window", None)
    sizes = window if isinstance(window, (tuple, list)) else [window or -1]
    return (
        any(size is not None and 0 <= size < tokens for size in sizes)
        or bool(getattr(impl, "logits_soft_cap", None))
        or getattr(impl, "alibi_slopes", None) is not None
        or getattr(impl, "sinks", None) is not None
    )


def _by_head(part: Any, impl: Any) -> Any:
    """Return tokens x heads x width; where several heads share a key it is there for each."""
    split = part.reshape(len(part), -1, int(impl.head_size))
    return split.repeat_interleave(int(impl.num_heads) // split.shape[1], dim=1)


def _exact(query: Any, key: Any, value: Any, scale: float, causal: bool) -> Any:
    """Return softmax(QK' x scale)V (Vaswani et al. 2017, eq. 1) as tokens x (heads x width)."""
    import torch  # noqa: PLC0415

    scores = torch.einsum("qhd,khd->hqk", query, key) * scale
    if causal:
        tokens = len(query)
        scores = scores.masked_fill(torch.ones(tokens, tokens).triu(1).bool(), float("-inf"))
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), value).reshape(len(query), -1)


def _relative(found: Any, exact: Any) -> float | None:
    """Return |found - exact| / |exact|; None where that means nothing."""
    import torch  # noqa: PLC0415

    norm = torch.linalg.vector_norm(exact)
    error = torch.linalg.vector_norm(found.cpu().double() - exact)
    ratio = float(error / norm) if float(norm) else float("nan")
    return ratio if ratio == ratio and ratio != float("inf") else None  # noqa: PLR0124 - NaN
