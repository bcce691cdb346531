"""Different texts with one vector: cut to what they have in common, or told apart no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from embedtui.assess.finding import Finding
from embedtui.common.wording import text_count
from embedtui.measure import collapsed_rows, compare, unit
from embedtui.measure.faults import SUSPECT_L2
from embedtui.results.results import Results, SettingResults

_LONG_BEGINNING = 200
"""Characters that texts begin alike with, from which on equal vectors are put down to a limit."""
_SAME = 1e-4
"""Texts that begin alike and are nearer than this have no other ends in their vectors."""
_MANY = 5
"""One text in so many has to have lost its own vector before batches are looked through."""


def collapse(results: Results, setting: SettingResults, known: set[int]) -> Iterator[Finding]:
    """Yield that vectors tell different texts apart no more, alone or in batches alone.

    Texts that are `known` to have another's vector are told of elsewhere.
    """
    there = setting.unbatched.done.copy()
    there[cut_alike(results, setting)] = False
    alone = _collapsed(results, setting, setting.unbatched.vectors, there)
    if alone:
        yield _finding(results, setting, alone, "")
        return
    there[list(known)] = False
    struck: dict[int, set[int]] = {}
    for size, pass_ in setting.others():
        both = pass_.done & there
        rows = np.flatnonzero(both)
        away = compare(pass_.vectors[rows], setting.unbatched.vectors[rows]).l2 > SUSPECT_L2
        if away.sum() * _MANY > len(rows):
            found = _collapsed(results, setting, pass_.vectors, both)
            struck.setdefault(size, set()).update(found)
    rows_struck = sorted(set().union(*struck.values()))
    if rows_struck:
        sizes = ", ".join(str(size) for size, some in struck.items() if some)
        yield _finding(results, setting, rows_struck, f" at batch size {sizes}")


def _finding(results: Results, setting: SettingResults, rows: Sequence[int], where: str) -> Finding:
    advice = (
        "look at padding and masks" if where else "look at the tokenizer's files and at overflow"
    )
    return Finding(
        "collapsed",
        "fault",
        f"{text_count(len(rows))}{where} have all but the same vector although they differ: "
        f"{advice}",
        setting.number,
        tuple(results.plan.pack.texts[row].id for row in rows),
    )


def _collapsed(
    results: Results,
    setting: SettingResults,
    vectors: npt.NDArray[np.float32],
    there: npt.NDArray[np.bool_],
) -> list[int]:
    """Return the texts that lost what told them apart; what was cut on purpose is left out."""
    cut = setting.prepared.truncated if setting.prepared else {}
    done = np.flatnonzero(there)
    rows = done[~np.isin(done, list(cut))]
    texts = [results.plan.pack.texts[row].text for row in rows]
    found = collapsed_rows(vectors[rows], texts)
    return [int(rows[row]) for row in found.rows] if found else []


def cut_alike(results: Results, setting: SettingResults) -> list[int]:
    """Return the texts with another's vector that begin as it does: a limit cut them in silence.

    What was cut on purpose is left out.
    """
    alone, cut = setting.unbatched, setting.prepared.truncated if setting.prepared else {}
    by_beginning: dict[str, list[int]] = {}
    for row in np.flatnonzero(alone.done):
        begins = results.plan.pack.texts[row].text[:_LONG_BEGINNING]
        if len(begins) == _LONG_BEGINNING and row not in cut:
            by_beginning.setdefault(begins, []).append(int(row))
    alike: set[int] = set()
    for rows in by_beginning.values():
        points = unit(alone.vectors[rows])
        for at, row in enumerate(rows):
            near = np.linalg.norm(points - points[at], axis=1) < _SAME
            text = _plain(results, row)
            if any(near[o] and _plain(results, other) != text for o, other in enumerate(rows)):
                alike.add(row)
    return sorted(alike)


def _plain(results: Results, row: int) -> str:
    """Return a text without what many tokenizers leave out."""
    return " ".join(results.plan.pack.texts[row].text.casefold().split())


def equal_after_cut(setting: SettingResults) -> int:
    """Return how many texts that were cut on purpose have the vector of another such text."""
    cut = setting.prepared.truncated if setting.prepared else {}
    rows = [row for row in cut if setting.unbatched.done[row]]
    counts = Counter(setting.unbatched.vectors[row].tobytes() for row in rows)
    return sum(count for count in counts.values() if count > 1)


def cut_in_silence(count: int, measured: int) -> str:
    """Say that so many texts were cut where nobody said so."""
    return (
        f"{count} of {text_count(measured)} have another's vector and begin as it does: "
        "their ends are in no vector, as where a limit cuts texts in silence"
    )
