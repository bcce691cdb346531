"""What embedtui touches of vLLM is still there, read from its source without running it.

The installed version is looked at, and every folder that EMBEDTUI_VLLM_SOURCES names (a `vllm`
package each, separated by colons), so that a version can be checked that this machine cannot run.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest

from embedtui.engine.settings import SWITCHES

CONTACTS = [
    # file of vLLM, what has to be in it, what embedtui does with it
    ("v1/core/sched/scheduler.py", r"def schedule\(", "records what each step held"),
    ("v1/core/sched/scheduler.py", r"self\.max_num_running_reqs", "runs smaller batches live"),
    ("v1/core/sched/output.py", r"total_num_scheduled_tokens:", "counts a step's tokens"),
    ("v1/core/sched/output.py", r"\bnum_scheduled_tokens:", "counts a step's texts"),
    ("v1/engine/core_client.py", r"class InprocClient", "keeps the core in its own process"),
    ("v1/engine/core_client.py", r"self\.engine_core = EngineCore", "reaches the scheduler"),
    ("v1/engine/core.py", r"self\.scheduler\b.*=", "reaches the scheduler"),
    ("model_executor/layers/pooler/seqwise/methods.py", r"class MeanPool", "puts old pooling back"),
    (
        "model_executor/layers/pooler/seqwise/methods.py",
        r"get_pooling_cursor\(\)",
        "puts old pooling back",
    ),
    ("v1/pool/metadata.py", r"first_token_indices_gpu:", "puts old pooling back"),
    ("v1/pool/metadata.py", r"last_token_indices_gpu:", "puts old pooling back"),
    ("v1/pool/metadata.py", r"prompt_lens_cpu:", "puts old pooling back"),
    ("model_executor/layers/pooler", r"poolers_by_task", "finds the poolers"),
    ("entrypoints", r"def apply_model\(", "looks at the loaded model, and hooks its layers"),
    ("v1/worker", r"model\.pooler\(", "reads the states that are pooled"),
    ("model_executor/models/bert.py", r"self\.layer = nn\.ModuleList", "finds the layers"),
    ("model_executor/models/utils.py", r"nn\.ModuleList", "finds the layers"),
    (
        "model_executor/models/llama.py",
        r"return hidden_states, residual",
        "adds a layer's branch to its stream",
    ),
    ("model_executor/models/gemma3.py", r"pre_feedforward_layernorm", "finds a layer's parts"),
    ("model_executor/models/modernbert.py", r"mlp_norm", "finds a layer's parts"),
    ("entrypoints", r"def encode\(", "embeds token ids"),
    ("envs.py", r"VLLM_ENABLE_V1_MULTIPROCESSING", "keeps the core in its own process"),
    ("envs.py", r"VLLM_CPU_KVCACHE_SPACE", "asks for little memory on the CPU"),
    (
        "v1/attention/ops/triton_unified_attention.py",
        r"^is_batch_invariant = ",
        "forks engines from a host that has the same mode",
    ),
    ("v1/executor/multiproc_executor.py", r"get_mp_context", "forks tensor parallel workers"),
    ("config/model.py", r"def is_prefix_caching_supported", "refuses what a model cannot have"),
    ("config/model.py", r"def is_chunked_prefill_supported", "refuses what a model cannot have"),
    ("config/model.py", r"def is_matryoshka", "refuses dimensions"),
    ("config/model.py", r"def matryoshka_dimensions", "refuses dimensions"),
    ("config/model.py", r"def embedding_size", "refuses dimensions"),
    ("config/model.py", r"encoder_config", "lowers texts as the model wants them"),
    ("config/model.py", r"convert_type", "tells classifiers from embedding models"),
    ("model_executor/models/registry.py", r"score_type", "tells classifiers from embedding models"),
    ("engine/arg_utils.py", r"kv_cache_memory_bytes:", "bounds a decoder's cache"),
    ("pooling_params.py", r"dimensions:", "asks for short vectors"),
    ("v1/worker", r"[Ss]tarting to load model", "tells what is being loaded"),
    ("model_executor/model_loader", r"Loading weights took", "tells what is being loaded"),
    ("v1/worker/gpu/model_runner.py", r"^class GPUModelRunner", "tells v2 from v1"),
    ("v1/worker/gpu_worker.py", r"self\.model_runner\b.* =", "tells v2 from v1"),
    ("entrypoints", r"def collective_rpc\(", "tells v2 from v1"),
    *(
        ("envs.py", rf"\b{variable.name}\b", f"sets {switch.key}")
        for switch in SWITCHES
        for variable in switch.env
        if variable.name.startswith("VLLM_")
    ),
    *(
        ("engine/arg_utils.py", rf"^    {switch.engine_arg.name}:", f"sets {switch.key}")
        for switch in SWITCHES
        if switch.engine_arg
    ),
    *(
        ("config", rf"^    (def )?{switch.read_back.rpartition('.')[2]}\b", f"proves {switch.key}")
        for switch in SWITCHES
        if switch.read_back
    ),
]


def sources() -> list[Path]:
    found = importlib.util.find_spec("vllm")
    named = os.environ.get("EMBEDTUI_VLLM_SOURCES", "")
    folders = [*(found.submodule_search_locations or () if found else ()), *named.split(":")]
    return [Path(folder) for folder in folders if folder]


def version_of(folder: Path) -> str:
    file = folder / "_version.py"
    said = re.search(r"version = '?\"?([\d.]+)", file.read_text()) if file.is_file() else None
    return said[1].rstrip(".") if said else folder.parent.name


@pytest.mark.parametrize("folder", sources(), ids=version_of)
@pytest.mark.parametrize(("place", "pattern", "use"), CONTACTS)
def test_is_where_embedtui_looks_for_it(folder: Path, place: str, pattern: str, use: str) -> None:
    path = folder / place
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    text = "\n".join(file.read_text("utf-8") for file in files if file.is_file())
    assert re.search(pattern, text, re.MULTILINE), (
        f"vLLM {version_of(folder)} has no {pattern!r} in vllm/{place} any more: embedtui {use} "
        "with it, in embedtui/engine/vllm_adapter"
    )
