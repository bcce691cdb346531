"""Vectors of today held against kept ones: what moved, how far, and would search notice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.errors import InputError
from embedtui.measure import Distances
from embedtui.measure.neighbours import nearest
from embedtui.measure.ranking import agreement
from embedtui.study.changes import differing_settings, moved_between
from embedtui.study.diagnosis import Diagnosis
from embedtui.study.results import Results, SettingResults
from embedtui.study.scenarios import METRIC_NAMES, Scenario

_NEIGHBOURS = 10


@dataclass(frozen=True)
class Golden:
    """One setting beside the one that was recorded."""

    setting: int
    label: str
    recorded: str
    """Label of the setting in the golden file."""
    texts: int
    identical: int
    worst: float
    """In the metric of the scenario; NaN where a vector of either cannot be judged."""
    l2_max: float
    holds: bool
    diagnosis: Diagnosis
    retrieval: str

    def said(self, use: Scenario) -> str:
        """Return what moved, whether it may, and why, in a few sentences."""
        if self.identical == self.texts:
            return f"golden vectors: all {self.texts} have the same bits as recorded"
        sign = "≤" if self.holds else ">"
        far = f"{METRIC_NAMES[use.metric]} {self.worst:.1e} {sign} {use.tolerance:.0e}"
        if use.bitwise:
            far = f"{METRIC_NAMES[use.metric]} up to {self.worst:.1e}, not the same bits"
        moved = self.texts - self.identical
        return (
            f"golden vectors: {moved} of {self.texts} moved, {far}; "
            f"{self.diagnosis.name}: {self.diagnosis.why}; {self.retrieval}"
        )


def compare_with(golden: Results, now: Results, use: Scenario) -> list[Golden]:
    """Hold every measured setting against the recorded one that is most like it.

    Raises:
        InputError: if the texts or the prompt are others, or the golden file holds no vectors.
    """
    for what, one, other in (
        ("texts", golden.plan.pack.sha256, now.plan.pack.sha256),
        ("prompt", _prompts(golden), _prompts(now)),
    ):
        if one != other:
            raise InputError(
                f"the golden file was recorded with another {what}: leave --texts and --prompt "
                "out, and the recorded ones are used"
            )
    recorded = [setting for setting in golden.settings if setting.unbatched.count]
    if not recorded:
        raise InputError("the golden file holds no vectors: record one with --record")
    return [
        _golden(golden, now, _most_alike(recorded, setting), setting, use)
        for setting in now.settings
        if setting.unbatched.count
    ]


def _prompts(run: Results) -> str | tuple[str, str | None]:
    return run.plan.prompt, run.plan.query_prompt


def _most_alike(recorded: list[SettingResults], setting: SettingResults) -> SettingResults:
    return min(
        recorded,
        key=lambda one: (len(differing_settings(one.setting, setting.setting)), one.number),
    )


def _golden(
    golden: Results, now: Results, before: SettingResults, after: SettingResults, use: Scenario
) -> Golden:
    pair = before.between(1, after)
    if pair is None or not len(pair[0]):
        was, width = (one.unbatched.vectors.shape[1] for one in (before, after))
        raise InputError(
            f"{after.setting.label}: vectors have {width} figures, the recorded ones {was}: "
            "it is another model, whose vectors cannot be compared"
        )
    rows, distances = pair
    values = getattr(distances, use.metric)
    whole = bool(np.isfinite(values).all())
    worst = float(values.max()) if whole else float("nan")
    same = bool(distances.identical.all())
    return Golden(
        after.number,
        after.setting.label,
        before.setting.label,
        len(distances),
        int(distances.identical.sum()),
        worst,
        _largest(distances),
        same or (whole and not use.bitwise and worst <= use.tolerance),
        moved_between(golden, now, before, after, distances),
        _retrieval(before.unbatched.vectors[rows], after.unbatched.vectors[rows]),
    )


def _largest(distances: Distances) -> float:
    finite = distances.l2[np.isfinite(distances.l2)]
    return float(finite.max()) if len(finite) else float("nan")


def _retrieval(
    before: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    after: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> str:
    """Say whether the nearest neighbours of the texts among each other are still the same."""
    k = min(_NEIGHBOURS, len(before) - 1)
    if k < 1:
        return "one text has no neighbours"
    found = agreement(nearest(before, None, k), nearest(after, None, k), k)
    usable = int(found.usable.sum())
    if not usable:
        return "no text has a neighbour"
    first = int(found.top1_changed[found.usable, 0].sum())
    order = int(found.order_changed[found.usable, 0].sum())
    if not order:
        return f"retrieval would not notice: the {k} nearest neighbours of every text are the same"
    return (
        f"retrieval would notice: {first} of {usable} texts have another nearest neighbour, "
        f"{order} another order within the {k} nearest"
    )
