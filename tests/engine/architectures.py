"""Makes small models of every kind that vLLM was seen to embed with as their files ask.

Run as a program, since torch stays out of the tests' own process: a folder and a tokenizer's in,
a model per name in the folder out.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedtui.engine.vllm_adapter.companions import hide_broken_companions

WIDTH = 64
ENCODERS = ("bert", "roberta", "xlm-roberta", "modernbert")
DECODERS = ("qwen2", "qwen3", "mistral", "llama", "gemma3", "gpt2")
OTHERWISE = ("camembert", "bert-decoder", "gpt2-types", "gpt2-unscaled")
"""What vLLM makes otherwise than the model's own code does, and preflight tells."""
_SIZE = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2}
_ENDS = {"intermediate_size": 2 * WIDTH, "max_position_embeddings": 128}


def _config(arch: str, words: int) -> Any:
    import transformers

    sizes = {**_SIZE, **_ENDS, "vocab_size": words}
    grouped = {"num_key_value_heads": 1, "head_dim": WIDTH // 2}
    offset = {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
    match arch:
        case "bert":
            config = transformers.BertConfig(**sizes)
        case "roberta":
            absolute = {"position_embedding_type": "absolute"}
            config = transformers.RobertaConfig(**{**sizes, **offset, **absolute})
        case "xlm-roberta":
            absolute = {"position_embedding_type": "absolute"}
            config = transformers.XLMRobertaConfig(**{**sizes, **offset, **absolute})
        case "modernbert":
            special = dict.fromkeys(("cls_token_id", "sep_token_id"), 0)
            config = transformers.ModernBertConfig(**sizes, **ends, **special, local_attention=32)
        case "qwen2":
            config = transformers.Qwen2Config(**sizes, num_key_value_heads=1, **ends)
        case "qwen3":
            config = transformers.Qwen3Config(**sizes, **grouped, **ends)
        case "mistral":
            config = transformers.MistralConfig(**sizes, **grouped, **ends)
        case "camembert":
            config = transformers.CamembertConfig(**{**sizes, **offset})
        case "bert-decoder":
            config = transformers.BertConfig(**sizes, is_decoder=True)
        case "gpt2" | "gpt2-types" | "gpt2-unscaled":
            own = {"n_embd": WIDTH, "n_layer": 2, "n_head": 2, "n_positions": 128}
            scaled = {"scale_attn_weights": arch != "gpt2-unscaled"}
            special = dict.fromkeys(("bos_token_id", "eos_token_id"), 0)
            config = transformers.GPT2Config(vocab_size=words, **own, **scaled, **special)
        case "llama":
            config = transformers.LlamaConfig(**sizes, num_key_value_heads=1, **ends)
        case _:
            own = {"query_pre_attn_scalar": WIDTH // 2, "sliding_window": 32}
            config = transformers.Gemma3TextConfig(**sizes, **grouped, **own, **ends)
    return config


def base(arch: str, folder: Path, tokenizer: Path, *, pooling: str, dtype: str = "float32") -> None:
    """Write a model of random weights, mean or last pooled and normalised, with a tokenizer."""
    import torch
    import transformers

    torch.manual_seed(3)
    words = len(transformers.AutoTokenizer.from_pretrained(tokenizer)) + 6
    config = _config(arch, words)
    model = transformers.AutoModel.from_config(config)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.mul_(4)
    model.to(getattr(torch, dtype)).eval().save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        if (tokenizer / name).is_file():
            shutil.copy(tokenizer / name, folder / name)
    limit = {"model_max_length": 128}
    known = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    inputs = {"model_input_names": ["input_ids", "attention_mask"]}
    own = inputs if arch in {"gpt2", "gpt2-unscaled"} else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(known | limit | own), "utf-8")
    _modules(folder, "Normalize")
    _pooled(folder, pooling)


def _modules(folder: Path, *kinds: str) -> None:
    places = ["", "1_Pooling", *(f"{at}_{kind}" for at, kind in enumerate(kinds, 2))]
    types = ("Transformer", "Pooling", *kinds)
    modules = [
        {"idx": at, "name": str(at), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for at, (place, kind) in enumerate(zip(places, types, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))


def _pooled(folder: Path, *modes: str) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    config = {"word_embedding_dimension": WIDTH} | {f"pooling_mode_{one}": True for one in modes}
    (folder / "1_Pooling/config.json").write_text(json.dumps(config))


def _dense(folder: Path, at: int, activation: str, *, out: int = 32, binary: bool = False) -> None:
    import torch
    from safetensors.torch import save_file

    place = folder / f"{at}_Dense"
    place.mkdir()
    width = WIDTH if at == 2 else 32
    config = {"in_features": width, "out_features": out, "bias": True}
    named = {"activation_function": f"torch.nn.modules.{activation}"}
    (place / "config.json").write_text(json.dumps(config | named))
    weights = {"linear.weight": torch.randn(out, width) / 4, "linear.bias": torch.randn(out)}
    if binary:
        torch.save(weights, place / "pytorch_model.bin")
    else:
        save_file(weights, place / "model.safetensors")


def _with_dense(activation: str, *, binary: bool = False) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        _modules(folder, "Dense", "Normalize")
        _dense(folder, 2, activation, binary=binary)

    return change


def _two_dense(folder: Path) -> None:
    _modules(folder, "Dense", "Dense", "Normalize")
    _dense(folder, 2, "linear.Identity")
    _dense(folder, 3, "linear.Identity")


def _binary(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _sharded(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    mapped: dict[str, str] = {}
    for part in (0, 1):
        file = f"model-0000{part + 1}-of-00002.safetensors"
        here = names[part::2]
        save_file({name: weights[name] for name in here}, folder / file, {"format": "pt"})
        mapped |= dict.fromkeys(here, file)
    index = {"metadata": {}, "weight_map": mapped}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _lower(folder: Path) -> None:
    """Have the pipeline lower the case of texts, and the tokenizer no more."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    tokenizer["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    known = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps(known | {"do_lower_case": False}))
    own = {"max_seq_length": 128, "do_lower_case": True}
    (folder / "sentence_bert_config.json").write_text(json.dumps(own))


def _short(folder: Path) -> None:
    own = {"max_seq_length": 16, "do_lower_case": False}
    (folder / "sentence_bert_config.json").write_text(json.dumps(own))


def _pooling(*modes: str) -> Callable[[Path], None]:
    return lambda folder: _pooled(folder, *modes)


def _same(_: Path) -> None:
    pass


VARIANTS: dict[str, Callable[[Path], None]] = {
    "cls": _pooling("cls_token"),
    "last": _pooling("lasttoken"),
    "sqrt-len": _pooling("mean_sqrt_len_tokens"),
    "dense-tanh": _with_dense("activation.Tanh"),
    "dense-gelu": _with_dense("activation.GELU"),
    "dense-identity": _with_dense("linear.Identity"),
    "dense-bin": _with_dense("activation.Tanh", binary=True),
    "two-dense": _two_dense,
    "bin": _binary,
    "sharded": _sharded,
    "lower-case": _lower,
    "short": _short,
}
"""What is changed of a mean-pooled BERT."""
NARROW = ("bfloat16", "float16")
"""Dtypes of checkpoints."""
NAMES = (*ENCODERS, *DECODERS, *VARIANTS, *NARROW)


def main(folder: Path, tokenizer: Path) -> None:
    hide_broken_companions()
    for arch in (*ENCODERS, *DECODERS, *OTHERWISE):
        last = arch in DECODERS or arch.startswith("gpt2")
        pooling = "lasttoken" if last else "mean_tokens"
        base(arch, folder / arch, tokenizer, pooling=pooling)
    for name, change in VARIANTS.items():
        shutil.copytree(folder / "bert", folder / name)
        change(folder / name)
    for dtype in NARROW:
        base("bert", folder / dtype, tokenizer, pooling="mean_tokens", dtype=dtype)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
