"""The module that touches vLLM's insides: what moves with its versions is here, or in the probe.

Written against vLLM 0.26 to 0.33. Imported only in the host and in engine processes.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.engine import lifeline
from embedtui.engine.settings import Setting
from embedtui.errors import InputError

COMPANIONS = ("torchvision", "torchaudio", "torchcodec")
"""Packages that text models never need and that break `import transformers` when they were built
for another torch (`operator torchvision::nms does not exist`)."""

_PRELOAD = (
    "vllm",
    "vllm.entrypoints.llm",
    "vllm.v1.engine.core_client",
    "vllm.v1.executor.uniproc_executor",
    "vllm.model_executor.models.bert",
)
# These read VLLM_BATCH_INVARIANT once, at import: a host that has them can only fork engines
# with the value that it had itself.
_FROZEN_AT_IMPORT = "vllm.v1.attention.ops.triton_unified_attention"

_ONEDNN_ISA = {
    "avx2": "AVX2",
    "avx512": "AVX512_CORE",
    "avx512_vnni": "AVX512_CORE_VNNI",
    "avx512_bf16": "AVX512_CORE_BF16",
}
# How oneDNN describes the instruction set in force, the widest first.
_ISA_WORDS = (
    ("AMX", "amx"),
    ("Intel AVX2", "avx2"),
    ("bfloat16", "avx512_bf16"),
    ("DL Boost", "avx512_vnni"),
    ("AVX512BW", "avx512"),
)

_STAGES = (
    ("Starting to load model", "loading weights"),
    ("Loading weights took", "warming up"),
)


def hide_broken_companions() -> None:
    """Let this process believe that companions which cannot be imported are absent.

    None in sys.modules makes `import` raise ModuleNotFoundError and find_spec return None, which
    is what transformers asks before it uses them. One that works stays: some vLLM versions import
    torchvision for a warm-up on the GPU.
    """
    import torch  # noqa: F401, PLC0415 - the companions have to fail on their own account

    for name in COMPANIONS:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - it may fail in any way
            for loaded in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
                del sys.modules[loaded]
            sys.modules[name] = None  # type: ignore[assignment]


def preload() -> bool:
    """Import what every engine needs; return whether batch-invariant mode got frozen by it."""
    hide_broken_companions()
    for name in _PRELOAD:
        importlib.import_module(name)
    return _FROZEN_AT_IMPORT in sys.modules


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


def inspect_models_here() -> None:
    """Have vLLM look at model classes in this process instead of a fresh one.

    vLLM starts a Python for each architecture that it meets the first time, 8-13 s, so that CUDA
    stays untouched in a process that may still fork. This one exists to load that very model.
    """
    from vllm.model_executor.models import registry  # noqa: PLC0415

    if hasattr(registry, "_run_in_subprocess"):
        registry._run_in_subprocess = lambda look: look()


def report_stages(tell: Callable[[str], None]) -> None:
    """Call `tell` with what vLLM does while it loads, read from its log messages.

    Records are caught where they are made: vLLM configures its loggers while it loads, which drops
    every handler that they had.
    """
    make = logging.getLogRecordFactory()

    def watched(*arguments: Any, **further: Any) -> logging.LogRecord:
        record = make(*arguments, **further)
        if record.name.startswith("vllm"):
            for beginning, stage in _STAGES:
                if str(record.msg).startswith(beginning):
                    tell(stage)
        return record

    logging.setLogRecordFactory(watched)


def read_config(setting: Setting) -> Any:
    """Return vLLM's ModelConfig: what it makes of the model, without weights.

    Raises:
        InputError: if vLLM cannot embed with this model; its own reason in one line.
    """
    from vllm.config import ModelConfig  # noqa: PLC0415

    try:
        config = ModelConfig(
            model=setting.model, tokenizer=setting.model, runner="pooling", dtype=setting.dtype
        )
    except Exception as error:
        raise InputError(f"vLLM cannot embed with this model: {first_line(error)}") from error
    if config.convert_type == "classify" or config._model_info.score_type == "cross-encoder":
        raise InputError(
            "vLLM runs this model as a classifier, which has no embeddings: give an embedding model"
        )
    return config


def refuse_for_model(setting: Setting, config: Any) -> None:
    """Raise InputError for the first switch that this model cannot follow.

    vLLM itself ignores some of them without a word and answers others with an assertion.
    """
    for key, able in (
        ("prefix_caching", config.is_prefix_caching_supported),
        ("chunked_prefill", config.is_chunked_prefill_supported),
    ):
        if getattr(setting, key) and not able:
            raise InputError(
                f"{key}=on cannot be had with this model: it is for decoders that pool the last "
                "token, others read the whole text at once"
            )
    heads = int(getattr(config.hf_text_config, "num_attention_heads", 0) or 0)
    if heads % setting.tensor_parallel:
        raise InputError(
            f"tensor_parallel={setting.tensor_parallel} cannot be had with this model: its {heads} "
            "attention heads cannot be shared out evenly"
        )
    if setting.dimensions is not None:
        _refuse_dimensions(setting.dimensions, config)


def _refuse_dimensions(wanted: int, config: Any) -> None:
    if not config.is_matryoshka:
        raise InputError(
            f"dimensions={wanted} cannot be had with this model: its config.json does not say that "
            "it was trained to be cut short (matryoshka_dimensions)"
        )
    known = config.matryoshka_dimensions
    if known and wanted not in known:
        raise InputError(
            f"dimensions={wanted} cannot be had with this model: give one of "
            f"{', '.join(map(str, known))}"
        )
    if wanted > config.embedding_size:
        raise InputError(
            f"dimensions={wanted} cannot be had with this model: its vectors have "
            f"{config.embedding_size}"
        )


def kv_bytes_per_token(config: Any) -> int:
    """Return the bytes that a decoder's cache takes per token; 0 where there is no cache."""
    if getattr(config, "attn_type", "decoder") != "decoder":
        return 0
    text = config.hf_text_config
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * config.dtype.itemsize)


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

    arguments: dict[str, Any] = {
        "model": setting.model,
        "runner": "pooling",
        "dtype": setting.dtype,
        # vLLM wants no more texts in a step than tokens.
        "max_num_seqs": min(max(largest_batch, 256), token_budget),
        "max_num_batched_tokens": token_budget,
        "enforce_eager": setting.execution == "eager",
        "enable_prefix_caching": setting.prefix_caching,
        "enable_chunked_prefill": setting.chunked_prefill,
        "tensor_parallel_size": setting.tensor_parallel,
        "use_tqdm_on_load": False,
    }
    if setting.quantization != "none":
        arguments["quantization"] = setting.quantization
    if setting.attention_backend != "auto":
        arguments["attention_backend"] = setting.attention_backend.upper()
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
        lifeline.die_with(engine, signal.SIGKILL)
        torch.set_num_threads(threads)

    os.register_at_fork(after_in_child=in_worker)
    multiproc_executor.get_mp_context = lambda: multiprocessing.get_context("fork")


def supports_embedding(llm: Any) -> bool:
    """Return whether the loaded model gives one vector per text."""
    return "embed" in getattr(llm, "supported_tasks", ("embed",))


def record_steps(llm: Any) -> list[tuple[int, int]]:
    """Wrap the scheduler; return the list that every step's sequences and tokens are added to."""
    steps: list[tuple[int, int]] = []
    scheduler = llm.llm_engine.engine_core.engine_core.scheduler
    schedule = scheduler.schedule

    def recorded(*args: Any, **kwargs: Any) -> Any:
        output = schedule(*args, **kwargs)
        if output.num_scheduled_tokens:
            steps.append((len(output.num_scheduled_tokens), output.total_num_scheduled_tokens))
        return output

    scheduler.schedule = recorded
    return steps


def tokenize(tokenizer: Any, lower: bool, texts: Sequence[str]) -> list[list[int] | str]:
    """Return the token ids of each text, or the reason why it has none."""
    found: list[list[int] | str] = []
    for text in texts:
        try:
            found.append(list(tokenizer(text.lower() if lower else text)["input_ids"]))
        except (TypeError, ValueError, UnicodeError) as error:
            found.append(first_line(error))
    return found


def load_tokenizer(config: Any) -> tuple[Any, bool]:
    """Return the model's tokenizer, and whether the model wants its texts in lower case."""
    from transformers import AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(
        config.tokenizer, trust_remote_code=config.trust_remote_code
    )
    return tokenizer, bool((config.encoder_config or {}).get("do_lower_case", False))


def token_ids_of_vllm(llm: Any, text: str) -> list[int] | None:
    """Return the ids that vLLM itself makes of a text, by embedding it.

    None where vLLM refuses the text as it stands: it counts characters before it counts tokens.
    """
    try:
        (output,) = llm.encode([text], pooling_task="embed", use_tqdm=False)
    except Exception as error:
        if type(error).__name__ == "VLLMValidationError" or isinstance(error, ValueError):
            return None
        raise
    return list(output.prompt_token_ids)


def embed(
    llm: Any, prompts: Sequence[list[int]], dimensions: int | None = None
) -> npt.NDArray[np.float32]:
    """Embed token ids; return texts x width in float32, the precision that vLLM hands out."""
    import torch  # noqa: PLC0415
    from vllm import PoolingParams  # noqa: PLC0415

    outputs = llm.encode(
        [{"prompt_token_ids": ids} for ids in prompts],
        PoolingParams(dimensions=dimensions) if dimensions else None,
        pooling_task="embed",
        use_tqdm=False,
    )
    stacked = torch.stack([output.outputs.data for output in outputs])
    return np.asarray(stacked.to(torch.float32).numpy())


def model_of(llm: Any) -> Any:
    """Return the module that vLLM runs, where it runs in this process."""
    (model,) = llm.apply_model(lambda model: model)
    return model


def use_old_mean_pooling(llm: Any) -> int:
    """Put back the mean pooling that vLLM had before 2026; return how many poolers were changed.

    One running sum over the whole flattened batch in the model's dtype, from which each text's sum
    is the difference of two entries: the error grows with a text's place in the batch.
    """
    import torch  # noqa: PLC0415

    def running_sum(self: Any, hidden_states: Any, pooling_metadata: Any) -> Any:
        cursor = pooling_metadata.get_pooling_cursor()
        sums = torch.cumsum(hidden_states, dim=0)
        first, last = cursor.first_token_indices_gpu, cursor.last_token_indices_gpu
        lengths = cursor.prompt_lens_cpu.to(hidden_states.device).unsqueeze(1)
        return (sums[last] - sums[first] + hidden_states[first]) / lengths

    def change(model: Any) -> int:
        poolers = _mean_poolers(model)
        for pooler in poolers:
            pooler.forward = MethodType(running_sum, pooler)
        return len(poolers)

    return int(sum(llm.apply_model(change)))


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
    frozen = sys.modules.get(_FROZEN_AT_IMPORT)
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


def first_line(error: BaseException) -> str:
    """Return what an exception says in one line, without pydantic's frame around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    said = lines[1] if "validation error" in lines[0] and len(lines) > 1 else lines[0]
    said = said.removeprefix("Value error, ").split(" [type=")[0].split(" Supported arch")[0]
    return said if len(said) <= 300 else said[:299] + "…"


def _look_at_model(model: Any) -> dict[str, Any]:
    """Read dtype, device, attention kernels and pooling from the module itself (in the worker)."""
    parameter = next(p for p in model.parameters() if p.is_floating_point())
    backends = set()
    for module in model.modules():
        backend = getattr(module, "attn_backend", None)
        if backend is not None and hasattr(backend, "get_name"):
            backends.add(backend.get_name())
    import torch  # noqa: PLC0415

    old = any(pooler.forward.__name__ == "running_sum" for pooler in _mean_poolers(model))
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


def _mean_poolers(model: Any) -> list[Any]:
    """Return the modules that pool by the mean; a dispatcher hides its poolers in a plain dict."""
    found = {}
    for module in model.modules():
        dispatched = getattr(module, "poolers_by_task", None) or {}
        for pooler in (module, *dispatched.values()):
            for part in pooler.modules():
                if type(part).__name__ == "MeanPool":
                    found[id(part)] = part
    return list(found.values())


def _shares_of_cores(count: int) -> str:
    """Return the cores of each of `count` processes, as vLLM reads them: `0,1|2,3`."""
    cores = sorted(os.sched_getaffinity(0))
    share = max(len(cores) // count, 1)
    parts = [cores[start : start + share] for start in range(0, share * count, share)]
    return "|".join(",".join(map(str, part)) for part in parts)


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
