"""The shape of a model that is to be made with random weights."""

from __future__ import annotations

from dataclasses import dataclass

RANDOM_MARK = "embedtui_random_seed"
"""Key in config.json that tells a model with random weights from a trained one."""


@dataclass(frozen=True)
class Shape:
    """What to write, and where."""

    folder: str
    tokenizer: str
    """The folder whose tokenizer is copied."""
    arch: str = "bert"
    """One of `make.ARCHITECTURES`, or classifier, which has no embeddings."""
    layers: int = 6
    width: int = 384
    pooling: str = ""
    """mean, cls or last; without it the model has no files that say how it pools."""
    seed: int = 7
    positions: int = 512
