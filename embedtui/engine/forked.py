"""The engines and the float64 model that run in processes forked here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from embedtui.engine.base_engine import BaseEngine
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import (
    BatchDone,
    CompareLayers,
    Embed,
    Job,
    JudgeLayers,
    LayersCompared,
    LayersFound,
    LayersJudged,
    LayersResumed,
    LayerStates,
    Load,
    MatchVariants,
    Open,
    Opened,
    OpenLayers,
    Prepare,
    Prepared,
    Ready,
    Reference,
    ReferenceDone,
    ResumeLayers,
    SeeLayers,
    TooLong,
    VariantsMatched,
)
from embedtui.engine.port import LayerAccess, OnStage, Stop
from embedtui.engine.process import Process
from embedtui.engine.settings import Setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class ForkedEngine(BaseEngine["Process"]):
    """One setting in a process of its own (`engine/vllm_engine.py`)."""

    def __init__(self, process: Process, setting: Setting) -> None:
        super().__init__(setting, process)
        self._prepared: tuple[tuple[str, ...], TooLong, Prepared] | None = None

    def open(self, tell: OnStage, stop: Stop, max_length: int | None = None) -> Opened:
        """Read the model's configuration and tokenizer."""
        self.opened = self.process.ask(Open(self.setting, max_length), Opened, tell, stop)
        return self.opened

    def prepare(
        self, texts: tuple[str, ...], too_long: TooLong, tell: OnStage, stop: Stop
    ) -> Prepared:
        """Tokenize the texts; those that are there already are not tokenized again."""
        if self._prepared is not None and self._prepared[:2] == (texts, too_long):
            return self._prepared[2]
        self._prepared = None
        prepared = self.process.ask(Prepare(texts, too_long), Prepared, tell, stop)
        self._prepared = (texts, too_long, prepared)
        return prepared

    def load(self, request: Load, tell: OnStage, stop: Stop) -> EffectiveConfig:
        """Load the weights; return what is in force."""
        self.effective = self.process.ask(request, Ready, tell, stop).effective
        self.largest_batch, self.token_budget = request.largest_batch, request.token_budget
        self.longest = request.longest
        return self.effective

    def embed(self, jobs: Sequence[Job], stop: Stop) -> Iterator[BatchDone]:
        """Run batches, in order; yield each as it is done."""
        return self.process.stream(Embed(tuple(jobs)), BatchDone, stop=stop)

    def observed(self) -> dict[str, Any]:
        """Return nothing: it told all before anything was embedded."""
        return {}

    def layers(self) -> LayerAccess:
        """Return itself: its process can be asked for states."""
        return self

    def open_layers(self) -> LayersFound:
        """Find the layers of the loaded model."""
        return self.process.ask(OpenLayers(), LayersFound)

    def see_layers(self, request: SeeLayers) -> LayerStates:
        """Run one text alone and return its states."""
        return self.process.ask(request, LayerStates)

    def compare_layers(self, request: CompareLayers) -> LayersCompared:
        """Run texts alone and together; return how far their states move."""
        return self.process.ask(request, LayersCompared)

    def resume_layers(self, request: ResumeLayers) -> npt.NDArray[np.floating]:
        """Run a text with another state put in before a layer."""
        return self.process.ask(request, LayersResumed).found

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()

    def close(self) -> None:
        """End the process in good order; the memory is free afterwards."""
        self.process.close()


class ForkedReference:
    """The float64 model in a process of its own (`engine/reference.py`)."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def busy(self) -> bool:
        """Whether the process works."""
        return self.process.busy

    def embed(self, request: Reference, tell: OnStage, stop: Stop) -> Iterator[ReferenceDone]:
        """Compute texts one at a time; yield each as it is done."""
        return self.process.stream(request, ReferenceDone, tell, stop, patient=False)

    def match(self, request: MatchVariants, tell: OnStage, stop: Stop) -> VariantsMatched:
        """Hold vectors against variants of the pipeline; a stop kills the process."""
        return self.process.ask(request, VariantsMatched, tell, stop)

    def open_layers(self, request: Reference, tell: OnStage, stop: Stop) -> LayersFound:
        """Load the weights and find the layers."""
        return self.process.ask(OpenLayers(request), LayersFound, tell, stop)

    def judge_layers(self, request: JudgeLayers, stop: Stop) -> LayersJudged:
        """Hold an engine's states against the exact ones; a stop kills the process."""
        return self.process.ask(request, LayersJudged, stop=stop)

    def resume_layers(self, request: ResumeLayers, stop: Stop) -> npt.NDArray[np.floating]:
        """Run a text with another state put in before a layer; a stop kills the process."""
        return self.process.ask(request, LayersResumed, stop=stop).found

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()

    def close(self) -> None:
        """End the process."""
        self.process.close()
