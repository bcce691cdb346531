"""What vLLM makes of a model's files, without its weights, and what that rules out."""

from __future__ import annotations

from typing import Any

from embedtui.engine.settings import Setting
from embedtui.engine.vllm_adapter.reasons import first_line
from embedtui.errors import InputError


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
