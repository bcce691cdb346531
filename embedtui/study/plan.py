"""A plan: which settings, batch sizes and texts, and what is measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from embedtui.engine.messages import Job, TooLong
from embedtui.engine.settings import Setting
from embedtui.models import ModelInfo
from embedtui.texts import Text, TextPack


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
    truth: bool = True
    repeats: int = 1
    """How often the unbatched and the largest batches are run again for the noise floor."""
    too_long: TooLong = "truncate"
    prompt: str = ""
    """What is put before every text."""
    sweep: str = ""
    """The sweep that it belongs to; a setting that a model cannot follow does not fail one."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Label and reason of each setting that was asked for and cannot be had on this machine."""
    max_length: int | None = None
    """Tokens that the model has positions for, where its files say so."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What is embedded: every text with the prompt before it."""
        return tuple(self.prompt + text.text for text in self.pack.texts)

    @property
    def noise_sizes(self) -> tuple[int, ...]:
        """The batch sizes that are run again: the extremes."""
        return tuple(sorted({self.batch_sizes[0], self.batch_sizes[-1]})) if self.repeats else ()

    @property
    def passes(self) -> list[tuple[int, int]]:
        """Every (batch size, repeat) that the texts go through."""
        again = [(size, n) for n in range(1, self.repeats + 1) for size in self.noise_sizes]
        return [(size, 0) for size in self.batch_sizes] + again

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
            },
            "truth": self.truth,
            "repeats": self.repeats,
            "too_long": self.too_long,
            "prompt": self.prompt,
            "sweep": self.sweep,
            "skipped": [{"label": label, "reason": reason} for label, reason in self.skipped],
            "max_length": self.max_length,
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
            pack=TextPack(values["texts"]["name"], values["texts"]["source"], tuple(texts)),
            truth=values["truth"],
            repeats=values["repeats"],
            too_long=values["too_long"],
            prompt=values.get("prompt", ""),
            sweep=values.get("sweep", ""),
            skipped=tuple((one["label"], one["reason"]) for one in values.get("skipped", ())),
            max_length=values.get("max_length"),
        )


def plan_for(
    model: ModelInfo,
    model_hash: str | None,
    settings: Sequence[Setting],
    batch_sizes: Sequence[int],
    pack: TextPack,
    **further: Any,
) -> Plan:
    """Build a plan; 1 joins the batch sizes, since unbatched is the baseline of all others."""
    return Plan(
        model=model.ref,
        model_name=model.name,
        model_hash=model_hash,
        settings=tuple(settings),
        batch_sizes=tuple(sorted({1, *batch_sizes})),
        pack=pack,
        max_length=model.max_length,
        **further,
    )


@dataclass(frozen=True)
class PlannedBatch:
    """One batch of the plan: these rows, in this pass."""

    batch_size: int
    repeat: int
    start: int
    """Place of its first text among the texts that are run."""
    rows: tuple[int, ...]

    def job(self, number: int) -> Job:
        """Return the batch as the engine is asked for it."""
        return Job(number, self.rows)


def batches_of(plan: Plan, rows: Sequence[int]) -> list[PlannedBatch]:
    """Return every batch over `rows`, in an order that shows figures early.

    A batch comes as soon as all its texts have their unbatched vectors, so that the first drift
    appears after two texts; repeats follow once per stretch of the largest batch. A run that is
    cut off has all batch sizes over the same first texts.
    """
    stretch = max(plan.batch_sizes)
    batches = [
        PlannedBatch(size, repeat, start, tuple(rows[start : start + size]))
        for size, repeat in plan.passes
        for start in range(0, len(rows), size)
    ]

    def when(batch: PlannedBatch) -> tuple[int, int, int, int]:
        end = batch.start + len(batch.rows)
        return -(-end // stretch), batch.repeat, end, batch.batch_size

    return sorted(batches, key=when)
