"""What vLLM makes of a model's files, without its weights."""

from __future__ import annotations

from typing import Any

from embedtui.common.errors import InputError
from embedtui.engine.settings import Setting
from embedtui.engine.vllm_adapter.reasons import first_line


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


def kv_bytes_per_token(config: Any) -> int:
    """Return the bytes that a decoder's cache takes per token; 0 where there is no cache."""
    if getattr(config, "attn_type", "decoder") != "decoder":
        return 0
    text = config.hf_text_config
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * config.dtype.itemsize)
