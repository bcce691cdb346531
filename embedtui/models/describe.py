"""Everything a model's folder says about the model, read from JSON and headers alone."""

from __future__ import annotations

from pathlib import Path

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.models import files
from embedtui.models.config_differences import OFFSET_TYPES, config_differences
from embedtui.models.info import (
    FROM_CONFIG,
    FROM_SENTENCE_TRANSFORMERS,
    FROM_VLLM,
    Embeds,
    ModelInfo,
)
from embedtui.models.preflight import default_prompt, differences, similarity, why_no_model
from embedtui.models.servable import Verdict, servable
from embedtui.models.shape import RANDOM_MARK
from embedtui.models.weights import Weights, read_weights

_LENGTH_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
"""Where vLLM looks for the longest input; the smallest counts."""
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_WIDTH_KEYS = ("hidden_size", "n_embd", "d_model", "dim")
_ABSOLUTE_TYPES = OFFSET_TYPES | {"albert", "bert", "distilbert", "electra"}
_POOLING_IN_CONFIG = {
    "LlamaBidirectionalModel",
    "LlamaNemotronVLModel",
}
"""Architectures for which vLLM lets config.json's "pooling" decide."""


def describe(
    folder: Path,
    *,
    ref: str | None = None,
    name: str | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
) -> ModelInfo:
    """Describe the model in `folder`; no weights are loaded and no network is asked.

    `ref`, `name`, `hub_id` and `revision` are what only the caller can know; without a name the
    hub id's last part or the folder's name stands in. Raises `InputError` where the folder has no
    config.json or holds a JSON file that is broken, for vLLM would fail on both, or where it cannot
    be read.
    """
    try:
        return _describe(folder, ref, name, hub_id, revision)
    except OSError as error:
        raise InputError(f"cannot read {printable(str(folder))}: {error.strerror}") from error


def _describe(
    folder: Path, ref: str | None, name: str | None, hub_id: str | None, revision: str | None
) -> ModelInfo:
    config_file = folder / "config.json"
    if not config_file.exists() and not config_file.is_symlink():
        raise InputError(why_no_model(folder))
    config = files.read_object(config_file)
    text_config = _nested(config)
    weights = read_weights(folder)
    architecture = _architecture(config)
    model_type = _text(config.get("model_type"))
    pooling, source = _stated_pooling(folder, config, architecture)
    verdict = servable(architecture, model_type, pooling)
    has_tokenizer = files.has_tokenizer(folder)
    embeds, reason = _embeds(folder, verdict, weights, has_tokenizer)
    return ModelInfo(
        ref=str(folder) if ref is None else ref,
        name=name or (hub_id or "").rpartition("/")[2] or folder.resolve().name,
        folder=folder,
        hub_id=hub_id,
        revision=revision,
        architecture=architecture,
        model_type=model_type,
        layers=_first_count(text_config, _LAYER_KEYS),
        width=_first_count(text_config, _WIDTH_KEYS),
        pooling=pooling or verdict.pooling,
        pooling_source=source,
        parameters=weights.parameters,
        dtype=weights.dtype or _config_dtype(config) or _config_dtype(text_config),
        bytes_on_disk=weights.bytes_on_disk,
        max_length=_max_length(folder, config, text_config),
        has_tokenizer=has_tokenizer,
        embeds=embeds,
        reason=reason,
        random=RANDOM_MARK in config,
        prompts=_prompts(folder),
        default_prompt=default_prompt(folder),
        similarity=similarity(folder),
        differs=(
            *differences(folder, pooling, verdict.pooling),
            *config_differences(folder, config, listed=verdict.embeds == "yes"),
        ),
    )


def _embeds(
    folder: Path,
    verdict: Verdict,
    weights: Weights,
    has_tokenizer: bool,
) -> tuple[Embeds, str]:
    if verdict.embeds == "no":
        return "no", verdict.reason
    where = printable(str(folder))
    if weights.fault is not None:
        return "no", f"{weights.fault} (in {where})"
    if not has_tokenizer:
        return (
            "no",
            "no tokenizer files: vLLM would turn every word into [UNK] without saying so; copy "
            f"tokenizer.json and tokenizer_config.json from the original model to {where}",
        )
    return verdict.embeds, verdict.reason


def _stated_pooling(
    folder: Path, config: dict[str, object], architecture: str | None
) -> tuple[str | None, str]:
    """Return the pooling that the model's own files ask for, and which of them does."""
    if architecture in _POOLING_IN_CONFIG:
        asked = _text(config.get("pooling"))
        if asked is not None:
            return "mean" if asked == "avg" else asked, FROM_CONFIG
    for module in files.modules(folder):
        if (_text(module.get("type")) or "").endswith(".Pooling"):
            inside = files.module_folder(folder, module)
            if inside is not None:
                asked = _pooling_name(files.read_object(inside / "config.json"))
                if asked is not None:
                    return asked, FROM_SENTENCE_TRANSFORMERS
    return None, FROM_VLLM


def _pooling_name(config: dict[str, object]) -> str | None:
    mode = config.get("pooling_mode")
    if isinstance(mode, str):
        names = [mode]
    elif isinstance(mode, list):
        names = [str(part) for part in mode]
    else:
        names = [k for k, on in config.items() if on is True and k.startswith("pooling_mode_")]
    return "+".join(_short_pooling(name) for name in names) or None


def _short_pooling(name: str) -> str:
    short = name.removeprefix("pooling_mode_").lower()
    if short.startswith("lasttoken"):
        return "last"
    return short.removesuffix("_tokens").removesuffix("_token")


def _max_length(
    folder: Path, config: dict[str, object], text_config: dict[str, object]
) -> int | None:
    """Return the longest input in tokens: the smallest of what bounds it.

    vLLM would take max_seq_length as it stands, even beyond the positions that the model has, and
    reads the tokenizer's bound only for absolute positions: elsewhere it is often a stray default.
    """
    lengths = [n for key in _LENGTH_KEYS if (n := _count(text_config.get(key))) is not None]
    model_type = _text(config.get("model_type"))
    positions = _text(config.get("position_embedding_type"))
    if model_type in OFFSET_TYPES and positions in {None, "absolute"}:
        padding = config.get("pad_token_id")
        offset = padding + 1 if isinstance(padding, int) else 2
        lengths = [n - offset for n in lengths if n > offset]
    if positions == "absolute" or (positions is None and model_type in _ABSOLUTE_TYPES):
        tokenizer = files.read_object(folder / "tokenizer_config.json")
        bound = _count(tokenizer.get("model_max_length"))
        lengths += [] if bound is None else [bound]
    for file in files.SENTENCE_CONFIGS:
        bound = _count(files.read_object(folder / file).get("max_seq_length"))
        if bound is not None:
            lengths.append(bound)
            break
    return min(lengths, default=None)


def _prompts(folder: Path) -> dict[str, str]:
    prompts = files.read_object(folder / "config_sentence_transformers.json").get("prompts")
    if not isinstance(prompts, dict):
        return {}
    return {purpose: text for purpose, text in prompts.items() if isinstance(text, str)}


def _nested(config: dict[str, object]) -> dict[str, object]:
    """Return the part that describes the text model where config.json nests it."""
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def _architecture(config: dict[str, object]) -> str | None:
    listed = config.get("architectures")
    return _text(listed[0]) if isinstance(listed, list) and listed else None


def _config_dtype(config: dict[str, object]) -> str | None:
    stated = _text(config.get("dtype")) or _text(config.get("torch_dtype"))
    return None if stated is None else stated.removeprefix("torch.")


def _first_count(config: dict[str, object], keys: tuple[str, ...]) -> int | None:
    return next((n for key in keys if (n := _count(config.get(key))) is not None), None)


def _count(value: object) -> int | None:
    """Return a positive number that is meant: transformers writes 1e30 for "no bound"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value < 1e9 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
