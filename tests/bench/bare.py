"""vLLM without embedtui, for comparison: a process that embeds in a bare loop when it is told to.

`bare.py MODEL DTYPE TEXTS.json BATCH[,BATCH]`: loads, prints `ready SECONDS`, then for each line on
standard input embeds all texts with `llm.embed`, BATCH at a time, and prints the seconds. The line
says what is handed in: `texts`, which vLLM tokenizes inside the clock, or `ids`, which it need not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

BEGAN = time.time()
os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(model: str, dtype: str, texts_file: str, batches: list[int]) -> None:
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from embedtui.engine.vllm_adapter.companions import hide_broken_companions
    from embedtui.engine.vllm_adapter.startup import inspect_models_here

    hide_broken_companions()
    inspect_models_here()
    from vllm import LLM

    texts = json.loads(Path(texts_file).read_text())
    llm = LLM(
        model=model,
        runner="pooling",
        dtype=dtype,
        enforce_eager=True,
        max_num_batched_tokens=65_536,
        gpu_memory_utilization=0.1,
    )
    llm.embed(texts[:1], use_tqdm=False)
    print(f"ready {time.time() - BEGAN:.3f}", file=told)
    ids = None
    for line in sys.stdin:
        prompts = texts
        if line.strip() == "ids":
            tokenizer = llm.get_tokenizer()
            ids = ids or [{"prompt_token_ids": tokenizer.encode(text)} for text in texts]
            prompts = ids
        began = time.perf_counter()
        for batch in batches:
            for start in range(0, len(prompts), batch):
                llm.embed(prompts[start : start + batch], use_tqdm=False)
        print(f"{time.perf_counter() - began:.4f}", file=told)


if __name__ == "__main__":
    model, dtype, texts, sizes = sys.argv[1:5]
    main(model, dtype, texts, [int(size) for size in sizes.split(",")])
