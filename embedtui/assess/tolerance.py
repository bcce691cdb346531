"""The two verdicts on a setting, for a use: is it consistent, and is it exact.

Headline, marks, tables, sweep, advice, check and JSON all speak from `judge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from embedtui.assess.noise import is_noise
from embedtui.measure import Distances, largest_finite
from embedtui.measure.distances import Bools, Floats
from embedtui.measure.intervals import largest_share
from embedtui.measure.largest import largest_factor
from embedtui.measure.repeated_rows import largest_of_alike
from embedtui.plan.scenarios import METRIC_NAMES, Metric, Question, Scenario
from embedtui.results.mismatch import text_errors
from embedtui.results.results import Results, Rows, SettingResults

Outcome = Literal["holds", "borderline", "falls short", "no limit", "not measured"]

MARKS: dict[Outcome, str] = {
    "holds": "✔",
    "borderline": "~",
    "falls short": "✗",
    "no limit": "",
    "not measured": "",
}
"""How tables and screens show an outcome; a word stands beside it where there is room."""

_SEVERAL = 3
"""So many texts beyond the limit, and another sample as large has one with 95 %: exp(-3) = 0.05."""


@dataclass(frozen=True)
class Verdict:
    """Whether the vectors of a setting are within a use's limit, by one of the two questions."""

    outcome: Outcome
    worst: float = float("nan")
    """Largest distance of any text, in the use's metric."""
    texts: int = 0
    """Different texts that were compared."""
    beyond: int = 0
    """Texts that are beyond the limit, at any batch size and in any order."""
    identical: bool = False
    """Whether every text was equal bit for bit."""
    again: float = 0.0
    """Largest difference between repeats; 0 only for equal bits.

    Kept vectors and cache keys meet those of another run, so repeats have to hold as well."""
    drift: bool = False
    """Whether the distances are batch drift, not the error against float64."""
    noise: bool = False
    """Whether the distances are not told apart from running again."""
    reason: str = ""
    """Why it was not measured, or falls short whatever the distance."""

    @property
    def share_beyond(self) -> float | None:
        """The largest share of such texts that may lie beyond the limit, by this sample, at 95 %.

        Clopper's and Pearson's one-sided limit: 0 of 64 texts allow 4.6 %.
        """
        return largest_share(self.beyond, self.texts) if self.texts and self.judged else None

    @property
    def judged(self) -> bool:
        """Whether anything was measured that the limit could be held against."""
        return self.outcome not in {"no limit", "not measured"}

    def summary(self, use: Scenario) -> str:
        """Return the figures in a few words."""
        if self.outcome == "not measured":
            return f"not measured{': ' if self.reason else ''}{self.reason}"
        if self.identical:
            return f"identical{self._but_again(use)}"
        far = f"{METRIC_NAMES[use.metric]} {self.worst:.1e}"
        if self.outcome == "no limit":
            return f"{far}, and {use.name.lower()} sets no limit"
        if use.bitwise:
            return f"{far}, not equal bits"
        return far + self._beside_limit(use)

    def _beside_limit(self, use: Scenario) -> str:
        limit = use.bound
        if self.outcome == "holds":
            return f" ≤ {limit}"
        if self.worst <= use.tolerance < self.again:
            return self._but_again(use)
        if self.outcome == "borderline":
            others = f"another {self.texts} texts may fall on the other side"
            return f", limit {limit}: {others}"
        beyond = f" ({self.beyond} of {self.texts} texts)" if self.texts > 1 else ""
        return f" > {limit}{beyond}"

    def _but_again(self, use: Scenario) -> str:
        if not self.again:
            return ""
        return f", but {METRIC_NAMES[use.metric]} {self.again:.1e} when run again"


@dataclass(frozen=True)
class Verdicts:
    """Both verdicts on one setting, and which of them decides."""

    consistent: Verdict
    """Does company change a text: batched against unbatched, in every order that was tried."""
    exact: Verdict
    """How far from float64: unbatched and batched, as the vectors are served."""
    binding: Question

    @property
    def decisive(self) -> Verdict:
        """The verdict that the user's situation depends on."""
        return self.consistent if self.binding == "consistent" else self.exact

    @property
    def outcome(self) -> Outcome:
        """What the situation makes of the setting."""
        return self.decisive.outcome

    @property
    def fits(self) -> bool:
        """Whether the setting may be recommended: vectors of another model never are."""
        another_input = bool(self.exact.texts and self.exact.reason)
        return self.outcome == "holds" and not another_input

    def both(self) -> str:
        """Say both in two or three words: "consistent, not exact"."""
        one, two = _CONSISTENT[self.consistent.outcome], _EXACT[self.exact.outcome]
        if self.exact.outcome == "no limit":
            return one
        joined = {self.consistent.outcome, self.exact.outcome} == {"holds"}
        return f"{one}{' and' if joined else ','} {two}"


_CONSISTENT: dict[Outcome, str] = {
    "holds": "consistent",
    "borderline": "borderline consistent",
    "falls short": "not consistent",
    "no limit": "consistent",
    "not measured": "consistency not measured",
}
_EXACT: dict[Outcome, str] = {
    "holds": "exact",
    "borderline": "borderline exact",
    "falls short": "not exact",
    "no limit": "",
    "not measured": "exactness not measured",
}


def not_judged(use: Scenario, fault: str) -> Verdicts:
    """Return the verdicts on vectors that are a fault: no distance of theirs means anything."""
    verdict = Verdict("not measured", reason=f"fault: {fault}")
    return Verdicts(verdict, verdict, use.binding)


def judge(results: Results, setting: SettingResults, use: Scenario) -> Verdicts:
    """Hold a setting against a use, by both questions."""
    return Verdicts(judge_consistency(setting, use), _exactness(results, setting, use), use.binding)


def judge_consistency(setting: SettingResults, use: Scenario) -> Verdict:
    """Hold batch drift, and what repeats show, against a use's limit."""
    drifts = [(rows, d) for size in setting.batched for _, rows, d in setting.drifts(size)]
    compared, largest = _compared(setting, drifts, use)
    if not compared.texts:
        return compared
    repeated = setting.noise()
    again = _largest(repeated[1], use.metric) if repeated else 0.0
    same = compared.identical
    found = replace(compared, again=again, drift=True, noise=not same and is_noise(setting))
    if use.bitwise:
        return _as(found, "holds" if same and not again else "falls short")
    if again > use.tolerance:
        return _as(found, "falls short")
    return _as(found, _outcome(largest, use.tolerance))


def _exactness(results: Results, setting: SettingResults, use: Scenario) -> Verdict:
    """Hold the distance from float64 against a use's limit.

    Vectors of another input are not exact, however near they are.
    """
    found = [
        error
        for size in (1, *setting.batched)
        if (error := setting.precision_error(results.reference, size)) is not None
    ]
    if not found or not setting.unbatched.count:
        why = results.reference.reason
        if not why and not results.plan.reference:
            why = "no float64 reference was asked for"
        return Verdict("not measured", reason=why)
    compared, largest = _compared(setting, found, use)
    if not compared.texts:
        return compared
    errors = text_errors(setting, results.reference)
    if errors is not None and errors.wrong.any():
        return _as(compared, "falls short", "its vectors are not the model's own")
    if use.bitwise:
        return compared
    return _as(compared, _outcome(largest, use.tolerance))


def _compared(
    setting: SettingResults, parts: Sequence[tuple[Rows, Distances]], use: Scenario
) -> tuple[Verdict, Floats]:
    """Return what was measured, no limit held against it yet, and each text's largest distance.

    A distance that is no number is worse than any: nothing is said beside it.
    """
    by_row, identical = largest_by_text(len(setting.unbatched.done), parts, use.metric)
    largest = largest_of_alike(by_row, setting.firsts)
    measured = ~np.isnan(largest)
    if not all(np.isfinite(getattr(distances, use.metric)).all() for _, distances in parts):
        return Verdict("not measured", reason="a vector is not finite"), largest
    if not measured.any():
        return Verdict("not measured"), largest
    known = largest[measured]
    beyond, same = int((known > use.tolerance).sum()), bool(identical[~np.isnan(by_row)].all())
    return Verdict("no limit", float(known.max()), len(known), beyond, same), known


def largest_by_text(
    texts: int, parts: Iterable[tuple[Rows, Distances]], metric: Metric
) -> tuple[Floats, Bools]:
    """Return each text's largest distance in any part, NaN where none has it, and if all are 0."""
    largest = np.full(texts, np.nan)
    identical = np.ones(texts, dtype=np.bool_)
    for rows, distances in parts:
        largest[rows] = np.fmax(largest[rows], getattr(distances, metric))
        identical[rows] &= distances.identical
    return largest, identical


def _outcome(largest: Floats, limit: float) -> Outcome:
    """Compare the largest of a sample, which another sample has otherwise, with a limit."""
    worst, beyond = float(largest.max()), int((largest > limit).sum())
    if not worst:
        return "holds"
    factor = largest_factor(largest)
    if worst * factor <= limit:
        return "holds"
    if beyond >= _SEVERAL or worst > factor * limit:
        return "falls short"
    return "borderline"


def _as(found: Verdict, outcome: Outcome, reason: str = "") -> Verdict:
    return replace(found, outcome=outcome, reason=reason)


def _largest(distances: Distances, metric: Metric) -> float:
    """Return the largest distance; other bits are more than 0 even where directions are equal."""
    if distances.identical.all():
        return 0.0
    largest = largest_finite(getattr(distances, metric))
    return max(float(np.finfo(np.float64).tiny), largest or 0.0)
