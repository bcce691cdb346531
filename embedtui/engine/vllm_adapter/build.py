"""The LLM of a setting, built in this process."""

from __future__ import annotations

import os
import signal
from typing import Any

from embedtui.common.errors import InputError
from embedtui.engine import process_utils
from embedtui.engine.settings import Setting
from embedtui.engine.vllm_adapter.apply import engine_arguments


def build(
    setting: Setting,
    *,
    largest_batch: int,
    token_budget: int,
    max_model_len: int | None,
    kv_bytes: int,
    free_share: float | None,
) -> Any:
    """Build the LLM for `setting`, with steps that can hold `token_budget` tokens.

    Prefix caching and chunked prefill are off unless asked for: both make a text's vector depend on
    what else ran.

    Raises:
        InputError: if this build of vLLM has no kernel for the quantisation.
    """
    from vllm import LLM  # noqa: PLC0415

    arguments = {
        "model": setting.model,
        "runner": "pooling",
        # vLLM wants no more texts in a step than tokens.
        "max_num_seqs": min(max(largest_batch, 256), token_budget),
        "max_num_batched_tokens": token_budget,
        "use_tqdm_on_load": False,
    } | engine_arguments(setting)
    if max_model_len is not None:
        arguments["max_model_len"] = max_model_len
    if free_share is not None:
        arguments["gpu_memory_utilization"] = free_share
    if kv_bytes or free_share is None:
        # On the CPU a figure is always given: without one vLLM asks for most of the memory.
        arguments["kv_cache_memory_bytes"] = kv_bytes or 1 << 30
    if setting.tensor_parallel > 1:
        _fork_workers(setting)
    try:
        return LLM(**arguments)
    except RuntimeError as error:
        # An operation without a kernel is there by name, and takes no arguments.
        if setting.quantization != "none" and "expected at most 0 argument" in str(error):
            raise InputError(
                f"quantization={setting.quantization} cannot be had: this build of vLLM has no "
                "kernel for it"
            ) from error
        raise


def _fork_workers(setting: Setting) -> None:
    """Have vLLM fork its workers from this process, also on the CPU, where it would spawn them.

    A spawned one imports vLLM anew, and the companions that are hidden here. A worker ends with
    this process however that ends, and takes its own share of the cores.
    """
    import multiprocessing  # noqa: PLC0415

    import torch  # noqa: PLC0415
    from vllm.v1.executor import multiproc_executor  # noqa: PLC0415

    cores = len(os.sched_getaffinity(0))
    threads = setting.threads or max(cores // setting.tensor_parallel, 1)

    engine = os.getpid()

    def in_worker() -> None:
        process_utils.die_with(engine, signal.SIGKILL)
        torch.set_num_threads(threads)

    os.register_at_fork(after_in_child=in_worker)
    multiproc_executor.get_mp_context = lambda: multiprocessing.get_context("fork")


def supports_embedding(llm: Any) -> bool:
    """Return whether the loaded model gives one vector per text."""
    return "embed" in getattr(llm, "supported_tasks", ("embed",))
