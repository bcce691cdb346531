"""Writes a model of a chosen shape with seeded random weights.

How depth and width move drift can be seen without a download: arithmetic does not ask what weights
mean. What such a model says of texts means nothing. Run as a process of its own, with the request
as JSON in its argument, because it needs torch.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from embedtui.models.shape import RANDOM_MARK, Shape

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "special_tokens_map.json",
    "sentencepiece.bpe.model",
    "merges.txt",
    "vocab.json",
)
_POOLING_MODES = {
    "mean": "pooling_mode_mean_tokens",
    "cls": "pooling_mode_cls_token",
    "last": "pooling_mode_lasttoken",
}


def write(shape: Shape) -> None:
    """Write config, weights, tokenizer and pooling into the folder."""
    import torch  # noqa: PLC0415

    torch.manual_seed(shape.seed)
    folder, tokenizer = Path(shape.folder), Path(shape.tokenizer)
    model = _model(shape, _vocabulary(tokenizer))
    # Freshly drawn weights are small, and with those every text gives nearly the same vector.
    gain = 4 if shape.width <= 64 else 1.5
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.mul_(gain)
    model.eval()
    setattr(model.config, RANDOM_MARK, shape.seed)
    model.save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (tokenizer / name).is_file():
            shutil.copy(tokenizer / name, folder / name)
    _let_in(folder, shape.positions)
    if shape.pooling:
        _write_pooling(folder, shape)


def _let_in(folder: Path, tokens: int) -> None:
    """Have the tokenizer let in what the model has positions for, not what its own model had."""
    path = folder / "tokenizer_config.json"
    if path.is_file():
        config = json.loads(path.read_text("utf-8")) | {"model_max_length": tokens}
        path.write_text(json.dumps(config), "utf-8")


def _model(shape: Shape, vocabulary: int) -> Any:
    import transformers  # noqa: PLC0415

    narrow = shape.width <= 64
    size = {
        "vocab_size": vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": max(shape.width // 64, 2),
        "intermediate_size": (2 if narrow else 4) * shape.width,
    }
    ends: dict[str, int] = {"max_position_embeddings": shape.positions}
    match shape.arch:
        case "bert":
            model = transformers.BertModel(transformers.BertConfig(**size, **ends))
        case "classifier":
            config = transformers.BertConfig(**size, **ends)
            model = transformers.BertForSequenceClassification(config)
        case "xlm-roberta":
            config = transformers.XLMRobertaConfig(
                **size,
                max_position_embeddings=shape.positions + 2,  # it counts from its padding on
                pad_token_id=1,
                type_vocab_size=1,
                position_embedding_type="absolute",  # as published models say; vLLM asks for it
            )
            model = transformers.XLMRobertaModel(config)
        case "modernbert":
            config = transformers.ModernBertConfig(
                **size,
                **ends,
                local_attention=min(128, shape.positions // 4),
                **dict.fromkeys(("pad_token_id", "bos_token_id", "cls_token_id"), 0),
                **dict.fromkeys(("eos_token_id", "sep_token_id"), 1),
            )
            model = transformers.ModernBertModel(config)
        case "mistral":
            config = transformers.MistralConfig(**size, **ends, **_grouped(size, shape))
            model = transformers.MistralModel(config)
        case "gemma3":
            config = transformers.Gemma3TextConfig(
                **size,
                **ends,
                **_grouped(size, shape),
                query_pre_attn_scalar=shape.width // size["num_attention_heads"],
                sliding_window=max(shape.positions // 4, 16),
            )
            model = transformers.Gemma3TextModel(config)
        case _:
            config = transformers.Qwen3Config(**size, **ends, **_grouped(size, shape))
            model = transformers.Qwen3ForCausalLM(config)
    return model


def _grouped(size: dict[str, int], shape: Shape) -> dict[str, int]:
    """Return what decoders ask for beside: every two heads share a key and a value."""
    heads = size["num_attention_heads"]
    return {
        "num_key_value_heads": max(heads // 2, 1),
        "head_dim": shape.width // heads,
    }


def _vocabulary(tokenizer: Path) -> int:
    """Return how many token ids the tokenizer gives, rounded up as trained models have it."""
    from transformers import AutoTokenizer  # noqa: PLC0415

    return -(-len(AutoTokenizer.from_pretrained(tokenizer)) // 2) * 2


def _write_pooling(folder: Path, shape: Shape) -> None:
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    config = {"word_embedding_dimension": shape.width}
    config |= {key: mode == shape.pooling for mode, key in _POOLING_MODES.items()}
    (folder / "1_Pooling/config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    from embedtui.engine.vllm_adapter.companions import hide_broken_companions

    hide_broken_companions()
    write(Shape(**json.loads(sys.argv[1])))
