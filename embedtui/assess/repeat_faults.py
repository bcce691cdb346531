"""Faults that only several passes of one text show: what is beyond any rounding is no noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from embedtui.assess.finding import Finding
from embedtui.common.wording import text_count
from embedtui.measure.unsteady import (
    LARGEST_NOISE,
    LARGEST_NOISE_OF_ANY,
    Manner,
    manner_of,
    partly_zero,
)
from embedtui.results.results import Results, SettingResults

_MANNERS: dict[Manner, str] = {
    "random": "every pass gives another vector, as with a random part in the model: dropout that "
    "was left on",
    "replicas": "the vectors of a text come in groups, as from replicas that serve different "
    "models or revisions",
    "intermittent": "most passes agree and some do not, as with a fault that comes and goes",
}

_TELLING = 5


def repeat_faults(
    results: Results, setting: SettingResults, known: Iterable[int] = ()
) -> list[Finding]:
    """Return what repeats show beyond any rounding; rows that are `known` to be swapped are not.

    Parts of zeros are looked for in every pass, all else between a pass and its repeat.
    """
    cut = _cut_short(setting)
    found = []
    if cut:
        found.append(
            _finding(
                results,
                setting,
                "partly-zero",
                f"{text_count(len(cut))} with a run of exact zeros in the vector in some passes "
                "and not in others: part of it was overwritten or never computed",
                cut,
            )
        )
    struck, largest = _beyond_rounding(setting, cut | set(known))
    if struck:
        manner = _manner(setting, struck)
        found.append(
            _finding(
                results,
                setting,
                manner,
                f"{text_count(len(struck))} with another vector when asked again, L2 up to "
                f"{largest:.1e}, which no rounding explains: {_MANNERS[manner]}",
                struck,
            )
        )
    return found


def _finding(
    results: Results, setting: SettingResults, kind: str, message: str, rows: set[int]
) -> Finding:
    ids = tuple(results.plan.pack.texts[row].id for row in sorted(rows))
    return Finding(kind, "fault", message, setting.number, ids)


def _cut_short(setting: SettingResults) -> set[int]:
    """Return the texts that have a run of zeros in some passes and none in others."""
    with_zeros: Counter[int] = Counter()
    passes: Counter[int] = Counter()
    for pass_ in setting.passes.values():
        done = np.flatnonzero(pass_.done)
        passes.update(done.tolist())
        with_zeros.update(done[partly_zero(pass_.vectors[done])].tolist())
    return {row for row, count in with_zeros.items() if count < passes[row]}


def _beyond_rounding(setting: SettingResults, known: set[int]) -> tuple[set[int], float]:
    """Return the texts whose repeats are farther apart than rounding takes any, and how far."""
    bound = LARGEST_NOISE.get(str(setting.effective.dtype), LARGEST_NOISE_OF_ANY)
    if setting.setting.quantization != "none":
        bound = LARGEST_NOISE_OF_ANY
    struck: set[int] = set()
    largest = 0.0
    for _, rows, distances in setting.noise_by_pass():
        for row, l2 in zip(rows.tolist(), distances.l2.tolist(), strict=True):
            if l2 > bound and row not in known:
                struck.add(row)
                largest = max(largest, l2)
    return struck, largest


def _manner(setting: SettingResults, rows: set[int]) -> Manner:
    """Return how the passes of these texts lie.

    Of some texts all passes but one may come from one replica, so a fifth tells replicas; else it
    is as in most.
    """
    manners: Counter[Manner] = Counter()
    for row in rows:
        passes = [one.vectors[row] for one in setting.passes.values() if one.done[row]]
        manners[manner_of(np.stack(passes))] += 1
    if manners["replicas"] * _TELLING >= len(rows):
        return "replicas"
    return manners.most_common(1)[0][0]
