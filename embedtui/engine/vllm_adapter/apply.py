"""A setting, put where vLLM and the libraries below it read it before an engine is built."""

from __future__ import annotations

import os

from embedtui.engine.settings import Setting

_ONEDNN_ISA = {
    "avx2": "AVX2",
    "avx512": "AVX512_CORE",
    "avx512_vnni": "AVX512_CORE_VNNI",
    "avx512_bf16": "AVX512_CORE_BF16",
}


def apply_switches(setting: Setting) -> None:
    """Set what is read from the environment or from torch before an engine is built."""
    import torch  # noqa: PLC0415

    os.environ["VLLM_FLOAT32_MATMUL_PRECISION"] = setting.matmul_precision
    os.environ["VLLM_BATCH_INVARIANT"] = "1" if setting.batch_invariant else "0"
    if setting.kernel_precision != "default":
        os.environ["TRITON_F32_DEFAULT"] = setting.kernel_precision
    if setting.cpu_isa != "auto":
        # oneDNN reads it at its first primitive, and none has run in this process yet.
        os.environ["ONEDNN_MAX_CPU_ISA"] = _ONEDNN_ISA[setting.cpu_isa]
    if setting.threads is not None:
        torch.set_num_threads(setting.threads)
    if setting.tensor_parallel > 1:
        # Without it vLLM wants a memory node of its own for every process on the CPU.
        os.environ["VLLM_CPU_OMP_THREADS_BIND"] = _shares_of_cores(setting.tensor_parallel)


def _shares_of_cores(count: int) -> str:
    """Return the cores of each of `count` processes, as vLLM reads them: `0,1|2,3`."""
    cores = sorted(os.sched_getaffinity(0))
    share = max(len(cores) // count, 1)
    parts = [cores[start : start + share] for start in range(0, share * count, share)]
    return "|".join(",".join(map(str, part)) for part in parts)
