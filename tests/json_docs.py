"""The page, docs/json.md, and JSON Schemas of what commands print: `python -m tests.json_docs`."""

from __future__ import annotations

import sys
import types
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from embedtui.cli.json_objects import OBJECTS

HEAD = """# JSON of the commands

Every command that prints figures takes `--json` and prints one object. Its `schema` names it and
has a number, which goes up when a field changes its meaning or goes away; new fields may come
without that. A figure that there is not is null. The object of `embedtui run`, `embedtui layers`
and `embedtui export` is in [report.md](report.md), and so is that of `embedtui run --sweep`; that
of `embedtui check` is in [checks.md](checks.md).

This page is generated from `embedtui/cli/json_objects.py`.
"""
_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    type(None): "null",
}


def schema_of(hint: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type."""
    if get_origin(hint) is Annotated:
        return schema_of(get_args(hint)[0])
    if is_typeddict(hint):
        fields = get_type_hints(hint, include_extras=True)
        return {
            "type": "object",
            "properties": {name: schema_of(one) for name, one in fields.items()},
            "required": list(fields),
            "additionalProperties": False,
        }
    if get_origin(hint) in {Union, types.UnionType}:
        return {"anyOf": [schema_of(one) for one in get_args(hint)]}
    if get_origin(hint) is list:
        return {"type": "array", "items": schema_of(get_args(hint)[0])}
    if get_origin(hint) is dict:
        value = get_args(hint)[1]
        return {"type": "object"} | (
            {} if value is Any else {"additionalProperties": schema_of(value)}
        )
    return {"type": _NAMES[hint]}


def page() -> str:
    """Return docs/json.md."""
    parts = [HEAD]
    for name, kind in OBJECTS.items():
        parts.append(f"\n## `embedtui.{name}/1`\n\n{kind.__doc__}\n\n{_table(kind)}")
    return "".join(parts)


def _table(kind: type, before: str = "") -> str:
    head = "" if before else "| field | type | meaning |\n|---|---|---|\n"
    return head + "".join(
        _row(before + name, hint)
        for name, hint in get_type_hints(kind, include_extras=True).items()
    )


def _row(name: str, hint: Any) -> str:
    said = ""
    if get_origin(hint) is Annotated:
        hint, said = get_args(hint)
    inner, of = hint, ""
    if get_origin(hint) is list:
        inner, of = get_args(hint)[0], "[]"
    shown = _type(hint)
    if is_typeddict(inner):
        said = said or _lower(inner.__doc__ or "")
        return f"| `{name}` | {shown} | {said} |\n{_table(inner, f'{name}{of}.')}"
    return f"| `{name}` | {shown} | {said} |\n"


def _lower(text: str) -> str:
    return (text[:1].lower() + text[1:]).rstrip(".")


def _type(hint: Any) -> str:
    if get_origin(hint) in {Union, types.UnionType}:
        return " or ".join(_type(one) for one in get_args(hint))
    if get_origin(hint) is list:
        return f"array of {_type(get_args(hint)[0])}s"
    return "object" if is_typeddict(hint) else _NAMES[get_origin(hint) or hint]


if __name__ == "__main__":
    sys.stdout.write(page())
