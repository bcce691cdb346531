"""Runs made of the recorded vectors of a trained model, in which faults are planted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.assess.diagnosis import diagnose
from embedtui.assess.vector_faults import faults_of
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import Prepared
from embedtui.engine.settings import Setting
from embedtui.plan.plan import FIRST, PassKey
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    ReferenceComputed,
    RunStarted,
    SettingEnded,
    TextsPrepared,
)
from embedtui.results.results import Results
from embedtui.storage import library, run_file
from tests.fakes import pack, plan

Figures = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Key = tuple[int, PassKey]

SIZES = (1, 2, 8, 32)
REPEAT = PassKey("repeat", 1)
SHUFFLE = PassKey("shuffle", 1)
PASSES: tuple[Key, ...] = (
    *((size, FIRST) for size in SIZES),
    (1, REPEAT),
    (32, REPEAT),
    (32, SHUFFLE),
)
_SETTINGS = {"float16": 0, "bfloat16": 1, "float32": 6}
"""Numbers of settings in the recording; float32 is that without TF32."""


@cache
def minilm() -> Results:
    return run_file.read(library.recordings()["h200-minilm"])


@dataclass
class Planted:
    """What a run of one setting has measured, before it is made a run; change what you like."""

    dtype: str
    passes: dict[Key, Figures]
    tokens: list[int]
    reference: Floats | None
    texts: list[str]
    server: bool = False
    effective: dict[str, Any] = field(default_factory=dict)
    seconds: dict[Key, float] = field(default_factory=dict)
    """Seconds of a batch of a pass, where it matters."""
    truncated: dict[int, int] = field(default_factory=dict)
    """Tokens of the texts that were cut, by row."""

    @property
    def alone(self) -> Figures:
        return self.passes[1, FIRST]

    def batched(self) -> list[Key]:
        return [key for key in self.passes if key[0] > 1]

    def results(self) -> Results:
        """Return the results of a run that measured this."""
        count = len(self.texts)
        setting = Setting(
            "http://localhost:8000" if self.server else "tiny", dtype=self._known("auto")
        )
        planned = plan(
            pack(*self.texts),
            sizes=tuple(sorted({size for size, _ in self.passes})),
            settings=(setting,),
            shuffles=1,
        )
        told = {
            "device": "server" if self.server else "cpu",
            "dtype": self.dtype,
            "pooling": "mean",
            "normalized": True,
            "pooling_accumulation": "float32",
            "max_length": 256,
            **self.effective,
        }
        results = Results()
        results(RunStarted(planned, {}, ""))
        results(EngineReady(0, EffectiveConfig.from_dict(told), False, ""))
        results(TextsPrepared(0, Prepared(tuple(self.tokens), self.truncated)))
        for (size, draw), vectors in self.passes.items():
            for start in range(0, count, size):
                rows = tuple(range(start, min(start + size, count)))
                step = ((len(rows), sum(self.tokens[row] for row in rows)),)
                seconds = self.seconds.get((size, draw), 0.01)
                part = vectors[list(rows)]
                results(BatchEmbedded(0, size, draw, start, rows, part, step, seconds))
        if self.reference is not None:
            rows, tokens = tuple(range(count)), tuple(int(n) for n in minilm().reference.tokens)
            results(ReferenceComputed(rows, tokens[:count], self.reference, False))
        results(SettingEnded(0, "finished"))
        return results

    def causes(self) -> list[str]:
        """Return the words of the causes, but for those of a drift that nobody worries about."""
        found = self.diagnosed()
        return [name for name, _, _ in found if name not in {"none", "noise", "rounding-order"}]

    def diagnosed(self) -> list[tuple[str, str, str]]:
        """Return cause, name and what was seen."""
        results = self.results()
        (setting,) = results.settings
        faults = faults_of(results, setting)
        return [(one.cause, one.name, one.evidence) for one in diagnose(results, setting, faults)]

    def _known(self, other: str) -> str:
        return self.dtype if self.dtype in _SETTINGS and not self.server else other


def recorded(dtype: str, *, reference: bool = True) -> Planted:
    """Return the recorded run of a dtype as it was: every pass of the same 32 texts."""
    run = minilm()
    setting = run.settings[_SETTINGS[dtype]]
    largest = 256
    passes = {}
    for size, draw in PASSES:
        found = setting.pass_of(largest if size == 32 and draw != FIRST else size, draw)
        passes[size, draw] = found.vectors.copy()
    return Planted(
        dtype,
        passes,
        [int(n) for n in run.reference.tokens],
        run.reference.vectors.copy() if reference else None,
        [text.text for text in run.plan.pack.texts],
    )


def simulated(
    rng: np.random.Generator, l2: float, dtype: str, drift: float, noise: str, again: float
) -> Planted:
    """Return a run without a fault: float64 vectors, an error, a drift and noise of any shape."""
    planted = recorded("float32")
    planted.dtype = dtype
    assert planted.reference is not None
    shape = planted.reference.shape
    alone = planted.reference + l2 * _direction(rng, shape)
    for key in planted.passes:
        moved = alone + (drift * _sizes(rng, shape[0], noise) * _direction(rng, shape)) * (
            key[0] > 1
        )
        moved = moved + again * _sizes(rng, shape[0], noise) * _direction(rng, shape)
        planted.passes[key] = scaled(moved)
    return planted


def scaled(vectors: npt.NDArray[Any]) -> Figures:
    """Return the vectors at length one, in float32."""
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), dtype=np.float32)


def towards(vectors: Figures, rows: Iterable[int], l2: float, seed: int = 3) -> Figures:
    """Return the vectors, those of some rows moved by an L2 in a direction of their own."""
    rng = np.random.default_rng(seed)
    moved = vectors.astype(np.float64)
    for row in rows:
        step = rng.standard_normal(vectors.shape[1])
        step -= (step @ moved[row]) * moved[row]
        moved[row] += l2 * step / np.linalg.norm(step)
    return scaled(moved)


def in_bfloat16(vectors: Figures) -> Figures:
    """Return the vectors rounded to bfloat16."""
    bits = vectors.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32)


def _direction(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    found = rng.standard_normal(shape)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def _sizes(rng: np.random.Generator, count: int, noise: str) -> Floats:
    """Return how far each text moves, as a share of the largest that is usual, in one column."""
    drawn = {
        "equal": np.ones(count),
        "gaussian": np.abs(rng.standard_normal(count)) / 3,
        "lognormal": np.minimum(rng.lognormal(-1.5, 0.5, count), 1.0),
        "rare": (rng.random(count) < 0.1).astype(float),
    }[noise]
    return np.asarray(drawn[:, None])
