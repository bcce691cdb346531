"""The mean pooling that vLLM had before 2026, put back into today's engine."""

from __future__ import annotations

from types import MethodType
from typing import Any


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
        poolers = mean_poolers(model)
        for pooler in poolers:
            pooler.forward = MethodType(running_sum, pooler)
        return len(poolers)

    return int(sum(llm.apply_model(change)))


def mean_poolers(model: Any) -> list[Any]:
    """Return the modules that pool by the mean; a dispatcher hides its poolers in a plain dict."""
    found = {}
    for module in model.modules():
        dispatched = getattr(module, "poolers_by_task", None) or {}
        for pooler in (module, *dispatched.values()):
            for part in pooler.modules():
                if type(part).__name__ == "MeanPool":
                    found[id(part)] = part
    return list(found.values())
