"""What is known about a model before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from embedtui.common.errors import InputError
from embedtui.common.printable import printable

Embeds: TypeAlias = Literal["yes", "no", "unknown"]

FROM_SENTENCE_TRANSFORMERS = "sentence-transformers"
FROM_CONFIG = "config.json"
FROM_VLLM = "vLLM's default for the architecture"


@dataclass(frozen=True)
class ModelInfo:
    """A model as its folder describes it; a field is None where nothing says it.

    Texts are as the files hold them, apart from `reason`: pass them through `printable` to show
    them.
    """

    ref: str
    """What a user would type to get it."""
    name: str
    folder: Path | None
    """None where the model has to be downloaded, or the rest of it, by `hub_id`."""
    hub_id: str | None
    revision: str | None
    """The commit of a snapshot in the hub cache; else the revision that was asked for."""
    architecture: str | None
    model_type: str | None
    layers: int | None
    width: int | None
    """Length of a hidden state; a final Dense module can make the embedding another length."""
    pooling: str | None
    """mean, cls or last; or what vLLM cannot do, such as max, and then `reason` says so."""
    pooling_source: str
    """Who says so: one of the FROM_ constants."""
    parameters: int | None
    dtype: str | None
    """What the checkpoint stores, such as float32."""
    bytes_on_disk: int | None
    """Size of the weights that vLLM loads."""
    max_length: int | None
    """Tokens of the longest input, special tokens included."""
    has_tokenizer: bool
    embeds: Embeds
    """Whether the installed vLLM would give one vector per text; unknown until it has loaded."""
    reason: str
    """Why, or what to do; one line, safe to print."""
    random: bool = False
    """Whether its weights were drawn at random, by `embedtui make-model`."""
    prompts: dict[str, str] = field(default_factory=dict, hash=False)
    """Texts to put before an input, by purpose; unchanged, for they are tokenized."""
    default_prompt: str = ""
    """The purpose whose prompt the model's own pipeline puts before every text; "" for none."""
    similarity: str = ""
    """What the model's own pipeline scores by, where that orders texts otherwise than cosines."""
    differs: tuple[str, ...] = ()
    """What vLLM will make otherwise than the model's files ask, a line each, safe to print."""


def require_embeddable(info: ModelInfo) -> None:
    """Raise `InputError` where `info` is known to give no embeddings; unknown passes."""
    if info.embeds == "no":
        raise InputError(f"{printable(info.ref)} cannot be run: {info.reason}")
