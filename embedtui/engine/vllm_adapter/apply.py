"""A setting, put where vLLM and the libraries below it read it.

Most switches are a variable or an argument, and the table says which. The others have a function
here, by their key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from embedtui.common.errors import InputError
from embedtui.engine.settings import SWITCHES, Setting, changed
from embedtui.engine.vllm_adapter.old_pooling import use_old_mean_pooling


def apply_switches(setting: Setting) -> None:
    """Set what is read from the environment or from torch before an engine is built."""
    for switch in SWITCHES:
        value = getattr(setting, switch.key)
        for variable in switch.env:
            wanted = variable.always or value != switch.default
            if wanted and "engine" in variable.where:
                os.environ[variable.name] = variable.text(value)
    for switch, _ in changed(setting):
        if switch.key in BEFORE_BUILDING:
            BEFORE_BUILDING[switch.key](setting)


def engine_arguments(setting: Setting) -> dict[str, Any]:
    """Return the arguments of vLLM's engine that the switches stand for."""
    return {
        switch.engine_arg.name: switch.engine_arg.convert(value)
        for switch in SWITCHES
        for value in [getattr(setting, switch.key)]
        if switch.engine_arg and (switch.engine_arg.always or value != switch.default)
    }


def change_model(setting: Setting, llm: Any) -> None:
    """Do to the loaded model what its setting asks for.

    Raises:
        InputError: if this model cannot follow.
    """
    for switch, _ in changed(setting):
        if switch.key in AFTER_LOADING:
            AFTER_LOADING[switch.key](llm)


def _use_threads(setting: Setting) -> None:
    import torch  # noqa: PLC0415

    torch.set_num_threads(setting.threads or 1)


def _share_cores(setting: Setting) -> None:
    """Give each process its cores; without, vLLM wants a memory node of its own for every one."""
    cores = sorted(os.sched_getaffinity(0))
    share = max(len(cores) // setting.tensor_parallel, 1)
    starts = range(0, share * setting.tensor_parallel, share)
    parts = [",".join(map(str, cores[start : start + share])) for start in starts]
    os.environ["VLLM_CPU_OMP_THREADS_BIND"] = "|".join(parts)


def _pool_as_before(llm: Any) -> None:
    if not use_old_mean_pooling(llm):
        pooler = llm.llm_engine.vllm_config.model_config.pooler_config
        raise InputError(
            "pooling_accumulation=model is about mean pooling, and this model pools by "
            f"'{pooler.seq_pooling_type}': leave it out"
        )


BEFORE_BUILDING: Mapping[str, Callable[[Setting], None]] = {
    "threads": _use_threads,
    "tensor_parallel": _share_cores,
}
AFTER_LOADING: Mapping[str, Callable[[Any], None]] = {"pooling_accumulation": _pool_as_before}
