"""Why a value of a switch cannot be had, on a device or with a model: the end of a sentence.

An empty text is no refusal. vLLM ignores some values without a word and answers others with an
assertion, so that they are refused before it is asked.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedtui.common import machine

if TYPE_CHECKING:
    from embedtui.common.machine import Device
    from embedtui.engine.switch_values import SwitchValues

CPU_ISA_FEATURES = {
    "avx2": "avx2",
    "avx512": "avx512f",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
}
"""The processor feature, as the kernel names it, that each instruction set asks for."""
CPU_QUANTIZATIONS = ("none", "fp8_per_channel")


def cpu_isa(setting: SwitchValues, _: Device) -> str:
    """Refuse instructions that this processor has not."""
    wanted = CPU_ISA_FEATURES[setting.cpu_isa]
    return "" if wanted in machine.cpu_features() else f": this CPU has no {wanted}"


def quantization(setting: SwitchValues, device: Device) -> str:
    """Refuse what has no kernel on the CPU, and anything beside float32."""
    if device == "cpu" and setting.quantization not in CPU_QUANTIZATIONS:
        return " on the CPU: vLLM has no kernel for it there"
    if setting.dtype == "float32":
        return " in float32: vLLM multiplies quantised weights in 16 bits"
    return ""


def tensor_parallel(setting: SwitchValues, device: Device) -> str:
    """Refuse more processes than there are GPUs, or cores."""
    there = len(machine.gpus()) if device == "cuda" else machine.usable_cores()
    if there >= setting.tensor_parallel:
        return ""
    what = ("GPU" if device == "cuda" else "core") + ("" if there == 1 else "s")
    return f": there {'is' if there == 1 else 'are'} {there} {what}"


def model_runner(setting: SwitchValues, device: Device) -> str:
    """Refuse a choice of runners where vLLM has one alone, and the second without its Triton."""
    if "VLLM_USE_V2_MODEL_RUNNER" not in _source("vllm", "envs.py"):
        return ": the installed vLLM leaves no choice of its model runner"
    if device == "cpu" and setting.model_runner == "v2" and not _source(*_TRITON_OF_CPU):
        return " on the CPU: it needs Triton, and the installed one makes no CPU kernels"
    return ""


def _source(package: str, *path: str) -> str:
    """Return the text of a file of an installed package, which is not imported; or nothing."""
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder, *path)
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return ""


_TRITON_OF_CPU = ("triton", "backends", "cpu", "compiler.py")
_DECODERS_ALONE = (
    " with this model: it is for decoders that pool the last token, others read the whole text at "
    "once"
)


def prefix_caching_of_model(_: SwitchValues, config: Any) -> str:
    """Refuse a prefix cache where every token sees all others."""
    return "" if config.is_prefix_caching_supported else _DECODERS_ALONE


def chunked_prefill_of_model(_: SwitchValues, config: Any) -> str:
    """Refuse texts in pieces where every token sees all others."""
    return "" if config.is_chunked_prefill_supported else _DECODERS_ALONE


def tensor_parallel_of_model(setting: SwitchValues, config: Any) -> str:
    """Refuse a count of processes that the attention heads cannot be shared out to."""
    heads = int(getattr(config.hf_text_config, "num_attention_heads", 0) or 0)
    if heads % setting.tensor_parallel == 0:
        return ""
    return f" with this model: its {heads} attention heads cannot be shared out evenly"


def dimensions_of_model(setting: SwitchValues, config: Any) -> str:
    """Refuse to cut the vectors of a model that was not trained for it, or at another length."""
    if not config.is_matryoshka:
        return (
            " with this model: its config.json does not say that it was trained to be cut short "
            "(matryoshka_dimensions)"
        )
    known, wanted = config.matryoshka_dimensions, setting.dimensions or 0
    if known and wanted not in known:
        return f" with this model: give one of {', '.join(map(str, known))}"
    if wanted > config.embedding_size:
        return f" with this model: its vectors have {config.embedding_size}"
    return ""
