"""What the client, the host and the engine processes say to each other.

Pickled over socket pairs between processes of one user on one machine; nothing here imports torch
or vLLM, so that every side can read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.settings import Setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from embedtui.measure.layer_errors import ErrorDecomposition, LayerSite

Role = Literal["vllm", "reference"]
TooLong = Literal["truncate", "refuse"]

# --- client to host ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Fork:
    """Start a process of `role`; answered by `Forked` and its socket, or by `ForkFailed`."""

    number: int
    role: Role
    log: str
    """The file that descriptors 1 and 2 of the process go to."""


@dataclass(frozen=True)
class Kill:
    """End a process, and whatever it started, at once."""

    number: int


# --- host to client ---------------------------------------------------------------------------


@dataclass(frozen=True)
class HostReady:
    """vLLM is imported; engines can be forked."""

    seconds: float


@dataclass(frozen=True)
class HostFailed:
    """vLLM cannot be imported here."""

    reason: str


@dataclass(frozen=True)
class Forked:
    """A process runs; a file descriptor follows this message."""

    number: int
    pid: int


@dataclass(frozen=True)
class ForkFailed:
    """The system gave no process, or no socket for it."""

    number: int
    reason: str


@dataclass(frozen=True)
class Exited:
    """A process has ended; `status` is negative for the signal that killed it."""

    number: int
    status: int


# --- client to engine -------------------------------------------------------------------------


@dataclass(frozen=True)
class Open:
    """Read the model's configuration and tokenizer, no weights; answered by `Opened`."""

    setting: Setting
    max_length: int | None = None
    """Tokens that the model has positions for, where its files say so; vLLM may accept more."""


@dataclass(frozen=True)
class Prepare:
    """Tokenize these texts and keep them; answered by `Prepared`."""

    texts: tuple[str, ...]
    too_long: TooLong


@dataclass(frozen=True)
class Load:
    """Load the weights with room for such steps; answered by `Ready`."""

    largest_batch: int
    """Texts of the largest batch."""
    token_budget: int
    """Tokens of the largest batch."""
    longest: int
    """Tokens of the longest text."""
    kv_bytes: int = 0
    """Bytes of a decoder's cache that hold the largest batch."""
    free_share: float | None = None
    """Share of the GPU's memory that vLLM may count on; None on the CPU."""
    warm_up: tuple[int, ...] = ()
    """Batch sizes to try on a GPU before `Ready`: their first step compiles kernels."""


@dataclass(frozen=True)
class Job:
    """One batch: these rows of the prepared texts in one step."""

    number: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Embed:
    """Run these batches in order; answered by a `BatchDone` each and one `WorkDone`."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Reference:
    """Compute these texts in float64, one at a time; `ReferenceDone` each and one `WorkDone`."""

    model: str
    device: str
    max_length: int
    """Tokens after which a text ends; 0 for what the model's own files say."""
    pooling: str
    """mean, cls, last …: used where the model's own files do not say how it pools."""
    rows: tuple[int, ...]
    texts: tuple[str, ...]
    prompted: bool = False
    """Whether the texts begin with a prompt."""


@dataclass(frozen=True)
class MatchVariants:
    """Hold vectors against variants of the model's pipeline; answered by `VariantsMatched`."""

    reference: Reference
    """The texts as the model's own pipeline takes them."""
    plain: tuple[str, ...]
    """The same texts without a prompt."""
    vectors: tuple[npt.NDArray[np.float32], ...]
    """What was computed for each of the texts."""
    dimensions: int | None = None
    """How many figures were asked for; None for all."""
    probes: int = 3
    """So many texts, the first ones, are held against every variant, the rest against the nearest
    few of those: a variant is the cause only where it gives the vectors of all."""


@dataclass(frozen=True)
class OpenLayers:
    """Find the model's layers; answered by `LayersFound`.

    The float64 model is loaded for it, which is what `reference` says; an engine has its own.
    """

    reference: Reference | None = None


@dataclass(frozen=True)
class SeeLayers:
    """Run one prepared text alone; answered by `LayersSeen`."""

    row: int
    places: tuple[LayerSite, ...]


@dataclass(frozen=True)
class CompareLayers:
    """Run each of these texts alone, then all in one batch; answered by `LayersCompared`."""

    rows: tuple[int, ...]
    places: tuple[LayerSite, ...]


@dataclass(frozen=True)
class JudgeLayers:
    """Hold what an engine had at each place against float64; answered by `LayersJudged`."""

    text: str
    places: tuple[LayerSite, ...]
    states: tuple[npt.NDArray[np.float32], ...]
    vector: npt.NDArray[np.float32]
    """The engine's final vector."""
    dtype: str
    """What the engine stores states in."""
    normalized: bool


@dataclass(frozen=True)
class ResumeLayers:
    """Run a text with another state put in before a layer; answered by `LayersResumed`."""

    row: int
    text: str
    """An engine has prepared texts and goes by the row; the float64 model goes by this."""
    start: int | None
    """The layer before which the state is put, as many as there are for behind the last; None
    to put in nothing."""
    state: npt.NDArray[np.floating] | None
    stop: int | None
    """The layer before which the state is asked for; None for the final vector."""


@dataclass(frozen=True)
class CancelWork:
    """Stop after the step in hand; answered by `WorkDone(cancelled=True)`."""


@dataclass(frozen=True)
class Quit:
    """End the process in good order."""


# --- engine to client -------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """What the process does now, in words for the person who waits."""

    what: str


@dataclass(frozen=True)
class Opened:
    """The model as vLLM understands it."""

    max_length: int
    """Tokens of the longest text that is embedded whole."""
    vllm_max_length: int
    """Tokens of the longest text that vLLM would accept."""
    pooling: str
    """mean, cls, last …; what a server does not tell is unknown."""
    kv_bytes_per_token: int
    """What a decoder keeps per token; 0 for a model without such a cache."""


@dataclass(frozen=True)
class Prepared:
    """The texts as token counts, and those that need a word."""

    tokens: tuple[int, ...]
    """Tokens that the engine computes for each text; 0 for a refused one."""
    truncated: dict[int, int] = field(default_factory=dict)
    """Row to the number of tokens before truncation."""
    refused: dict[int, str] = field(default_factory=dict)
    """Row to the reason why the text is left out."""


@dataclass(frozen=True)
class Ready:
    """The engine stands; what is in force was read back from it."""

    effective: EffectiveConfig


@dataclass(frozen=True)
class BatchDone:
    """The vectors of one job and the steps in which the scheduler really ran it."""

    job: int
    vectors: npt.NDArray[np.float32]
    """Texts x width, in the order of the job's rows."""
    steps: tuple[tuple[int, int], ...]
    """Sequences and tokens of every step; none where a server keeps them to itself."""
    seconds: float
    rows: tuple[int, ...] | None = None
    """The rows that came back, where a server may refuse some of the job's."""
    told_steps: int | None = None
    """In how many steps a server says that it ran the job."""
    tokens: dict[int, int] = field(default_factory=dict)
    """Row to the tokens that a server counted; an engine has told them before."""
    refused: dict[int, str] = field(default_factory=dict)
    """Row to the reason for which a server does not take the text."""


@dataclass(frozen=True)
class ReferenceDone:
    """The float64 vector of one text, as the model's own pipeline gives it."""

    row: int
    tokens: int
    vector: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variant:
    """A computation that is the model's own but for one thing, and how near it comes."""

    kind: str
    """A word for programs: pooling, module, prompt, truncation, tokens, case or length."""
    name: str
    """What differs, worded to follow "it looks like": `pooling by cls`."""
    l2: tuple[float, ...]
    """L2 from the vectors that were given, both scaled to length one; by text."""


@dataclass(frozen=True)
class VariantsMatched:
    """Every variant that can be had of all the texts, the plainest first."""

    variants: tuple[Variant, ...]
    pooling: str
    """How the model's own pipeline pools."""


@dataclass(frozen=True)
class LayersFound:
    """The places at which states of this model can be read, in order."""

    places: tuple[LayerSite, ...]
    layers: int
    hooks: int
    """Hooks that stand on the model while nobody watches: what vLLM itself has put there."""


@dataclass(frozen=True)
class LayerStates:
    """One text's states, tokens x width at each place, and its vector."""

    states: tuple[npt.NDArray[np.float32], ...]
    vector: npt.NDArray[np.float32]


@dataclass(frozen=True)
class LayersCompared:
    """How far the states of texts in a batch are from those of the same texts alone."""

    relative: npt.NDArray[np.float64]
    """Texts x places; see `measure.layers.relative_states`."""
    identical: npt.NDArray[np.bool_]
    """Texts x places: whether all of a text's states are equal bit for bit."""
    steps: tuple[tuple[int, int], ...]
    """Sequences and tokens of every step that the batch was run in."""


@dataclass(frozen=True)
class LayersJudged:
    """One text's states against float64, and what each part adds to the final error."""

    exact: npt.NDArray[np.float64]
    """The float64 vector of the text."""
    relative: npt.NDArray[np.float64]
    """By place; see `measure.layers.relative_states`."""
    budget: ErrorDecomposition
    outputs: tuple[npt.NDArray[np.float64], ...]
    """By layer, tokens x width: what float64 makes of the input that the engine's layer had."""


@dataclass(frozen=True)
class LayersResumed:
    """What a run with another state put in came to: a state, or the final vector."""

    found: npt.NDArray[np.floating]


@dataclass(frozen=True)
class WorkDone:
    """The work that was asked for has ended."""

    cancelled: bool = False


@dataclass(frozen=True)
class Failed:
    """The process cannot do what was asked; the traceback is in its log."""

    kind: Literal["input", "engine"]
    reason: str
