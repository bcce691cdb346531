"""What the study asks engines for, whichever they are: a process forked here, or a server.

Everything above the engines is written against these protocols, and `engine/pool.py` with what it
starts is one way to meet them. `stop` is asked twenty times a second while something is waited
for; `tell` hears in words what is done meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from embedtui.engine.access import Access
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import (
    BatchDone,
    CompareLayers,
    Job,
    JudgeLayers,
    LayersCompared,
    LayersFound,
    LayersJudged,
    LayerStates,
    Load,
    MatchVariants,
    Opened,
    Prepared,
    Reference,
    ReferenceDone,
    ResumeLayers,
    SeeLayers,
    TooLong,
    VariantsMatched,
)
from embedtui.engine.settings import Setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OnStage = Callable[[str], None]
Stop = Callable[[], bool]

State = Literal["starting", "idle", "leased", "dead"]
"""Of an engine in a pool: being started; free for the next who asks; in use; ended by itself."""


@dataclass(frozen=True)
class Stopped:
    """A process that a signal has stopped: it answers nobody before another lets it go on."""

    what: str
    """engine, engine host or float64 model."""
    pid: int

    def __str__(self) -> str:
        return (
            f"the {self.what}'s process is stopped (SIGSTOP): `kill -CONT {self.pid}` lets it go on"
        )


def silent(_: str) -> None:
    """Tell nobody."""


def never() -> bool:
    """Go on."""
    return False


class LayerAccess(Protocol):
    """The states between the layers of a loaded engine; only a kill ends a step before its end."""

    def open_layers(self) -> LayersFound:
        """Find the layers of the loaded model."""

    def see_layers(self, request: SeeLayers) -> LayerStates:
        """Run one text alone and return its states."""

    def compare_layers(self, request: CompareLayers) -> LayersCompared:
        """Run texts alone and together; return how far their states move."""

    def resume_layers(self, request: ResumeLayers) -> npt.NDArray[np.floating]:
        """Run a text with another state put in before a layer."""


class Engine(Protocol):
    """One setting that can be asked: open, prepare, load, then embed as often as wanted.

    What is asked of an engine that was killed from here raises Cancelled, and EngineError with the
    last words of its log where it has ended by itself.
    """

    @property
    def setting(self) -> Setting:
        """What it was started with."""

    @property
    def log(self) -> Path:
        """The file that it writes its words to."""

    @property
    def effective(self) -> EffectiveConfig:
        """What was read back from it once it was loaded; empty before."""

    @property
    def opened(self) -> Opened | None:
        """The model as it understands it; None before it was opened."""

    @property
    def largest_batch(self) -> int:
        """Texts of the largest batch that it has room for."""

    @property
    def token_budget(self) -> int:
        """Tokens that one step may hold."""

    @property
    def longest(self) -> int:
        """Tokens of the longest text that it has room for."""

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""

    @property
    def busy(self) -> bool:
        """Whether it works on something that was asked of it."""

    def open(self, tell: OnStage, stop: Stop, max_length: int | None = None) -> Opened:
        """Read the model's configuration and tokenizer."""

    def prepare(
        self, texts: tuple[str, ...], too_long: TooLong, tell: OnStage, stop: Stop
    ) -> Prepared:
        """Take the texts, as token counts; those that are there already are not tokenized again."""

    def load(self, request: Load, tell: OnStage, stop: Stop) -> EffectiveConfig:
        """Load the weights; return what is in force.

        Raises:
            Cancelled: at once, if `stop` says so: of half a load nothing can be kept.
        """

    def embed(self, jobs: Sequence[Job], stop: Stop) -> Iterator[BatchDone]:
        """Run batches, in order; yield each as it is done.

        Raises:
            Cancelled: after the batch in hand, if `stop` says so; the engine stays.
        """

    def observed(self) -> dict[str, Any]:
        """Return what only embedding has shown of it; it decides nothing about vectors."""

    def layers(self) -> LayerAccess:
        """Return the way to the states between its layers.

        Raises:
            InputError: if it shows its vectors alone, as a server does.
        """

    def kill(self) -> None:
        """End it at once; may be called from any thread."""

    def close(self) -> None:
        """End it in good order and give its memory back."""


class ReferenceModel(Protocol):
    """The float64 model, in a process of its own."""

    def embed(self, request: Reference, tell: OnStage, stop: Stop) -> Iterator[ReferenceDone]:
        """Compute texts one at a time; yield each as it is done."""

    def match(self, request: MatchVariants, tell: OnStage, stop: Stop) -> VariantsMatched:
        """Hold vectors against variants of the pipeline; a stop kills the process."""

    def open_layers(self, request: Reference, tell: OnStage, stop: Stop) -> LayersFound:
        """Load the weights and find the layers."""

    def judge_layers(self, request: JudgeLayers, stop: Stop) -> LayersJudged:
        """Hold an engine's states against the exact ones; a stop kills the process."""

    def resume_layers(self, request: ResumeLayers, stop: Stop) -> npt.NDArray[np.floating]:
        """Run a text with another state put in before a layer; a stop kills the process."""


class Lease(Protocol):
    """The right to use one engine: until it is given back nobody else gets the engine.

    As a context manager it is given back at the end, and the engine closed where an error other
    than Cancelled ends the block: what it was working on could join the next one's steps.
    """

    @property
    def engine(self) -> Engine:
        """The engine; not to be asked after the lease was given back."""

    def release(self) -> None:
        """Give the engine back; it stays for the next, unless it has died or was never loaded.

        A second call does nothing.
        """

    def discard(self) -> None:
        """Close the engine and forget it."""

    def __enter__(self) -> Self:
        """Return the lease itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the engine back."""


class EnginePool(Protocol):
    """The engines of a session: they stay warm between runs, as many as memory allows.

    Every method may be called from any thread.
    """

    access: Access
    """How servers are asked."""

    @property
    def logs(self) -> Path:
        """The folder of the engines' logs."""

    def start(self) -> None:
        """Begin in the background what every engine needs, importing vLLM."""

    def wait_ready(self, stop: Stop = never) -> object:
        """Wait until engines can be started.

        Raises:
            EngineError: if vLLM cannot be imported; the next call tries anew.
            Cancelled: if `stop` says so.
        """

    def get(self, setting: Setting) -> Lease | None:
        """Lease the engine of this setting if a loaded one stands idle."""

    def spawn(self, setting: Setting, needed_bytes: int, stop: Stop = never) -> Lease:
        """Lease a new engine, not yet opened; idle ones make room for so many bytes.

        Raises:
            EngineError: if none can be started.
            Cancelled: if `stop` says so, or it was killed while it was started.
        """

    def reference(self, stop: Stop = never) -> AbstractContextManager[ReferenceModel]:
        """Start a process for the float64 model; it ends with the block."""

    def evict(self, needed_bytes: int) -> None:
        """Close idle engines, the least recently used first, until so much memory is free."""

    def states(self) -> list[tuple[Setting, State]]:
        """Return every engine there is and what it is about, the least recently used first."""

    def kill_current(self) -> None:
        """Kill what works now or is being started; engines that wait are not touched."""

    def stopped(self) -> list[Stopped]:
        """Return the processes that a signal has stopped."""

    def close(self) -> str:
        """End everything; whoever still waits for an engine gets Cancelled.

        What did not end by itself is killed after a moment, and that is said in a line.
        """
