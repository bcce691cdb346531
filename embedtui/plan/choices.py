"""What a person chooses: model, texts and settings, as they were named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedtui.engine.settings import Setting, combine

if TYPE_CHECKING:
    from embedtui.engine.messages import TooLong

Chosen = Mapping[str, Sequence[Any]]
"""The values to try for each switch; every combination of them is a setting."""


@dataclass(frozen=True)
class Choices:
    """Model, texts and settings as they were named."""

    model: str = "minilm"
    texts: str = "passages"
    column: str | None = None
    id_column: str | None = None
    limit: int | None = None
    seed: int = 0
    """Draws the texts where `limit` leaves some out: packs are often sorted by topic."""
    join: int = 1
    """How many texts of the pack are put together to one: long texts out of any."""
    chosen: tuple[Chosen, ...] = field(
        default_factory=lambda: ({"dtype": ["bfloat16", "float16", "float32"]},)
    )
    """Each gives a setting for every combination of its values."""
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    repeats: int = 1
    shuffles: int = 2
    restarts: int = 0
    reference: bool = True
    too_long: TooLong = "truncate"
    prompt: str = ""
    """The name of one of the model's own prompts, or a text to put before every input."""
    layers: int = 0
    """How many texts are looked into layer by layer."""
    layers_under: float | None = None
    """The error that the fewest layers in float32 are to bring them under; None for half."""
    sweep: str = ""
    """The sweep that asks; in one, settings that cannot be had are left out with their reason."""
    against: str = ""
    """The model on this machine that a server is held against."""


def settings_of(name: str, chosen: Sequence[Chosen]) -> tuple[Setting, ...]:
    """Return every combination of the chosen values once, in the order in which they were given."""
    found = (setting for values in chosen for setting in combine(name, values))
    return tuple(dict.fromkeys(found))
