"""Further fields of a request's body, as some servers want them: `input_type:query+user:me`."""

from __future__ import annotations

import json
import re

from embedtui.common.errors import InputError
from embedtui.common.printable import printable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_OWN = {"model", "input", "encoding_format", "dimensions"}
"""Fields that the run itself decides."""


def read_fields(text: str) -> str:
    """Return fields as they were written, if they can be read.

    Raises:
        InputError: if they cannot, or name a field that is not theirs to set.
    """
    fields_of(text)
    return text


def fields_of(text: str) -> dict[str, str | int | float | bool | None]:
    """Return the fields by name; a value is what it is in JSON, else a text.

    Raises:
        InputError: as `read_fields` does.
    """
    fields: dict[str, str | int | float | bool | None] = {}
    for one in text.split("+"):
        name, colon, value = one.partition(":")
        if not colon or not _NAME.fullmatch(name) or name in fields:
            raise InputError(
                f"body={printable(text, 80)}: write the name of a field, a colon and its value, "
                "and + between fields, such as body=input_type:query+truncate:END"
            )
        if name in _OWN:
            raise InputError(f"body={printable(text, 80)}: {name} is what the run itself sends")
        fields[name] = _value(value)
    return fields


def _value(text: str) -> str | int | float | bool | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(found, list | dict) else found
