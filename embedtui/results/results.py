"""What the events add up to: vectors by pass, and every distance that is made of them.

Live screens, the report and a reopened run file all use this one class, fed by the same events,
which is why a figure is the same to the bit wherever it is shown.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import Prepared
from embedtui.engine.settings import Setting
from embedtui.measure import Distances, compare, join, largest_finite, unit
from embedtui.measure.noise_test import NoiseTest, noise_test
from embedtui.measure.quantization_detection import Digits
from embedtui.measure.repeated_rows import are_firsts, first_alike
from embedtui.plan.plan import FIRST, PassKey, PassKind, Plan
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    ReferenceComputed,
    ReferenceFailed,
    RunEnded,
    RunStarted,
    SettingEnded,
    Status,
    TextsPrepared,
    VariantsCompared,
)
from embedtui.results.grown_distances import GrownDistances
from embedtui.results.layer_results import LayerResults
from embedtui.results.reference_vectors import ReferenceVectors
from embedtui.results.repeated_passes import batches_against_alone

Rows = npt.NDArray[np.intp]
Steps = tuple[tuple[int, int], ...]
"""Sequences and tokens of each step of one batch."""


class Identity:
    """What a run, or a setting of one, has in common with every snapshot of it."""


class Pass:
    """The texts run once through one batch size."""

    def __init__(self, texts: int, batch_size: int) -> None:
        self.batch_size = batch_size
        self.done = np.zeros(texts, dtype=np.bool_)
        self.vectors = np.zeros((texts, 0), dtype=np.float32)
        """Texts x width; rows that are not `done` mean nothing."""
        self.position = np.full(texts, -1, dtype=np.int32)
        """Place of each text within its batch."""
        self.step_tokens = np.zeros(texts, dtype=np.int64)
        """Tokens of the step that each text was in; 0 where its batch was several steps."""
        self.steps: list[tuple[int, int, int]] = []
        """Texts handed in together, then sequences and tokens of each step made of them."""
        self.told_steps: dict[tuple[int, ...], int] = {}
        """Rows of a batch to the steps in which a server says that it ran it."""
        self.seconds = 0.0
        self._batches: dict[tuple[int, ...], tuple[Steps, float]] = {}
        self._handed_in: dict[tuple[int, ...], int] = {}
        self._snapshot: Pass | None = None

    @property
    def batches(self) -> int:
        """How many batches have come in."""
        return len(self._batches)

    def add(self, event: BatchEmbedded) -> None:
        """Take in one batch."""
        self._snapshot = None
        self._batches[event.rows] = event.steps, event.seconds
        self._handed_in[event.rows] = event.kept.texts if event.kept else len(event.rows)
        if self.vectors.shape[1] != event.vectors.shape[1]:
            self.vectors = np.zeros((len(self.done), event.vectors.shape[1]), dtype=np.float32)
        rows = np.asarray(event.rows, dtype=np.intp)
        handed_in = self._handed_in[event.rows]
        if self.done[rows].any():  # a snapshot may have these rows
            self.vectors = self.vectors.copy()
        self.vectors[rows] = event.vectors
        self.done[rows] = True
        self.position[rows] = event.kept.places if event.kept else np.arange(len(rows))
        self.step_tokens[rows] = event.steps[0][1] if len(event.steps) == 1 else 0
        self.steps += [(handed_in, sequences, tokens) for sequences, tokens in event.steps]
        self.seconds += event.seconds
        if event.told_steps is not None:
            self.told_steps[event.rows] = event.told_steps

    def snapshot(self) -> Pass:
        """Return the pass as it is now; nothing changes it any more.

        The vectors are shared: rows that are done are never written again in the same array, and
        those that are not mean nothing. What is small is copied, once for as long as nothing comes.
        """
        if self._snapshot is None:
            taken = copy.copy(self)
            for name in ("done", "position", "step_tokens", "steps", "told_steps"):
                setattr(taken, name, getattr(self, name).copy())
            taken._batches, taken._handed_in = self._batches.copy(), self._handed_in.copy()
            self._snapshot = taken
        return self._snapshot

    @property
    def batch_seconds(self) -> list[float]:
        """The seconds of every batch that has come in."""
        return [seconds for _, seconds in self._batches.values()]

    @property
    def batch_rows(self) -> Iterable[tuple[int, ...]]:
        """The rows of every batch that has come in."""
        return self._batches.keys()

    def holds(self, rows: tuple[int, ...]) -> bool:
        """Say whether the batch of just these rows has come in."""
        return rows in self._batches

    def batch(self, rows: tuple[int, ...]) -> tuple[npt.NDArray[np.float32], Steps, float] | None:
        """Return vectors, steps and seconds of the batch of just these rows, if it has come in."""
        found = self._batches.get(rows)
        return None if found is None else (self.vectors[list(rows)], *found)

    def handed_in(self, rows: tuple[int, ...]) -> int:
        """Return how many texts the batch of these rows had; a recording may keep a part."""
        return self._handed_in.get(rows, len(rows))

    @property
    def count(self) -> int:
        """How many texts have come back."""
        return int(self.done.sum())

    @property
    def texts_per_second(self) -> float | None:
        """Texts per second of engine time; None before the first batch."""
        return sum(self._handed_in.values()) / self.seconds if self.seconds else None

    @property
    def realised(self) -> dict[str, int]:
        """The fewest and most texts that a step held, and how many steps there were.

        All 0 where the steps of a batch are not known: a server's are its own.
        """
        sizes = [sequences for _, sequences, _ in self.steps] if self.knows_steps else []
        return {"min": min(sizes, default=0), "max": max(sizes, default=0), "steps": len(sizes)}

    @property
    def knows_steps(self) -> bool:
        """Whether the steps of every batch are known, as they are but for a server's."""
        return all(steps for steps, _ in self._batches.values())

    @property
    def per_step(self) -> float | None:
        """How many texts a step held on average, as a server tells it; None where it does not."""
        if not self.told_steps:
            return None
        texts = sum(self.handed_in(rows) for rows in self.told_steps)
        return texts / sum(self.told_steps.values())

    @property
    def most_together(self) -> int:
        """The most texts that were together: in a step, or on the way to a server."""
        return (
            self.realised["max"] if self.knows_steps else max(self._handed_in.values(), default=0)
        )

    @property
    def split_steps(self) -> int:
        """How many steps held fewer texts than were handed in together."""
        return sum(sequences < handed_in for handed_in, sequences, _ in self.steps)


class SettingResults:
    """All that is known of one setting."""

    def __init__(
        self, number: int, setting: Setting, texts: int, contents: Sequence[int] = ()
    ) -> None:
        """`contents` has for each text the first with the same content; empty where all differ."""
        self.identity = Identity()
        self.number = number
        self.setting = setting
        self.effective = EffectiveConfig()
        self.log = ""
        self.prepared: Prepared | None = None
        self.status: Status = "running"
        self.reason = ""
        self.passes: dict[tuple[int, PassKey], Pass] = {}
        self.layers = LayerResults()
        self.variants: VariantsCompared | None = None
        """What its vectors were held against where they are not the model's own."""
        self._texts = texts
        self._contents = np.asarray(contents if len(contents) else range(texts), dtype=np.intp)
        self._firsts: tuple[int, Rows] | None = None
        self._measured: dict[object, GrownDistances] = {}
        self._digits = Digits(texts)
        self._noise_tests: dict[object, NoiseTest] = {}
        """The latest noise test, by the extent of what it compares."""

    def snapshot(self) -> SettingResults:
        """Return what is known now; nothing changes it, and what is computed of it is kept."""
        taken = copy.copy(self)
        taken.passes = {key: one.snapshot() for key, one in self.passes.items()}
        taken.layers = self.layers.snapshot()
        return taken

    def pass_of(self, batch_size: int, pass_key: PassKey = FIRST) -> Pass:
        """Return a pass, an empty one where nothing has come yet."""
        return self.passes.get((batch_size, pass_key)) or Pass(self._texts, batch_size)

    @property
    def batched(self) -> tuple[int, ...]:
        """The batch sizes above 1 of which something has come, ascending.

        Of one text alone there is no batch, whatever size was asked for.
        """
        if self._texts < 2:
            return ()
        return tuple(
            sorted(size for size, pass_key in self.passes if pass_key == FIRST and size > 1)
        )

    @property
    def orders(self) -> int:
        """In how many orders texts went through the largest batch size; 0 before the first."""
        return sum(
            size == max(self.batched, default=0) and pass_key.is_order
            for size, pass_key in self.passes
        )

    @property
    def unbatched(self) -> Pass:
        """Every text alone in its step: the baseline of batch drift."""
        return self.pass_of(1)

    @property
    def firsts(self) -> Rows:
        """For each text the first that is the same to the model, in content or bit for bit alone.

        A statistic takes those that are alike for one text: they tell no more than one of them.
        """
        alone = self.unbatched
        if self._firsts is None or self._firsts[0] != alone.count:
            vectors = alone.vectors
            self._firsts = alone.count, first_alike(self._contents, vectors, alone.done)
        return self._firsts[1]

    def different(self, rows: Rows) -> int:
        """Return how many different texts there are in these rows."""
        return len(np.unique(self.firsts[rows]))

    def in_common(self) -> frozenset[str]:
        """Return what is true of all figures of the unbatched vectors, which should be nothing."""
        return self._digits.grown(self.unbatched.done, self.unbatched.vectors)

    def drift(self, batch_size: int, pass_key: PassKey = FIRST) -> tuple[Rows, Distances]:
        """Return the rows that are there batched and unbatched, and how far they are apart."""
        return self._between(
            self.pass_of(batch_size, pass_key), self.unbatched, (batch_size, pass_key)
        )

    def drifts(self, batch_size: int) -> list[tuple[PassKey, Rows, Distances]]:
        """Return the batch drift of one batch size in every order that was tried."""
        orders = sorted(key for size, key in self.passes if size == batch_size and key.is_order)
        found = [(pass_key, *self.drift(batch_size, pass_key)) for pass_key in orders]
        return [one for one in found if len(one[1])]

    def others(self) -> Iterator[tuple[int, Pass]]:
        """Yield every pass but the unbatched one with its batch size; none of another width."""
        for (size, key), one in sorted(self.passes.items()):
            if (size, key) != (1, FIRST) and one.vectors.shape == self.unbatched.vectors.shape:
                yield size, one

    def drift_in_any_order(self, batch_size: int) -> Distances:
        """Return the batch drift of one batch size, texts times orders of them."""
        return join([distances for _, _, distances in self.drifts(batch_size)])

    def shuffled(self) -> Distances | None:
        """Return the batch drift of the shuffled orders; None where there are none."""
        size = max(self.batched, default=0)
        found = [distances for pass_key, _, distances in self.drifts(size) if pass_key != FIRST]
        return join(found) if found else None

    @property
    def company_repeats(self) -> bool:
        """Whether a batch that is run again holds the same texts in each step.

        A server that gets requests one beside the other makes other steps of them each time.
        """
        return self.setting.requests != "concurrent"

    def noise(self, why: PassKind = "repeat") -> tuple[list[tuple[int, PassKey]], Distances] | None:
        """Return the passes that were run again and how far they are from the first runs.

        Repeats by the same engine, or by one that was loaded anew (`restart`); those of texts alone
        where company cannot be repeated.
        """
        parts = self.noise_by_pass(why)
        return ([key for key, _, _ in parts], join([d for *_, d in parts])) if parts else None

    def noise_by_pass(
        self, why: PassKind = "repeat"
    ) -> list[tuple[tuple[int, PassKey], Rows, Distances]]:
        """Return each pass that was run again, its rows and how far they are from the first run."""
        pairs = [(key, pass_) for key, pass_ in sorted(self.passes.items()) if key[1].kind == why]
        pairs = [pair for pair in pairs if pair[0][0] == 1 or self.company_repeats]
        parts = [(key, *self._between(pass_, self.pass_of(key[0]), key)) for key, pass_ in pairs]
        return [part for part in parts if len(part[1])]

    def noise_test(self) -> NoiseTest | None:
        """Test whether batches do more than running again; None where nothing was run again."""
        compared = batches_against_alone(self.passes, are_firsts(self.firsts))
        if compared is None:
            return None
        known = self._noise_tests.get(compared.extent)
        if known is None:
            passes = compared.taken(self.passes, company_repeats=self.company_repeats)
            known = noise_test(passes)
            self._noise_tests.clear()
            self._noise_tests[compared.extent] = known
        return known

    def precision_error(
        self, reference: ReferenceVectors, batch_size: int = 1
    ) -> tuple[Rows, Distances] | None:
        """Return the rows that have a reference and how far the vectors are from it.

        The precision error proper is that of the unbatched ones; batched ones show drift as well.
        Vectors that were asked to be short are held against the reference cut to their length.
        """
        pass_ = self.pass_of(batch_size)
        width = pass_.vectors.shape[1]
        cut = width == self.setting.dimensions and width <= reference.vectors.shape[1]
        if not reference.done.any() or (width != reference.vectors.shape[1] and not cut):
            return None

        def measure(rows: Rows) -> Distances:
            exact = reference.vectors[rows, :width]
            if self.effective.normalized:
                exact = unit(exact)
            return compare(pass_.vectors[rows].astype(np.float64), exact)

        found = self._of(("reference", batch_size)).grown(pass_.done & reference.done, measure)
        return found if len(found[0]) else None

    def largest_error(self, reference: ReferenceVectors) -> float | None:
        """Return the largest precision error, L2; None where no text has one."""
        found = self.precision_error(reference)
        if found is None:
            return None
        return largest_finite(found[1].l2)

    def between(self, batch_size: int, other: SettingResults) -> tuple[Rows, Distances] | None:
        """Return the rows that both settings have, and how far apart their vectors are.

        None where the vectors differ in width, as those of different models may.
        """
        one, two = self.pass_of(batch_size), other.pass_of(batch_size)
        if one.vectors.shape != two.vectors.shape:
            return None
        return GrownDistances(self._texts).grown(
            one.done & two.done, lambda rows: compare(one.vectors[rows], two.vectors[rows])
        )

    def _between(
        self, pass_: Pass, baseline: Pass, key: tuple[int, PassKey]
    ) -> tuple[Rows, Distances]:
        return self._of(key).grown(
            pass_.done & baseline.done,
            lambda rows: compare(pass_.vectors[rows], baseline.vectors[rows]),
        )

    def _of(self, key: object) -> GrownDistances:
        found = self._measured.get(key)
        return found or self._measured.setdefault(key, GrownDistances(self._texts))


class Results:
    """A run so far; feed it the run's events in order."""

    plan: Plan
    environment: dict[str, Any]
    started_at: str

    def __init__(self) -> None:
        self.identity = Identity()
        self.settings: list[SettingResults] = []
        self.reference = ReferenceVectors(0)
        self.status: Status = "running"
        self.reason = ""

    def snapshot(self) -> Results:
        """Return the run as it is now: figures of it are computed without holding anything up.

        Cheap, but not to be taken while an event is taken in.
        """
        taken = copy.copy(self)
        taken.settings = [one.snapshot() for one in self.settings]
        taken.reference = self.reference.snapshot()
        return taken

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self.plan, self.environment = event.plan, event.environment
                self.started_at = event.at
                count = len(event.plan.pack)
                self.reference = ReferenceVectors(count)
                self.settings = [
                    SettingResults(number, setting, count, event.plan.pack.firsts)
                    for number, setting in enumerate(event.plan.settings)
                ]
            case EngineReady():
                results = self.settings[event.setting]
                results.effective, results.log = event.effective, event.log
            case TextsPrepared():
                self.settings[event.setting].prepared = event.prepared
            case BatchEmbedded():
                passes = self.settings[event.setting].passes
                key = (event.batch_size, event.pass_key)
                if key not in passes:
                    passes[key] = Pass(len(self.plan.pack), event.batch_size)
                passes[key].add(event)
            case SettingEnded():
                results = self.settings[event.setting]
                results.status, results.reason = event.status, event.reason
            case ReferenceComputed() | ReferenceFailed():
                self.reference.add(event)
            case VariantsCompared():
                self.settings[event.setting].variants = event
            case LayersCompared() | LayersJudged() | LayersMixed() | LayersFailed():
                self.settings[event.setting].layers(event)
            case RunEnded():
                self.status, self.reason = event.status, event.reason
                for results in self.settings:
                    if results.status == "running":
                        results.status, results.reason = event.status, event.reason
