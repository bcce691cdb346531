"""Engines that compute nothing: vectors from a hash of the text, drift and faults as ordered.

They meet the protocols of `embedtui.engine.port` and are kept by the real pool, so that study,
record and the command line can be tested without vLLM, and every fault that they name be planted.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.common.errors import Cancelled, EmbedtuiError
from embedtui.engine.base_engine import BaseEngine
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import (
    BatchDone,
    Job,
    Load,
    Opened,
    Prepared,
    Reference,
    TooLong,
    Variant,
)
from embedtui.engine.pool import Pool, RunningReference
from embedtui.engine.port import Engine, LayerAccess, OnStage, Stop
from embedtui.engine.settings import Setting
from embedtui.measure.layer_errors import LayerSite
from embedtui.plan.plan import Plan
from embedtui.results.events import Event
from embedtui.texts import Text, TextPack
from tests.fake_layers import FakeLayers
from tests.fake_process import FakeHost, FakeProcess
from tests.fake_reference import FakeReference, count_tokens
from tests.waiting import wait_until

REFUSED = "no tokenizer reads this"
"""A text that holds these words is refused."""

Drift = Callable[[str, int, int], float]
"""Dtype, texts in the step and position in it, to the L2 by which the vector is moved."""


def no_drift(_dtype: str, _size: int, _position: int) -> float:
    return 0.0


def usual_drift(dtype: str, size: int, position: int) -> float:
    """None in float32, growing with the batch in float16, about constant in bfloat16."""
    if size == 1 or dtype == "float32":
        return 0.0
    return {"float16": 1e-6 * size, "bfloat16": 1e-3}[dtype] * (1 + position / (10 * size))


@dataclass
class Batch:
    """What a plant may spoil before it is sent."""

    setting: Setting
    rows: tuple[int, ...]
    vectors: npt.NDArray[np.float32]


Plant = Callable[[Batch], None]


def broken(row: int, value: float, *, size: int | None = None) -> Plant:
    """Put a value into one text's vector: NaN or an infinity into one place, 0 into all."""

    def plant(batch: Batch) -> None:
        if row in batch.rows and size in {None, len(batch.rows)}:
            vector = batch.vectors[batch.rows.index(row)]
            vector[slice(None) if value == 0 else 3] = value

    return plant


def swapped(size: int) -> Plant:
    """Exchange the first two vectors of every batch of `size` texts."""

    def plant(batch: Batch) -> None:
        if len(batch.rows) == size:
            batch.vectors[[0, 1]] = batch.vectors[[1, 0]]

    return plant


def collapsed(batch: Batch) -> None:
    """Give every text the same vector."""
    batch.vectors[:] = _unit("the same", batch.vectors.shape[1])


@dataclass
class Script:
    """What the fake engines do; the defaults are a model that works."""

    width: int = 16
    max_length: int = 64
    vllm_max_length: int = 0
    """What vLLM would accept; 0 for the same."""
    precision: dict[str, float] = field(
        default_factory=lambda: {"float32": 5e-7, "float16": 5e-4, "bfloat16": 5e-3}
    )
    """Dtype to the L2 between its unbatched vectors and the reference."""
    drift: Drift = usual_drift
    noise: float = 0.0
    """L2 by which a vector moves each time it is computed again."""
    noise_from: int = 0
    """Where the noise begins; two runs from the same place have the same."""
    restart_noise: float = 0.0
    """L2 between the vectors of one engine and of the next of the same setting."""
    plants: tuple[Plant, ...] = ()
    most_in_step: int | None = None
    """Texts that a step holds at most; a larger batch is split."""
    tokens_of_reference: int = 0
    """Tokens that the reference counts more than the engine."""
    variants: tuple[Variant, ...] = ()
    """Variants of the model's pipeline, and how near each is to vectors that are not its own."""
    reference_value: float | None = None
    """What the reference of every text is filled with instead of its vector."""
    failures: dict[tuple[str, str], EmbedtuiError] = field(default_factory=dict)
    """What is raised, by stage (import, open, prepare, load, embed, reference, variants, layers,
    exact layers) and label of the setting; "" for import, reference, variants and exact layers."""
    fail_after: int = 0
    """Batches that come back before the stage embed fails."""
    on_job: Callable[[int], None] = lambda _count: None
    """Called before each batch with how many were begun before, over all settings."""
    seconds_per_text: float = 0.001
    """Engine time that a batch claims to have taken."""
    sleep: float = 0.0
    """Time that a batch really takes."""
    import_never_ends: bool = False
    load_never_ends: bool = False
    """Whether a load goes on until it is stopped or killed."""
    on_import: Callable[[], None] = lambda: None
    """Called when vLLM's import is waited for."""
    on_fork: Callable[[Stop], None] = lambda _stop: None
    """Called when an engine is to be forked, with what says that it was called off."""
    on_load: Callable[[Setting], None] = lambda _setting: None
    """Called when an engine begins to load its weights."""
    layer_fault: LayerSite | None = None
    """The part that adds most of the error, where states are looked into."""
    on_layers: Callable[[], None] = lambda: None
    """Called before each question about layers."""

    def raise_for(self, stage: str, label: str = "") -> None:
        if (stage, label) in self.failures:
            raise self.failures[stage, label]


class FakeEngine(BaseEngine[FakeProcess], FakeLayers):
    """One loaded setting."""

    def __init__(self, owner: FakeEngines, process: FakeProcess, setting: Setting) -> None:
        super().__init__(setting, process)
        self._owner = owner
        self._script = owner.script
        self._exact = exact
        self._texts: tuple[str, ...] = ()
        self._prepared = Prepared(())

    def open(self, tell: OnStage, stop: Stop, max_length: int | None = None) -> Opened:
        with self.process.work():
            tell("reading the model's configuration")
            self._script.raise_for("open", self.setting.label)
            self.opened = Opened(self._script.max_length, self._script.max_length, "mean", 0)
            return self.opened

    def prepare(
        self,
        texts: tuple[str, ...],
        too_long: TooLong,
        tell: OnStage,
        stop: Stop,
    ) -> Prepared:
        self.process.check()
        self._script.raise_for("prepare", self.setting.label)
        limit = self._script.max_length
        tokens: list[int] = []
        truncated: dict[int, int] = {}
        refused: dict[int, str] = {}
        for row, text in enumerate(texts):
            count = count_tokens(text)
            if REFUSED in text:
                refused[row] = f"the tokenizer cannot read it: {REFUSED}"
            elif not text:
                refused[row] = "it has no tokens"
            elif count > limit and too_long == "refuse":
                refused[row] = f"{count} tokens are more than the model's {limit}"
            elif count > limit:
                truncated[row] = count
            tokens.append(0 if row in refused else min(count, limit))
        self._texts = texts
        self._prepared = Prepared(tuple(tokens), truncated, refused)
        return self._prepared

    def load(self, request: Load, tell: OnStage, stop: Stop) -> EffectiveConfig:
        with self.process.work():
            tell("loading weights")
            self._script.on_load(self.setting)
            if self._script.load_never_ends:
                wait_until(lambda: stop() or not self.process.alive)
            if stop():
                self.process.kill()
            self.process.check()
        self._script.raise_for("load", self.setting.label)
        self.process.log.write_text(f"weights of {self.setting.label} are loaded\n")
        self.largest_batch, self.token_budget = request.largest_batch, request.token_budget
        self.longest = request.longest
        self._owner.loaded.append(self.setting)
        self.effective = EffectiveConfig.from_dict(
            {
                "dtype": "float16" if self.setting.dtype == "auto" else self.setting.dtype,
                "device": "cpu",
                "attention_backend": "cpu_attn",
                "pooling": "mean",
                "normalized": True,
                "execution": self.setting.execution,
                "threads": 2,
                "max_num_batched_tokens": request.token_budget,
                "max_length": self._script.max_length,
                "vllm_max_length": self._script.vllm_max_length or self._script.max_length,
                "load_seconds": 0.125,
            }
        )
        return self.effective

    def embed(self, jobs: Sequence[Job], stop: Stop) -> Iterator[BatchDone]:
        with self.process.work():
            for count, job in enumerate(jobs):
                if count >= self._script.fail_after:
                    self._script.raise_for("embed", self.setting.label)
                self._script.on_job(self._owner.jobs)
                self._owner.jobs += 1
                if self._script.sleep:
                    time.sleep(self._script.sleep)
                self.process.check()
                yield self._done(job)
                if stop():
                    raise Cancelled("cancelled after the batch in hand")

    def observed(self) -> dict[str, Any]:
        return {}

    def layers(self) -> LayerAccess:
        return self

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> None:
        self.process.close()

    def _done(self, job: Job) -> BatchDone:
        rows = job.rows
        steps = [rows]
        if most := self._script.most_in_step:
            steps = [rows[start : start + most] for start in range(0, len(rows), most)]
        vectors = np.stack(
            [
                self._vector(self._texts[row], len(step), position)
                for step in steps
                for position, row in enumerate(step)
            ]
        )
        batch = Batch(self.setting, rows, vectors)
        for plant in self._script.plants:
            plant(batch)
        counts = self._prepared.tokens
        return BatchDone(
            job.number,
            batch.vectors,
            tuple((len(step), sum(counts[row] for row in step)) for step in steps),
            self._script.seconds_per_text * len(rows),
        )

    def _vector(self, text: str, size: int, position: int) -> npt.NDArray[np.float32]:
        dtype = str(self.effective.dtype)
        vector = exact(text, self._script.width)
        vector = _moved(vector, f"{dtype} {text}", self._script.precision[dtype])
        vector = _moved(vector, f"{size} {text}", self._script.drift(dtype, size, position))
        if self._script.restart_noise:
            loaded = self._owner.loaded.count(self.setting)
            vector = _moved(vector, f"engine {loaded} {text}", self._script.restart_noise)
        if self._script.noise:
            self._owner.computed += 1
            vector = _moved(
                vector, f"{self._script.noise_from + self._owner.computed}", self._script.noise
            )
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class FakeEngines(Pool):
    """The engines of a session, kept by the real pool."""

    def __init__(self, script: Script | None = None, *, logs: Path) -> None:
        self.script = script or Script()
        self.host = FakeHost(self.script, logs)
        super().__init__(self.host)
        self.jobs = 0
        """Batches begun, over all engines."""
        self.computed = 0
        self.loaded: list[Setting] = []
        """Settings in the order in which their weights were loaded."""
        self.references: list[FakeReference] = []
        """The float64 models that were started."""

    @property
    def reference_requests(self) -> list[Reference]:
        """What float64 vectors were asked for."""
        return [request for model in self.references for request in model.embedded]

    @property
    def exacts(self) -> list[FakeReference]:
        """The float64 models that were asked about layers."""
        return [model for model in self.references if model.opened]

    def stands(self, setting: Setting) -> bool:
        """Say whether a living engine waits for the next who asks for this setting."""
        return (setting, "idle") in self.states()

    def _start_engine(self, setting: Setting, stop: Stop) -> Engine:
        self.script.on_fork(stop)
        return FakeEngine(self, FakeProcess(self.logs / f"{len(self.loaded)}.log"), setting)

    def _start_reference(self, stop: Stop) -> RunningReference:
        self.host.wait_ready(stop)
        self.references.append(
            FakeReference(self.script, FakeProcess(self.logs / "float64.log"), exact)
        )
        return self.references[-1]


class EventRecorder(list[Event]):
    """A listener that keeps what it is told."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]

    def before(self, event: Event) -> list[Event]:
        """Return what was told before this very event."""
        return self[: next(place for place, told in enumerate(self) if told is event)]

    @property
    def kinds(self) -> list[str]:
        """The names of the events, repetitions of one after the other left out."""
        names = [type(event).__name__ for event in self]
        return [name for before, name in zip(["", *names], names, strict=False) if name != before]


def pack(*texts: str, ids: Sequence[str] = ()) -> TextPack:
    """Return a pack of these texts, numbered from 1 or with these ids."""
    named = ids or [str(number) for number in range(1, len(texts) + 1)]
    listed = tuple(Text(name, text) for name, text in zip(named, texts, strict=True))
    return TextPack("few", "few", listed)


def some_texts(count: int) -> TextPack:
    return pack(*(f"text number {number} {'word ' * (number % 5)}" for number in range(count)))


def plan(
    texts: TextPack | int = 10,
    *dtypes: str,
    sizes: tuple[int, ...] = (1, 2, 4),
    model_hash: str | None = None,
    settings: tuple[Setting, ...] = (),
    **further: Any,
) -> Plan:
    """Return a plan; its settings are the dtypes where none are given."""
    return Plan(
        model="tiny",
        model_name="tiny-bert",
        model_hash=model_hash,
        settings=settings or tuple(Setting("tiny", dtype=d) for d in dtypes or ("float32",)),
        batch_sizes=sizes,
        pack=some_texts(texts) if isinstance(texts, int) else texts,
        **further,
    )


def exact(text: str, width: int) -> npt.NDArray[np.float64]:
    """Return the float64 vector of a text, of length one."""
    return _unit(text, width)


def make_model(folder: Path, *, architecture: str = "BertModel") -> Path:
    """Write what `embedtui.models` looks at: a config, a tokenizer, a few bytes of weights."""
    folder.mkdir(parents=True)
    config = {
        "architectures": [architecture],
        "model_type": "bert",
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "max_position_embeddings": 512,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    header = json.dumps({"a": {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 64]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(64)
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def _unit(seed: str, width: int) -> npt.NDArray[np.float64]:
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()
    vector = np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal(width)
    return vector / np.linalg.norm(vector)


def _moved(vector: npt.NDArray[np.float64], seed: str, l2: float) -> npt.NDArray[np.float64]:
    return vector + l2 * _unit(seed, len(vector)) if l2 else vector
