"""Layers of the fakes: parts of an error as ordered; they sum to the error of the vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import (
    CompareLayers,
    JudgeLayers,
    LayersCompared,
    LayersFound,
    LayersJudged,
    LayersSeen,
    Reference,
    ResumeLayers,
    SeeLayers,
)
from embedtui.measure.layers import Place, budget_of

if TYPE_CHECKING:
    from tests.fakes import FakeProcess, Script

LAYERS = 4
PLACES = (
    Place("embeddings"),
    *(Place.of(part, layer) for layer in range(LAYERS) for part in ("attention", "mlp")),
    Place("norm"),
)
FAULT = 30
"""About so many times as much as any other adds a part that is ordered to be at fault."""

NEARER = 0.6
"""Of the error so much is left where another state was put in."""


class FakeLayers:
    """The part of a fake engine that is asked about layers."""

    setting: Any
    process: FakeProcess
    effective: EffectiveConfig
    _script: Script
    _texts: tuple[str, ...]
    _vector: Callable[[str, int, int], npt.NDArray[np.float32]]
    _exact: Callable[[str, int], npt.NDArray[np.float64]]

    def open_layers(self) -> LayersFound:
        self._script.raise_for("layers", self.setting.label)
        return LayersFound(PLACES, LAYERS, 0)

    def see_layers(self, request: SeeLayers) -> LayersSeen:
        self._alive()
        states = tuple(np.ones((2, 4), dtype=np.float32) for _ in request.places)
        return LayersSeen(states, self._vector(self._texts[request.row], 1, 0))

    def compare_layers(self, request: CompareLayers) -> LayersCompared:
        self._alive()
        size, dtype = len(request.rows), str(self.effective.dtype)
        relative = np.zeros((size, len(request.places)))
        for at in range(size):
            drift = self._script.drift(dtype, size, at)
            relative[at, 3:] = drift * np.linspace(0.25, 1, len(request.places) - 3)
        return LayersCompared(relative, relative == 0, ((size, 10 * size),))

    def resume_layers(self, request: ResumeLayers) -> npt.NDArray[np.floating]:
        self._alive()
        if request.stop is not None:
            return np.ones((2, 4), dtype=np.float32)
        # Some layers are exact, so the vector is somewhat nearer to the truth.
        text = self._texts[request.row]
        whole, exact = self._vector(text, 1, 0), self._exact(text, self._script.width)
        return (exact + NEARER * (whole - exact)).astype(np.float32)

    def _alive(self) -> None:
        with self.process.work():
            self._script.on_layers()
        self.process.check()


class FakeExact:
    """The part of a fake float64 model that is asked about layers."""

    def __init__(self, script: Script, exact: Callable[[str, int], Any]) -> None:
        self._script, self._exact = script, exact
        self.opened: list[Reference] = []

    def open_layers(
        self, request: Reference, tell: Callable[[str], None], stop: Callable[[], bool]
    ) -> LayersFound:
        self.opened.append(request)
        tell("loading weights in float64")
        self._script.raise_for("exact layers")
        return LayersFound((*PLACES[:-1], Place("norm")), LAYERS, 0)

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
            budget_of(parts, roundings, request.places),
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
