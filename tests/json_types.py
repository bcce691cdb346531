"""Whether a JSON value is of a type: the one check of what commands print."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints

from tests.json_docs import is_object


def problems(value: Any, hint: Any, place: str = "") -> list[str]:
    """Return where a value is not of a type: keys too many, too few, values of another kind."""
    origin = get_origin(hint)
    if hint is Any:
        return []
    if origin in {Annotated, NotRequired}:
        return problems(value, get_args(hint)[0], place)
    if origin in {Union, UnionType}:
        return min((problems(value, one, place) for one in get_args(hint)), key=len)
    if origin in {list, dict} or is_object(hint):
        return within(value, hint, place)
    wanted = (float, int) if hint is float else (hint,)
    fits = isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    return [] if fits else [f"{place}: {type(value).__name__}, not {hint.__name__}"]


def within(value: Any, hint: Any, place: str) -> list[str]:
    """Return likewise what is wrong with a list or an object, or in it."""
    origin = get_origin(hint)
    if origin is list:
        if not isinstance(value, list):
            return [f"{place}: no list"]
        (of,) = get_args(hint)
        return [said for one in value for said in problems(one, of, f"{place}[]")]
    if not isinstance(value, dict):
        return [f"{place}: no object"]
    if origin is dict:
        _, of = get_args(hint)
        return [said for one in value.values() for said in problems(one, of, f"{place}.*")]
    hints = get_type_hints(hint, include_extras=True)
    found = [f"{place}.{key}: unknown" for key in sorted(set(value) - set(hints))]
    for key, of in hints.items():
        if key in value:
            found += problems(value[key], of, f"{place}.{key}")
        elif not may_be_missing(of):
            found.append(f"{place}.{key}: missing")
    return found


def may_be_missing(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return may_be_missing(get_args(hint)[0])
    return get_origin(hint) is NotRequired
