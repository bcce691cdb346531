"""The float64 model of the fakes: exact vectors, and errors by layer as ordered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from embedtui.common.errors import Cancelled
from embedtui.engine.messages import (
    JudgeLayers,
    LayersFound,
    LayersJudged,
    MatchVariants,
    Reference,
    ReferenceDone,
    ResumeLayers,
    Variant,
    VariantsMatched,
)
from embedtui.engine.port import OnStage, Stop
from embedtui.measure.layer_errors import decompose_error
from tests.fake_layers import FAULT, LAYERS, PLACES

if TYPE_CHECKING:
    from tests.fake_process import FakeProcess
    from tests.fakes import Script


def count_tokens(text: str) -> int:
    return len(text.split()) + 2


class FakeReference:
    """The float64 model."""

    def __init__(
        self,
        script: Script,
        process: FakeProcess,
        exact: Callable[[str, int], npt.NDArray[np.float64]],
    ) -> None:
        self.process = process
        self.embedded: list[Reference] = []
        self.opened: list[Reference] = []
        self.matched: list[MatchVariants] = []
        self._script, self._exact = script, exact

    @property
    def busy(self) -> bool:
        return self.process.busy

    def embed(self, request: Reference, tell: OnStage, stop: Stop) -> Iterator[ReferenceDone]:
        self.embedded.append(request)
        with self.process.work():
            tell("loading weights in float64")
            self._script.raise_for("reference")
            for row, text in zip(request.rows, request.texts, strict=True):
                if stop():
                    raise Cancelled("cancelled after the batch in hand")
                self.process.check()
                # Not of length one, as a model without a Normalize module gives it.
                vector = 3.0 * self._exact(text, self._script.width)
                if self._script.reference_value is not None:
                    vector[:] = self._script.reference_value
                counted = min(count_tokens(text), self._script.max_length)
                yield ReferenceDone(row, counted + self._script.tokens_of_reference, vector)

    def match(self, request: MatchVariants, tell: OnStage, stop: Stop) -> VariantsMatched:
        """Hold the vectors against the exact ones, against which the script has planted nothing."""
        self.matched.append(request)
        tell("float64 variants of the model's pipeline")
        self._script.raise_for("variants")
        exact = [self._exact(text, self._script.width) for text in request.reference.texts]
        own = tuple(
            float(np.linalg.norm(vector / np.linalg.norm(vector) - one))
            if vector.shape == one.shape
            else float("nan")
            for vector, one in zip(request.vectors, exact, strict=True)
        )
        planted = (
            replace(one, l2=tuple(one.l2[at % len(one.l2)] for at in range(len(exact))))
            for one in self._script.variants
        )
        known = (Variant("length", "another length", own), *planted)
        return VariantsMatched(known, "mean")

    @property
    def closed(self) -> bool:
        return self.process.closed

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> None:
        self.process.close()

    def open_layers(
        self, request: Reference, tell: Callable[[str], None], stop: Callable[[], bool]
    ) -> LayersFound:
        self.opened.append(request)
        tell("loading weights in float64")
        self._script.raise_for("exact layers")
        return LayersFound(PLACES, LAYERS, 0)

    def judge_layers(self, request: JudgeLayers, stop: Callable[[], bool]) -> LayersJudged:
        exact = self._exact(request.text, self._script.width)
        error = request.vector.astype(np.float64)
        error = error / np.linalg.norm(error) - exact
        drawn = np.random.default_rng(_seed(request.text))
        size = float(np.linalg.norm(error)) / np.sqrt(len(PLACES))
        parts = [_of_length(drawn, len(error), size) for _ in (*PLACES, "pooling")]
        missing = error - sum(parts)
        if self._script.layer_fault is None:
            parts = [part + missing / len(parts) for part in parts]
        else:
            parts = [part / FAULT for part in parts]
            at_fault = PLACES.index(self._script.layer_fault)
            parts[at_fault] = error - sum(parts[:at_fault] + parts[at_fault + 1 :])
        relative = np.sqrt(np.cumsum([float(part @ part) for part in parts[:-1]]))
        roundings = [_of_length(drawn, len(error), size / FAULT) for _ in range(LAYERS)]
        return LayersJudged(
            exact,
            relative,
            decompose_error(parts, roundings, request.places),
            tuple(np.ones((2, 4)) for _ in range(LAYERS)),
        )

    def resume_layers(
        self, request: ResumeLayers, stop: Callable[[], bool]
    ) -> npt.NDArray[np.floating]:
        return np.ones((2, 4))


def _of_length(drawn: np.random.Generator, width: int, length: float) -> npt.NDArray[np.float64]:
    vector = drawn.standard_normal(width)
    return vector * (length / np.linalg.norm(vector))


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
