"""One forward pass: the steps that the scheduler makes of it, and the vectors that come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


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
