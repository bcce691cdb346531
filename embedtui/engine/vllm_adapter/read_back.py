"""What is really in force, read back from the engine and the libraries that it runs on."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

from embedtui.engine.vllm_adapter.pooling import mean_poolers
from embedtui.engine.vllm_adapter.startup import FROZEN_AT_IMPORT

# How oneDNN describes the instruction set in force, the widest first.
_ISA_WORDS = (
    ("AMX", "amx"),
    ("Intel AVX2", "avx2"),
    ("bfloat16", "avx512_bf16"),
    ("DL Boost", "avx512_vnni"),
    ("AVX512BW", "avx512"),
)


def in_force(llm: Any) -> dict[str, Any]:
    """Ask the engine, and the process it runs in, what is really in force."""
    import torch  # noqa: PLC0415
    import vllm  # noqa: PLC0415
    from vllm import envs  # noqa: PLC0415

    config = llm.llm_engine.vllm_config
    model, scheduler, compilation = (
        config.model_config,
        config.scheduler_config,
        config.compilation_config,
    )
    pooler = model.pooler_config
    looked = llm.apply_model(_look_at_model)
    facts: dict[str, Any] = looked[0] | {"memory_bytes": sum(one["memory_bytes"] for one in looked)}
    batch_invariant = bool(envs.VLLM_BATCH_INVARIANT)
    frozen = sys.modules.get(FROZEN_AT_IMPORT)
    if frozen is not None and bool(frozen.is_batch_invariant) != batch_invariant:
        facts["conflict"] = "the attention kernels read batch-invariant mode before it was set"
    if facts["device"] == "cpu":
        facts["cpu_isa"] = _cpu_isa()
    else:
        facts["gpu"] = torch.cuda.get_device_name()
    eager = bool(model.enforce_eager) or int(compilation.mode or 0) == 0
    return facts | {
        "pooling": str(pooler.seq_pooling_type or pooler.pooling_type).lower(),
        "normalized": pooler.use_activation is not False,
        "execution": "eager" if eager else "compiled",
        "matmul_precision": _matmul_precision(),
        "kernel_precision": _kernel_precision(),
        "batch_invariant": batch_invariant,
        "max_num_batched_tokens": int(scheduler.max_num_batched_tokens),
        "max_num_seqs": int(scheduler.max_num_seqs),
        "prefix_caching": bool(config.cache_config.enable_prefix_caching),
        "chunked_prefill": bool(scheduler.enable_chunked_prefill),
        "quantization": str(model.quantization or "none"),
        "tensor_parallel": int(config.parallel_config.tensor_parallel_size),
        "vllm": vllm.__version__,
        # A class of torch's own: whoever receives it would import torch.
        "torch": str(torch.__version__),
    }


def _look_at_model(model: Any) -> dict[str, Any]:
    """Read dtype, device, attention kernels and pooling from the module itself (in the worker)."""
    parameter = next(p for p in model.parameters() if p.is_floating_point())
    backends = set()
    for module in model.modules():
        backend = getattr(module, "attn_backend", None)
        if backend is not None and hasattr(backend, "get_name"):
            backends.add(backend.get_name())
    import torch  # noqa: PLC0415

    old = any(pooler.forward.__name__ == "running_sum" for pooler in mean_poolers(model))
    return {
        "dtype": str(parameter.dtype).removeprefix("torch."),
        "device": parameter.device.type,
        "model_class": type(model).__name__,
        "attention_backend": "+".join(sorted(backends)).lower() or "none",
        "pooling_accumulation": "model" if old else "float32",
        "threads": torch.get_num_threads(),
        "memory_bytes": _memory(torch, parameter.device.type),
    }


def _memory(torch: Any, device: str) -> int:
    """Return the bytes that this process holds: of the GPU, or of main memory for itself alone."""
    if device == "cuda":
        return int(torch.cuda.memory_reserved())
    import psutil  # noqa: PLC0415

    return int(psutil.Process().memory_full_info().uss)


def _cpu_isa() -> str:
    """Return the instruction set that oneDNN uses, read from the line that it prints about itself.

    It says so on descriptor 1 at the first primitive it runs while told to be verbose.
    """
    import torch  # noqa: PLC0415

    with tempfile.TemporaryFile() as said:
        kept = os.dup(1)
        os.dup2(said.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
                for dtype in (torch.bfloat16, torch.float32):
                    ones = torch.ones(64, 384, dtype=dtype)
                    torch._C._nn.mkldnn_linear(ones.to_mkldnn(), torch.ones(64, 384, dtype=dtype))
        except RuntimeError:
            pass  # a dtype that this oneDNN does not take; what it said before counts
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    line = next((line for line in lines if ",cpu,isa:" in line), "")
    return next((name for words, name in _ISA_WORDS if words in line), "unknown")


def _matmul_precision() -> str:
    """Return the float32 matmul precision; batch-invariant mode changes it behind the getter."""
    import torch  # noqa: PLC0415

    said = str(torch.get_float32_matmul_precision())
    really = getattr(torch.backends.cuda.matmul, "fp32_precision", "none")
    if not torch.cuda.is_initialized():
        return said
    if really == "ieee":
        return "highest"
    return "high" if really == "tf32" and said == "highest" else said


def _kernel_precision() -> str:
    """Return what Triton takes for float32 products, asked from Triton where it is in use."""
    try:
        from triton import knobs  # noqa: PLC0415

        chosen = knobs.language.fp32_default
    except (ImportError, AttributeError):
        chosen = os.environ.get("TRITON_F32_DEFAULT")
    return str(chosen) if chosen else "default"
