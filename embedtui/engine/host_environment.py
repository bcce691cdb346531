"""The environment that the host is started with."""

from __future__ import annotations

import os

from embedtui.engine.access import without_keys
from embedtui.engine.switches import SWITCHES

SWITCH_VARIABLES = (
    *(
        name
        for switch in SWITCHES
        for variable in switch.env
        if "engine" in variable.where
        for name in (variable.name, *variable.rivals)
    ),
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "VLLM_CPU_KVCACHE_SPACE",
)
"""Variables that a setting decides; what the user's shell says of them is dropped."""


def host_environment() -> dict[str, str]:
    """Return the environment for the host: the user's, but for what would put a figure in doubt.

    The core runs in-process, because only there is a batch exactly the texts that were handed in;
    idle OpenMP threads sleep, because spinning ones take seconds from each other on a busy machine.
    """
    environment = {
        key: value
        for key, value in without_keys(dict(os.environ)).items()
        if key not in SWITCH_VARIABLES
    }
    environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    for key, value in {
        "OMP_WAIT_POLICY": "PASSIVE",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # the order in which NVIDIA's library counts GPUs
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_USE_FLASHINFER_SAMPLER": "0",  # nothing is sampled, and it may not be installed
        "PYTHONUTF8": "1",  # vLLM reads its own files in the locale's encoding
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }.items():
        environment.setdefault(key, value)
    return environment
