"""Holds two JSON reports against each other to the bit, where keys may have other names.

`python -m tests.same_figures BEFORE.json AFTER.json` says what differs and exits 1, or 0 where
nothing does. `RENAMED` says which keys of BEFORE have which names in AFTER; `--renamed OLD=NEW`
adds to it.
Of two reports of one run everything is compared but what `CHANGED` names. Two runs of one plan also
differ in when and where they ran: with `--two-runs` what `OF_A_RUN` names may differ. Whatever was
let pass is listed.

A place is written as `settings[].texts[].tokens`; a name without a dot is a key at any place.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RENAMED: dict[str, str] = {
    "plan.truth": "reference",
    "judgements": "qrels",
    "settings[].engine": "effective_config",
    "telling": "untied",
    "lengths": "norms",
    "draw": "worst_pass",
    "settings[].layers.places": "sites",
    "adds": "contribution",
    "wanted": "target",
    "seen": "evidence",
    "why": "explanation",
    "sure": "confidence",
    "do": "fix",
}
"""Place or key in BEFORE to the key's name in AFTER."""
CHANGED = ("schema",)
"""Places whose values are meant to be others in AFTER."""
OF_A_RUN = (
    "started_at",
    "load_seconds",
    "texts_per_second",
    "memory_bytes",
    "seconds",
    "plan.model",
    "plan.against",
    "plan.texts.source",
    "plan.settings[].model",
    "settings[].setting.model",
)
"""Places that tell when and where a run was made: times, free memory, paths."""
_SHOWN = 40


@dataclass
class Comparison:
    """What differs between two reports, by place."""

    differing: list[str] = field(default_factory=list)
    let_pass: list[str] = field(default_factory=list)
    """What differs where it may."""
    figures: int = 0
    """Numbers that were compared."""


def compare(
    before: Any,
    after: Any,
    *,
    renamed: Mapping[str, str] | None = None,
    may_differ: Sequence[str] = CHANGED,
) -> Comparison:
    """Return what differs, every number and text compared to the bit.

    Keys are compared as sets: their order says nothing. Lists are compared in their order.
    """
    found = Comparison()
    _compare(before, after, "", RENAMED if renamed is None else renamed, may_differ, found)
    return found


def _compare(
    before: Any,
    after: Any,
    place: str,
    renamed: Mapping[str, str],
    may_differ: Sequence[str],
    found: Comparison,
) -> None:
    def tell(said: str) -> None:
        passes = any(_is_at(place, one) for one in may_differ)
        (found.let_pass if passes else found.differing).append(said)

    if isinstance(before, dict) and isinstance(after, dict):
        names = {key: _new_name(place, key, renamed) for key in before}
        if len(set(names.values())) < len(names):
            found.differing.append(f"{place or 'the report'}: two keys are renamed to one")
        for key in sorted(set(after) - set(names.values())):
            found.differing.append(f"{_below(place, key)}: only after")
        for key, value in before.items():
            if names[key] in after:
                below = _below(place, key)
                _compare(value, after[names[key]], below, renamed, may_differ, found)
            else:
                found.differing.append(f"{_below(place, key)}: only before")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            tell(f"{place}: {len(before)} entries before, {len(after)} after")
        for number, pair in enumerate(zip(before, after, strict=False)):
            _compare(*pair, f"{place}[{number}]", renamed, may_differ, found)
    else:
        found.figures += isinstance(before, int | float) and not isinstance(before, bool)
        if type(before) is not type(after) or repr(before) != repr(after):
            tell(f"{place}: {_short(before)} before, {_short(after)} after")


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _new_name(place: str, key: str, renamed: Mapping[str, str]) -> str:
    """Return the name that a key has after; a place comes before a key at any place."""
    for old in sorted(renamed, key=lambda old: "." not in old):
        if _is_at(_below(place, key), old):
            return renamed[old]
    return key


def _is_at(place: str, pattern: str) -> bool:
    plain = "".join(_without_numbers(place))
    return plain == pattern if "." in pattern else plain.rpartition(".")[2] == pattern


def _without_numbers(place: str) -> Iterator[str]:
    inside = False
    for character in place:
        if character == "[":
            inside = True
            yield "[]"
        elif character == "]":
            inside = False
        elif not inside:
            yield character


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:79]}…"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two files; return 0 where they agree, 1 where they do not, 2 for no reports."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--renamed", action="append", default=[], metavar="OLD=NEW")
    parser.add_argument("--two-runs", action="store_true", help="times and paths may differ")
    given = parser.parse_args(arguments)
    try:
        before, after = (
            json.loads(path.read_text("utf-8")) for path in (given.before, given.after)
        )
    except (OSError, ValueError) as error:
        print(f"not a JSON report: {error}", file=sys.stderr)
        return 2
    renamed = RENAMED | dict(one.split("=", 1) for one in given.renamed)
    may_differ = (*CHANGED, *(OF_A_RUN if given.two_runs else ()))
    found = compare(before, after, renamed=renamed, may_differ=may_differ)
    for said in found.differing[:_SHOWN]:
        print(said)
    if len(found.differing) > _SHOWN:
        print(f"… and {len(found.differing) - _SHOWN} more")
    for said in found.let_pass:
        print(f"may differ: {said}")
    outcome = f"{len(found.differing)} differ" if found.differing else "the same to the bit"
    print(f"{found.figures} figures compared: {outcome}")
    return 1 if found.differing else 0


if __name__ == "__main__":
    sys.exit(main())
