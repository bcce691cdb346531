"""Which files of a model's folder matter, and how its JSON is read: shared by every look at it."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from embedtui.common.errors import InputError
from embedtui.common.printable import printable

SENTENCE_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
"""Where sentence-transformers keeps the longest input, in the order in which vLLM looks."""

TOKENIZER_PATTERNS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "bpe.codes",
    "tekken.json",
    "*.model",
    "*.tiktoken",
)
"""Every file that can change how a text becomes tokens."""

INDEX = "model.safetensors.index.json"
"""Names the shards of a checkpoint in several files."""
_PICKLES_INDEX = "pytorch_model.bin.index.json"
"""The same of pickles, which count only where there are no safetensors."""

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "*.model", "tekken.json", "*.tiktoken")
_VOCABULARY_FREE = {"ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer"}
_NOT_FOR_INFERENCE = (
    "training_args.bin",
    "optimizer.bin",
    "optimizer.pt",
    "scheduler.pt",
    "scaler.pt",
)


def read_json(path: Path) -> object | None:
    """Return what a JSON file holds, None where there is no such file.

    Raises `InputError` where the file cannot be read or is no JSON: vLLM would fail on it too,
    but only after its start and in many lines.
    """
    try:
        content: object = json.loads(path.read_bytes())
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(f"{printable(str(path))} is a link to a missing file") from None
        return None
    except OSError as error:
        raise InputError(f"cannot read {printable(str(path))}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{printable(str(path))} is not valid JSON: {printable(str(error), 80)}"
        ) from error
    return content


def read_object(path: Path) -> dict[str, object]:
    """Return the JSON object in a file, empty where there is no such file.

    Raises `InputError` as `read_json` does, and where the JSON is anything but an object.
    """
    content = read_json(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{printable(str(path))} is not a JSON object")
    return content


def weight_files(folder: Path) -> list[Path]:
    """Return the files that vLLM loads weights from, in the order of their names.

    Like vLLM, safetensors come before .bin and .bin before .pt; only one kind is ever loaded, so
    a checkpoint that holds two of them is one model, not two. Shards are those that an index
    names, whether they are there or not.
    """
    for index, patterns in ((INDEX, ("*.safetensors",)), (_PICKLES_INDEX, ("*.bin", "*.pt"))):
        shards = _indexed(folder, index)
        if shards is not None:
            return shards
        for pattern in patterns:
            every = matching(folder, pattern)
            found = [path for path in every if not path.name.endswith(_NOT_FOR_INFERENCE)]
            if found:
                return found
    return []


def has_tokenizer(folder: Path) -> bool:
    """Tell whether a vocabulary is there, without which vLLM maps every word to [UNK]."""
    if any(_there(folder, pattern) for pattern in _VOCABULARIES):
        return True
    if _there(folder, "vocab.json") and _there(folder, "merges.txt"):
        return True
    kind = read_object(folder / "tokenizer_config.json").get("tokenizer_class")
    return isinstance(kind, str) and kind in _VOCABULARY_FREE


def modules(folder: Path) -> list[dict[str, object]]:
    """Return what modules.json lists, empty where the model is no sentence-transformers model.

    Raises `InputError` where modules.json is broken.
    """
    listed = read_json(folder / "modules.json")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise InputError(f"{printable(str(folder / 'modules.json'))} is not a JSON list")
    return [item for item in listed if isinstance(item, dict)]


def module_folder(folder: Path, module: dict[str, object]) -> Path | None:
    """Return the folder of one module, None where its path leads out of the model's folder."""
    path = module.get("path")
    if not isinstance(path, str):
        return None
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts or "\0" in path:
        return None
    return folder / inside


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return the files of `folder` itself whose names match, sorted; links to nothing included."""
    try:
        # glob leaves links to nothing out where a pattern has no wildcard.
        paths = sorted(folder.glob(pattern)) if "*" in pattern else [folder / pattern]
        return [p for p in paths if p.is_symlink() or p.exists() if not p.is_dir()]
    except OSError:
        return []


def _there(folder: Path, pattern: str) -> bool:
    return any(path.exists() for path in matching(folder, pattern))


def _indexed(folder: Path, index: str) -> list[Path] | None:
    shards = read_object(folder / index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        return None
    names = {name for name in shards.values() if isinstance(name, str) and Path(name).name == name}
    return [folder / name for name in sorted(names)] or None
