"""Texts as token ids: the model's tokenizer, and what vLLM itself makes of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from embedtui.engine.vllm_adapter.reasons import first_line


def load_tokenizer(config: Any) -> tuple[Any, bool]:
    """Return the model's tokenizer, and whether the model wants its texts in lower case."""
    from transformers import AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(
        config.tokenizer, trust_remote_code=config.trust_remote_code
    )
    return tokenizer, bool((config.encoder_config or {}).get("do_lower_case", False))


def tokenize(tokenizer: Any, lower: bool, texts: Sequence[str]) -> list[list[int] | str]:
    """Return the token ids of each text, or the reason why it has none."""
    found: list[list[int] | str] = []
    for text in texts:
        try:
            found.append(list(tokenizer(text.lower() if lower else text)["input_ids"]))
        except (TypeError, ValueError, UnicodeError) as error:
            found.append(first_line(error))
    return found


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
