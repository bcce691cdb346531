"""What is really in force, read back from the engine and the libraries that it runs on.

The table of switches says which of them vLLM's configuration shows. The others have a function
here, by their key.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from embedtui.engine.settings import SWITCHES
from embedtui.engine.vllm_adapter.old_pooling import mean_poolers
from embedtui.engine.vllm_adapter.startup import FROZEN_AT_IMPORT

# How oneDNN describes the instruction set in force, the widest first.
_ISA_WORDS = (
    ("AMX", "amx"),
    ("Intel AVX2", "avx2"),
    ("bfloat16", "avx512_bf16"),
    ("DL Boost", "avx512_vnni"),
    ("AVX512BW", "avx512"),
)


def read_effective(llm: Any) -> dict[str, Any]:
    """Ask the engine, and the process it runs in, what is really in force."""
    import torch  # noqa: PLC0415
    import vllm  # noqa: PLC0415

    config = llm.llm_engine.vllm_config
    pooler = config.model_config.pooler_config
    looked = llm.apply_model(_look_at_model)
    facts: dict[str, Any] = looked[0] | {"memory_bytes": sum(one["memory_bytes"] for one in looked)}
    if conflict := _conflict():
        facts["conflict"] = conflict
    if facts["device"] == "cpu":
        facts |= {key: read() for key, read in CPU_READERS.items()}
    else:
        facts["gpu"] = torch.cuda.get_device_name()
    switches = {
        switch.key: attrgetter(switch.read_back)(config) for switch in SWITCHES if switch.read_back
    }
    return (
        facts
        | switches
        | {key: read(llm) for key, read in READERS.items()}
        | {
            "pooling": str(pooler.seq_pooling_type or pooler.pooling_type).lower(),
            "normalized": pooler.use_activation is not False,
            "max_num_seqs": int(config.scheduler_config.max_num_seqs),
            "vllm": vllm.__version__,
            # A class of torch's own: whoever receives it would import torch.
            "torch": str(torch.__version__),
        }
    )


def _look_at_model(model: Any) -> dict[str, Any]:
    """Return what the module itself shows (in the worker)."""
    device = _parameter(model).device.type
    switches = {key: read(model) for key, read in MODEL_READERS.items()}
    return switches | {
        "device": device,
        "model_class": type(model).__name__,
        "memory_bytes": _memory(device),
    }


def _parameter(model: Any) -> Any:
    return next(p for p in model.parameters() if p.is_floating_point())


def _attention_backend(model: Any) -> str:
    backends = set()
    for module in model.modules():
        backend = getattr(module, "attn_backend", None)
        if backend is not None and hasattr(backend, "get_name"):
            backends.add(backend.get_name())
    return "+".join(sorted(backends)).lower() or "none"


def _pooling_accumulation(model: Any) -> str:
    old = any(pooler.forward.__name__ == "running_sum" for pooler in mean_poolers(model))
    return "model" if old else "float32"


def _threads(_: Any) -> int:
    import torch  # noqa: PLC0415

    return int(torch.get_num_threads())


def _execution(llm: Any) -> str:
    config = llm.llm_engine.vllm_config
    eager = config.model_config.enforce_eager or int(config.compilation_config.mode or 0) == 0
    return "eager" if eager else "compiled"


def _model_runner(llm: Any) -> str:
    return str(llm.collective_rpc(_runner_of_worker)[0])


def _runner_of_worker(worker: Any) -> str:
    homes = {base.__module__ for base in type(worker.model_runner).__mro__}
    return "v2" if "vllm.v1.worker.gpu.model_runner" in homes else "v1"


def _batch_invariant(_: Any = None) -> bool:
    from vllm import envs  # noqa: PLC0415

    return bool(envs.VLLM_BATCH_INVARIANT)


def _conflict() -> str:
    """Return why batch-invariant mode cannot be what it seems; nothing where it can."""
    frozen = sys.modules.get(FROZEN_AT_IMPORT)
    if frozen is None or bool(frozen.is_batch_invariant) == _batch_invariant():
        return ""
    return "the attention kernels read batch-invariant mode before it was set"


def _memory(device: str) -> int:
    """Return the bytes that this process holds: of the GPU, or of main memory for itself alone."""
    import torch  # noqa: PLC0415

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


def _matmul_precision(_: Any) -> str:
    """Return the float32 matmul precision; batch-invariant mode changes it behind the getter."""
    import torch  # noqa: PLC0415

    said = str(torch.get_float32_matmul_precision())
    really = getattr(torch.backends.cuda.matmul, "fp32_precision", "none")
    if not torch.cuda.is_initialized():
        return said
    if really == "ieee":
        return "highest"
    return "high" if really == "tf32" and said == "highest" else said


def _kernel_precision(_: Any) -> str:
    """Return what Triton takes for float32 products, asked from Triton where it is in use."""
    try:
        from triton import knobs  # noqa: PLC0415

        chosen = knobs.language.fp32_default
    except (ImportError, AttributeError):
        chosen = os.environ.get("TRITON_F32_DEFAULT")
    return str(chosen) if chosen else "default"


READERS: Mapping[str, Callable[[Any], Any]] = {
    "execution": _execution,
    "matmul_precision": _matmul_precision,
    "kernel_precision": _kernel_precision,
    "batch_invariant": _batch_invariant,
    "model_runner": _model_runner,
    "quantization": lambda llm: str(llm.llm_engine.vllm_config.model_config.quantization or "none"),
}
"""What the LLM, or the process that it runs in, shows of a switch."""
CPU_READERS: Mapping[str, Callable[[], Any]] = {"cpu_isa": _cpu_isa}
"""What libraries of the CPU alone show of a switch."""
MODEL_READERS: Mapping[str, Callable[[Any], Any]] = {
    "dtype": lambda model: str(_parameter(model).dtype).removeprefix("torch."),
    "attention_backend": _attention_backend,
    "pooling_accumulation": _pooling_accumulation,
    "threads": _threads,
}
"""What the module shows of a switch, in the process of a worker."""
