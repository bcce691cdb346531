"""What vLLM does between its import and a loaded model, made fit for forked engines."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any

from embedtui.engine.vllm_adapter.companions import hide_broken_companions

_PRELOAD = (
    "vllm",
    "vllm.entrypoints.llm",
    "vllm.v1.engine.core_client",
    "vllm.v1.executor.uniproc_executor",
    "vllm.model_executor.models.bert",
)
# These read VLLM_BATCH_INVARIANT once, at import: a host that has them can only fork engines
# with the value that it had itself.
FROZEN_AT_IMPORT = "vllm.v1.attention.ops.triton_unified_attention"

_STAGES = (
    ("Starting to load model", "loading weights"),
    ("Loading weights took", "warming up"),
)


def preload() -> None:
    """Import what every engine needs, and nothing that reads a switch as it is imported."""
    hide_broken_companions()
    for name in _PRELOAD:
        importlib.import_module(name)


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
