"""What a study tells: the same events feed the run file, the plain output and the screens.

Frozen and self-contained: an event read back from a run file says what it said live.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import Prepared, Variant
from embedtui.measure.layer_errors import ErrorDecomposition, LayerSite
from embedtui.plan.plan import PassKey, Plan

Status = Literal["running", "finished", "cancelled", "failed", "cut off", "refused"]


@dataclass(frozen=True)
class RunStarted:
    """A run begins; the machine it runs on is part of every figure."""

    plan: Plan
    environment: dict[str, Any]
    at: str
    """ISO 8601 with the offset from UTC."""


@dataclass(frozen=True)
class Waiting:
    """What is being waited for, in words, before there is anything to count."""

    what: str
    setting: int | None = None
    """Number of the setting in the plan, where it is one setting's business."""


@dataclass(frozen=True)
class EngineReady:
    """A setting is loaded; `effective` was read back from the engine."""

    setting: int
    effective: EffectiveConfig
    warm: bool
    """Whether the engine stood already."""
    log: str


@dataclass(frozen=True)
class TextsPrepared:
    """The texts as this setting's engine tokenizes them."""

    setting: int
    prepared: Prepared


@dataclass(frozen=True)
class Kept:
    """A part of a batch, where a recording has left out the rest."""

    texts: int
    """How many texts were handed in together."""
    places: tuple[int, ...]
    """Where in the batch those stood that were kept."""


@dataclass(frozen=True)
class BatchEmbedded:
    """One batch came back."""

    setting: int
    batch_size: int
    """The batch size that was asked for; `rows` is shorter for the remainder."""
    pass_key: PassKey
    start: int
    rows: tuple[int, ...]
    vectors: npt.NDArray[np.float32]
    steps: tuple[tuple[int, int], ...]
    """Sequences and tokens of every step that the scheduler made of it; none where a server
    keeps them to itself."""
    seconds: float
    reused: bool = False
    """Whether an earlier run found it, so that the engine was not asked."""
    kept: Kept | None = None
    """In a recording that keeps a part of the texts: which part of the batch this is."""
    told_steps: int | None = None
    """In how many steps a server says that it ran the batch."""


@dataclass(frozen=True)
class SettingEnded:
    """A setting is done, or why it is not."""

    setting: int
    status: Status
    reason: str = ""
    log: str = field(default="", compare=False)
    """File that the engine wrote its log to; empty where none was started."""


@dataclass(frozen=True)
class ReferenceComputed:
    """Float64 vectors of some texts, as the model's own pipeline gives them."""

    rows: tuple[int, ...]
    tokens: tuple[int, ...]
    vectors: npt.NDArray[np.float64]
    cached: bool


@dataclass(frozen=True)
class ReferenceFailed:
    """There is no float64 reference, and why."""

    reason: str


@dataclass(frozen=True)
class VariantsCompared:
    """How near variants of the model's own pipeline come to vectors that are not its own."""

    setting: int
    variants: tuple[Variant, ...]
    pooling: str
    """How the model's own files have it pool."""


@dataclass(frozen=True)
class LayersCompared:
    """How far the states of a batch of texts are from those of the same texts alone, by place."""

    setting: int
    batch_size: int
    """The batch size that was asked for; `rows` is shorter for the remainder."""
    rows: tuple[int, ...]
    places: tuple[LayerSite, ...]
    relative: npt.NDArray[np.float64]
    """Texts x places; see `measure.layers.relative_states`."""
    identical: npt.NDArray[np.bool_]
    """Texts x places: whether all of a text's states are equal bit for bit."""
    steps: tuple[tuple[int, int], ...]
    """Sequences and tokens of every step that the batch was run in."""


@dataclass(frozen=True)
class LayersJudged:
    """One text's states, unbatched, against float64."""

    setting: int
    row: int
    relative: npt.NDArray[np.float64]
    """By place of the budget; see `measure.layers.relative_states`."""
    budget: ErrorDecomposition
    alone: npt.NDArray[np.float64]
    """By layer: what the error is, L2, when this layer alone is computed exactly."""


@dataclass(frozen=True)
class LayersMixed:
    """The error with these layers computed exactly and the others by vLLM, measured."""

    setting: int
    layers: tuple[int, ...]
    rows: tuple[int, ...]
    errors: npt.NDArray[np.float64]
    """By text, L2."""


@dataclass(frozen=True)
class LayersFailed:
    """A setting's layers, or their reference, cannot be looked into, and why."""

    setting: int
    reason: str


@dataclass(frozen=True)
class RunEnded:
    """Nothing more will come."""

    status: Status
    reason: str = ""


Event = (
    RunStarted
    | Waiting
    | EngineReady
    | TextsPrepared
    | BatchEmbedded
    | SettingEnded
    | ReferenceComputed
    | ReferenceFailed
    | VariantsCompared
    | LayersCompared
    | LayersJudged
    | LayersMixed
    | LayersFailed
    | RunEnded
)
