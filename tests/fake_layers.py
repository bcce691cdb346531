"""Layers of the fakes: parts of an error as ordered; they sum to the error of the vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import (
    CompareLayers,
    LayersCompared,
    LayersFound,
    LayerStates,
    ResumeLayers,
    SeeLayers,
)
from embedtui.measure.layer_errors import LayerSite

if TYPE_CHECKING:
    from tests.fake_process import FakeProcess
    from tests.fakes import Script

LAYERS = 4
PLACES = (
    LayerSite("embeddings"),
    *(
        LayerSite.from_names(part, layer)
        for layer in range(LAYERS)
        for part in ("attention", "mlp")
    ),
    LayerSite("norm"),
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

    def see_layers(self, request: SeeLayers) -> LayerStates:
        self._alive()
        states = tuple(np.ones((2, 4), dtype=np.float32) for _ in request.places)
        return LayerStates(states, self._vector(self._texts[request.row], 1, 0))

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
        # Some layers are exact, so the vector is somewhat nearer to the reference.
        text = self._texts[request.row]
        whole, exact = self._vector(text, 1, 0), self._exact(text, self._script.width)
        return (exact + NEARER * (whole - exact)).astype(np.float32)

    def _alive(self) -> None:
        with self.process.work():
            self._script.on_layers()
        self.process.check()
