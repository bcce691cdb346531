"""The command that serves a model in the way a setting measured it."""

from __future__ import annotations

import shlex

from embedtui.engine.settings import Setting


def serve_command(setting: Setting, largest_batch: int, *, pooling: str = "") -> str | None:
    """Return the shell command that starts vLLM's server with this setting.

    The batch is limited to what was measured. None for a what-if that no server can be asked for:
    the old mean pooling, or the instructions of a lesser CPU; and for a server, which runs already.
    With last-token `pooling` a server would turn on prefix caching and chunked prefill unless told
    what was measured.
    """
    what_if = setting.pooling_accumulation != "float32" or setting.cpu_isa != "auto"
    if what_if or setting.is_server:
        return None
    words = ["vllm", "serve", setting.model, "--runner", "pooling", "--dtype", setting.dtype]
    words += ["--max-num-seqs", str(largest_batch)]
    if setting.max_num_batched_tokens is not None:
        words += ["--max-num-batched-tokens", str(setting.max_num_batched_tokens)]
    if setting.execution == "eager":
        words.append("--enforce-eager")
    if setting.attention_backend != "auto":
        words += ["--attention-backend", setting.attention_backend.upper()]
    if setting.quantization != "none":
        words += ["--quantization", setting.quantization]
    if setting.tensor_parallel > 1:
        words += ["--tensor-parallel-size", str(setting.tensor_parallel)]
    for key in ("prefix-caching", "chunked-prefill"):
        wanted = getattr(setting, key.replace("-", "_"))
        if wanted or pooling == "last":
            words.append(f"--{'' if wanted else 'no-'}enable-{key}")
    environment = {}
    if setting.matmul_precision != "highest":
        environment["VLLM_FLOAT32_MATMUL_PRECISION"] = setting.matmul_precision
    if setting.kernel_precision != "default":
        environment["TRITON_F32_DEFAULT"] = setting.kernel_precision
    if setting.batch_invariant:
        environment["VLLM_BATCH_INVARIANT"] = "1"
    if setting.threads is not None:
        environment["VLLM_CPU_OMP_THREADS_BIND"] = f"0-{setting.threads - 1}"
    return " ".join([*(f"{key}={value}" for key, value in environment.items()), shlex.join(words)])
