"""Faults in one setting's vectors, which have to be known before any distance means anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from embedtui.assess.another_input import another_input
from embedtui.assess.answer_cache import cached_in_words
from embedtui.assess.dimension_faults import dimension_faults
from embedtui.assess.equal_vectors import collapse, cut_alike, cut_in_silence
from embedtui.assess.finding import Finding
from embedtui.assess.misplaced import misplaced, misplaced_findings
from embedtui.assess.repeat_faults import repeat_faults
from embedtui.common.wording import text_count
from embedtui.measure import broken_rows, unit
from embedtui.measure.faults import SUSPECT_L2
from embedtui.measure.lengths import CHANGED, row_lengths
from embedtui.results.results import Pass, Results, Rows, SettingResults
from embedtui.results.usual_error import BEYOND, usual_error


def faults_of(results: Results, setting: SettingResults) -> list[Finding]:
    """Return the faults in one setting's vectors, cheapest checks first."""
    elsewhere = misplaced(results, setting)
    known = {row for by_size in elsewhere.values() for rows in by_size.values() for row in rows}
    found = [
        *_broken(results, setting),
        *misplaced_findings(results, setting, elsewhere),
        *repeat_faults(results, setting, known),
        *collapse(results, setting, known),
    ]
    if found:
        return found
    dimensions = dimension_faults(results, setting)
    another = [] if dimensions.explain else list(_another_input(results, setting))
    return [
        *dimensions.found,
        # A dimension that is overwritten changes lengths as well.
        *(() if dimensions.found else _lengths(results, setting)),
        *_answered_from_cache(results, setting),
        *(another or _cut_in_silence(results, setting)),
    ]


def _cut_in_silence(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Yield that texts were cut, where neither embedtui did it nor the server said so."""
    alike = cut_alike(results, setting)
    if alike:
        yield Finding(
            "cut-alike",
            "fault",
            cut_in_silence(len(alike), setting.unbatched.count),
            setting.number,
            ids_of(results, alike),
        )


def ids_of(results: Results, rows: Iterable[int]) -> tuple[str, ...]:
    """Return the ids of the texts in these rows."""
    return tuple(results.plan.pack.texts[row].id for row in rows)


def finite_alone(setting: SettingResults, rows: Iterable[int]) -> bool:
    """Say whether the unbatched vectors of these texts are there, and all are finite."""
    alone, chosen = setting.unbatched, list(rows)
    return bool(alone.done[chosen].all() and np.isfinite(alone.vectors[chosen]).all())


def advice_on_nan(results: Results, setting: SettingResults, rows: Iterable[int]) -> str:
    """Return where NaN or infinities come from and what to do, by the dtype in force.

    Where float64 has them as well, no dtype is to blame.
    """
    reference = results.reference
    if finite_alone(setting, rows):
        return (
            "they are finite alone, so it is neither the weights nor the dtype: look at padding "
            "and masks, and at the kernel of that batch size"
        )
    struck = [row for row in rows if reference.done[row]]
    if struck and not np.isfinite(reference.vectors[struck]).all():
        return "float64 has them too, so they are in the weights: get the model's files again"
    dtype = setting.effective.dtype
    if dtype == "float16":
        return "float16 ends at 65504, and some hidden states are larger: use bfloat16 or float32"
    if dtype in {"bfloat16", "float32"}:
        return (
            f"{dtype} reaches to 3e38, so look for NaN in the weights and for an operation that "
            "divides by zero"
        )
    return "NaN in the weights, or float16 overflowed: look at the weights, then try bfloat16"


_WORDS = {
    "nan": "NaN in the vectors: ",
    "inf": "infinity in the vectors: ",
    "zero": "vectors of nothing but zeros: the engine gave no embedding for them",
    "zero-at-times": "vectors of nothing but zeros, where running again gives others: a race, or a "
    "replica that fails",
}


def _broken(results: Results, setting: SettingResults) -> Iterator[Finding]:
    broken = _struck(setting)
    if "zero" in broken and _at_times(setting, broken["zero"][0]):
        broken["zero-at-times"] = broken.pop("zero")
    for kind, words in _WORDS.items():
        if kind not in broken:
            continue
        those, sizes = broken[kind]
        where = ", ".join(map(str, sorted(sizes)))
        advice = "" if kind.startswith("zero") else advice_on_nan(results, setting, those)
        yield Finding(
            kind,
            "fault",
            f"{text_count(len(those))} at batch size {where}: {words}{advice}"
            f"{_nulls(setting, kind)}",
            setting.number,
            ids_of(results, sorted(those)),
        )


def _lengths(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Yield that passes give vectors of one direction and another length.

    Vectors that are not scaled to length one may change it as far as their dtype rounds.
    """
    if setting.effective.pooling_accumulation == "model":
        return
    alone = row_lengths(setting.unbatched.vectors)
    scaled = bool(np.nanmax(np.abs(alone[setting.unbatched.done] - 1), initial=0.0) < CHANGED)
    limit = CHANGED if scaled else max(CHANGED, BEYOND * usual_error(setting))
    struck: dict[int, set[int]] = {}
    most = 1.0
    for size, pass_ in setting.others():
        rows = np.flatnonzero(pass_.done & setting.unbatched.done)
        times = row_lengths(pass_.vectors[rows]) / alone[rows]
        longer = np.maximum(times, 1 / times)
        changed = (longer > 1 + limit) & _same_direction(pass_, setting.unbatched, rows)
        if changed.any():
            struck.setdefault(size, set()).update(int(row) for row in rows[changed])
            most = max(most, float(longer[changed].max()))
    if struck:
        rows_struck = sorted(set().union(*struck.values()))
        yield Finding(
            "length",
            "fault",
            f"{text_count(len(rows_struck))} at batch size {', '.join(map(str, struck))}: vectors "
            f"are up to {most:.4g} times as long or as short as unbatched, in the same direction; "
            "cosines stand, dot products and L2 indexes mix two scales",
            setting.number,
            ids_of(results, rows_struck),
        )


def _same_direction(pass_: Pass, baseline: Pass, rows: Rows) -> npt.NDArray[np.bool_]:
    apart = np.linalg.norm(unit(pass_.vectors[rows]) - unit(baseline.vectors[rows]), axis=1)
    return np.asarray(apart < SUSPECT_L2, dtype=np.bool_)


def _answered_from_cache(results: Results, setting: SettingResults) -> Iterator[Finding]:
    cached = cached_in_words(results, setting)
    if cached:
        yield Finding("cached", "fault", cached, setting.number)


def _another_input(results: Results, setting: SettingResults) -> Iterator[Finding]:
    another = another_input(results, setting)
    if another is not None:
        yield Finding(
            "another-input",
            "fault",
            f"vectors are not the model's own: {another.name}; {another.texts}, {another.evidence}",
            setting.number,
            ids_of(results, (int(row) for row in another.mismatch.rows)),
        )


def _nulls(setting: SettingResults, kind: str) -> str:
    count = setting.effective.nulls
    return f" (the server wrote null for {count} figures)" if kind == "nan" and count else ""


def _struck(setting: SettingResults) -> dict[str, tuple[set[int], set[int]]]:
    """Return the rows that have each kind of fault, and the batch sizes at which they have it."""
    found: dict[str, tuple[set[int], set[int]]] = {}
    for (size, _), pass_ in setting.passes.items():
        done = np.flatnonzero(pass_.done)
        for fault in broken_rows(pass_.vectors[done]):
            rows, sizes = found.setdefault(fault.kind, (set(), set()))
            rows.update(int(done[row]) for row in fault.rows)
            sizes.add(size)
    return found


def _at_times(setting: SettingResults, rows: set[int]) -> bool:
    """Say whether one of these texts is zeros in one of two passes with the same company."""
    for (size, draw), pass_ in setting.passes.items():
        first = setting.pass_of(size)
        for row in rows if draw.kind == "repeat" else ():
            both = pass_.done[row] and first.done[row]
            if both and bool(pass_.vectors[row].any()) != bool(first.vectors[row].any()):
                return True
    return False
