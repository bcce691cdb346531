"""A plan: which settings, batch sizes and texts, and what is measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from embedtui.engine.messages import Job, TooLong
from embedtui.engine.settings import Setting
from embedtui.models import has_random_name
from embedtui.texts import Labels, Qrel, Sample, Text, TextPack

_USUAL_BY_LAYER = 16

PassKind = Literal["first", "shuffle", "repeat", "restart"]


class PassKey(NamedTuple):
    """Which time the texts go through a batch size: one draw is a coin flip."""

    kind: PassKind
    """first is the measurement; a shuffle gives every text other company; a repeat is the same
    batches once more; a restart is a repeat by another engine of the same setting."""
    number: int = 0

    @property
    def is_order(self) -> bool:
        """Whether batch drift is measured over it: repeats and restarts are the noise floor."""
        return self.kind in {"first", "shuffle"}

    def __str__(self) -> str:
        return self.kind if self.kind == "first" else f"{self.kind}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> PassKey:
        """Return the draw that `str` wrote.

        Raises:
            ValueError: if it wrote no such thing.
        """
        why, _, number = text.partition("-")
        if why not in _ORDER:
            raise ValueError(f"unknown draw {text!r}")
        return cls(why, int(number or 0))


FIRST = PassKey("first")
_ORDER: tuple[PassKind, ...] = ("first", "shuffle", "repeat", "restart")


@dataclass(frozen=True)
class Plan:
    """What one run does; everything that decides its figures is in here."""

    model: str
    """The model as the user named it."""
    model_name: str
    model_hash: str | None
    """sha256 over what determines the vectors; None for a model that is not on disk yet."""
    settings: tuple[Setting, ...]
    batch_sizes: tuple[int, ...]
    """Ascending; 1 is always among them, since unbatched is what the others are compared with."""
    pack: TextPack
    reference: bool = True
    repeats: int = 1
    """How often the unbatched and the largest batches are run again for the noise floor."""
    shuffles: int = 0
    """In how many other orders the texts go through the largest batch size."""
    shuffle_every_size: bool = False
    """Whether they go through every other batch size in as many orders too."""
    order_seed: int | None = None
    """What the other orders are drawn from; None for those that are the same in every run."""
    restarts: int = 0
    """How often the engine is loaded anew to run the unbatched and the largest batches again."""
    too_long: TooLong = "truncate"
    prompt: str = ""
    """What is put before every text."""
    query_prompt: str | None = None
    """What is put before queries instead, where the pack tells them from documents."""
    sweep: str = ""
    """The sweep that it belongs to; a setting that a model cannot follow does not fail one."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Label and reason of each setting that was asked for and cannot be had on this machine."""
    max_length: int | None = None
    """Tokens that the model has positions for, where its files say so."""
    against: str = ""
    """Folder of the model that a server is held against: its float64 reference, local engines."""
    default_prompt: str = ""
    """What the model's own pipeline puts before every text where nobody asked for a prompt; the
    engines are given the texts without it."""
    similarity: str = ""
    """What the model's own pipeline scores by, where that orders texts otherwise than cosines."""
    differs: tuple[str, ...] = ()
    """What the model's files ask for and vLLM makes otherwise, a line each."""
    layers: int = 0
    """How many texts are looked into layer by layer, from the first on."""
    layers_under: float | None = None
    """The error, L2, that the fewest layers in float32 are to bring them under; None for half."""
    random_weights: bool = False
    """Whether the weights were drawn at random: then nearest neighbours mean nothing."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What is embedded: every text with its prompt before it."""
        prompts = [self.prompt] * len(self.pack)
        if self.pack.labels is not None and self.query_prompt is not None:
            for row in self.pack.labels.queries:
                prompts[row] = self.query_prompt
        return tuple(
            prompt + text.text for prompt, text in zip(prompts, self.pack.texts, strict=True)
        )

    @property
    def texts_by_layer(self) -> int:
        """How many texts a look into layers takes, also one that the plan did not ask for."""
        return min(self.layers or _USUAL_BY_LAYER, len(self.pack))

    @property
    def noise_sizes(self) -> tuple[int, ...]:
        """The batch sizes that are run again: the extremes."""
        return tuple(sorted({self.batch_sizes[0], self.batch_sizes[-1]}))

    @property
    def passes(self) -> list[tuple[int, PassKey]]:
        """Every (batch size, draw) that the texts go through, restarts last."""
        found = [(size, FIRST) for size in self.batch_sizes]
        shuffled = [size for size in self.batch_sizes if size > 1]
        for size in shuffled if self.shuffle_every_size else shuffled[-1:]:
            found += [(size, pass_key) for pass_key in _draws("shuffle", self.shuffles)]
        again: tuple[tuple[PassKind, int], ...] = (
            ("repeat", self.repeats),
            ("restart", self.restarts),
        )
        for why, times in again:
            found += [
                (size, pass_key) for pass_key in _draws(why, times) for size in self.noise_sizes
            ]
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the plan without its texts, as the run file and the report keep it."""
        return {
            "model": self.model,
            "model_name": self.model_name,
            "model_hash": self.model_hash,
            "settings": [setting.as_dict() for setting in self.settings],
            "batch_sizes": list(self.batch_sizes),
            "texts": {
                "name": self.pack.name,
                "source": self.pack.source,
                "count": len(self.pack),
                "sha256": self.pack.sha256,
                "labels": _labels_as_dict(self.pack.labels),
                "sample": None if self.pack.sample is None else self.pack.sample._asdict(),
            },
            "truth": self.reference,
            "repeats": self.repeats,
            "shuffles": self.shuffles,
            "shuffle_every_size": self.shuffle_every_size,
            "order_seed": self.order_seed,
            "restarts": self.restarts,
            "too_long": self.too_long,
            "prompt": self.prompt,
            "query_prompt": self.query_prompt,
            "sweep": self.sweep,
            "skipped": [{"label": label, "reason": reason} for label, reason in self.skipped],
            "max_length": self.max_length,
            "against": self.against,
            "default_prompt": self.default_prompt,
            "similarity": self.similarity,
            "differs": list(self.differs),
            "layers": self.layers,
            "layers_under": self.layers_under,
            "random_weights": self.random_weights,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any], texts: Sequence[Text]) -> Plan:
        """Build the plan from `as_dict`'s result and its texts."""
        return cls(
            model=values["model"],
            model_name=values["model_name"],
            model_hash=values["model_hash"],
            settings=tuple(Setting.from_dict(setting) for setting in values["settings"]),
            batch_sizes=tuple(values["batch_sizes"]),
            pack=TextPack(
                values["texts"]["name"],
                values["texts"]["source"],
                tuple(texts),
                _labels_from_dict(values["texts"].get("labels")),
                Sample(**sample) if (sample := values["texts"].get("sample")) else None,
            ),
            reference=values["truth"],
            repeats=values["repeats"],
            shuffles=values.get("shuffles", 0),
            shuffle_every_size=values.get("shuffle_every_size", False),
            order_seed=values.get("order_seed"),
            restarts=values.get("restarts", 0),
            too_long=values["too_long"],
            prompt=values.get("prompt", ""),
            query_prompt=values.get("query_prompt"),
            sweep=values.get("sweep", ""),
            skipped=tuple((one["label"], one["reason"]) for one in values.get("skipped", ())),
            max_length=values.get("max_length"),
            against=values.get("against", ""),
            default_prompt=values.get("default_prompt", ""),
            similarity=values.get("similarity", ""),
            differs=tuple(values.get("differs", ())),
            layers=values.get("layers", 0),
            layers_under=values.get("layers_under"),
            random_weights=values.get("random_weights", has_random_name(values["model_name"])),
        )


@dataclass(frozen=True)
class PlannedBatch:
    """One batch of the plan: these rows, in this pass."""

    batch_size: int
    pass_key: PassKey
    start: int
    """Place of its first text in the order of its draw."""
    rows: tuple[int, ...]

    def job(self, number: int) -> Job:
        """Return the batch as the engine is asked for it."""
        return Job(number, self.rows)


def batches_of(plan: Plan, rows: Sequence[int]) -> list[PlannedBatch]:
    """Return every batch over `rows`, in an order that shows figures early.

    A batch comes as soon as all its texts have their unbatched vectors, so that the first drift
    appears after two texts; repeats follow once per stretch of the largest batch, shuffled orders
    as soon as all that they mix are there. A run that is cut off has all batch sizes over the same
    first texts. Restarts are the last, each together, since each needs an engine of its own.
    """
    stretch = max(plan.batch_sizes)
    place = {row: at for at, row in enumerate(rows)}
    batches = []
    for size, pass_key in plan.passes:
        order = _order(rows, size, pass_key, plan.order_seed)
        batches += [
            PlannedBatch(size, pass_key, start, tuple(order[start : start + size]))
            for start in range(0, len(order), size)
        ]

    def when(batch: PlannedBatch) -> tuple[int, ...]:
        end = max(place[row] for row in batch.rows) + 1
        again = batch.pass_key.number if batch.pass_key.kind == "restart" else 0
        why = _ORDER.index(batch.pass_key.kind)
        return (
            again,
            -(-end // stretch),
            why,
            batch.pass_key.number,
            end,
            batch.batch_size,
            batch.start,
        )

    return sorted(batches, key=when)


def _labels_as_dict(labels: Labels | None) -> dict[str, Any] | None:
    if labels is None:
        return None
    return {
        "queries": list(labels.queries),
        "judgements": [list(judgement) for judgement in labels.qrels],
        "unknown": labels.unknown,
    }


def _labels_from_dict(values: dict[str, Any] | None) -> Labels | None:
    if values is None:
        return None
    judgements = tuple(Qrel(*one) for one in values["judgements"])
    return Labels(tuple(values["queries"]), judgements, values.get("unknown", 0))


def _draws(why: PassKind, times: int) -> list[PassKey]:
    return [PassKey(why, number) for number in range(1, times + 1)]


def _order(rows: Sequence[int], size: int, pass_key: PassKey, seed: int | None) -> Sequence[int]:
    """Return the rows in the order of a draw.

    Without a seed a shuffle is the same order in every run and at every batch size; with one each
    batch size has orders of its own, so that their claims rest on draws of their own.
    """
    if pass_key.kind != "shuffle":
        return rows
    drawn_from = pass_key.number if seed is None else (seed, size, pass_key.number)
    mixed = np.random.default_rng(drawn_from).permutation(len(rows))
    return [rows[at] for at in mixed]
