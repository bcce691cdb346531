"""Fills the tables of report.md, checks.md and json.md in docs from the types of JSON objects.

`python -m tests.json_docs docs` writes them. Between a line `<!-- NAME -->` and the next
`<!-- end -->` stands the table of the type of that name, and nothing else does. The switches in
the report's JSON Schema are written as well.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from embedtui.cli import json_objects
from embedtui.config import Config
from embedtui.report import (
    report_types,
    report_types_figures,
    report_types_layers,
    report_types_retrieval,
    report_types_sweep,
)
from embedtui.report.report_types_retrieval import Kind
from embedtui.storage import check_history, repeated_checks
from tests import json_schema

PAGES = ("report.md", "checks.md", "json.md")
_MODULES = (
    report_types,
    report_types_figures,
    report_types_figures,
    report_types_layers,
    report_types_retrieval,
    report_types_sweep,
    json_objects,
)
_EXPLAINED = {one.name: one.metadata["help"] for one in fields_of(Config) if one.metadata}
"""The keys of the config file, which explains them itself."""
_BLOCK = re.compile(r"(<!-- (?P<name>[A-Z]\w+) -->\n)(?P<old>.*?)(<!-- end -->)", re.DOTALL)
_WORDS = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def types() -> dict[str, Any]:
    """Return every type by its name."""
    return {"Row": check_history.Row, "Together": repeated_checks.Together} | {
        name: one
        for module in _MODULES
        for name, one in vars(module).items()
        if is_typeddict(one) and one.__module__ == module.__name__
    }


def fields(one: Any) -> dict[str, tuple[str, str]]:
    """Return each key of a type that its base has not: the name of its type, and what it means.

    Raises:
        ValueError: if a key is not explained.
    """
    found = {}
    inherited = {key for base in _bases(one) for key in _keys(base)}
    hints = get_type_hints(one, include_extras=True)
    if one is json_objects.ConfigObject:
        hints |= {key: Annotated[hints[key], told] for key, told in _EXPLAINED.items()}
    for key, hint in hints.items():
        if key in inherited:
            continue
        if get_origin(hint) is not Annotated:
            raise ValueError(f"{one.__name__}.{key} is not explained")
        inner, *notes = get_args(hint)
        kind = next((str(note) for note in notes if isinstance(note, Kind)), word_for(inner))
        found[key] = kind, str(notes[-1])
    return found


def _bases(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, "__orig_bases__", ()))


def _keys(base: Any) -> set[str]:
    return set(get_type_hints(base)) if is_typeddict(base) else set()


def is_object(hint: Any) -> bool:
    """Say whether a type stands for a JSON object with keys of its own."""
    return is_typeddict(hint) or is_dataclass(hint)


def word_for(hint: Any) -> str:
    """Return how the documentation names a type."""
    origin = get_origin(hint)
    if origin is NotRequired:
        return word_for(get_args(hint)[0])
    if origin in {Union, UnionType}:
        words = dict.fromkeys(word_for(one) for one in get_args(hint))
        return " or ".join(sorted(words, key=lambda word: word == "null"))
    if origin is list:
        of = word_for(get_args(hint)[0])
        return f"array of {of}s" if of in {"integer", "string", "number"} else "array"
    if origin is dict or is_object(hint):
        return "object"
    return _WORDS[hint]


def table(one: Any) -> str:
    """Return the keys of a type as a Markdown table."""
    lines = ["| field | type | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {kind} | {said} |" for key, (kind, said) in fields(one).items()]
    return "\n".join(lines) + "\n"


def filled(page: str, known: Mapping[str, Any]) -> str:
    """Return a page with every table as the types have it."""
    return _BLOCK.sub(lambda found: f"{found[1]}{table(known[found['name']])}{found[4]}", page)


def documented(page: str) -> set[str]:
    """Return the names of the types whose tables a page has."""
    return {found["name"] for found in _BLOCK.finditer(page)}


def main(folder: Path) -> None:
    path = json_schema.PATH
    path.write_text(json_schema.filled(path.read_text("utf-8")), encoding="utf-8")
    for name in PAGES:
        path = folder / name
        path.write_text(filled(path.read_text("utf-8"), types()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
