"""The part of the report's JSON Schema that says which switches there are, from the table of them.

`python -m tests.json_docs docs` writes it into `tests/report/report.schema.json`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from embedtui.engine.switch_values import SwitchValues
from embedtui.engine.switches import SWITCHES

PATH = Path(__file__).parent / "report" / "report.schema.json"
_BLOCK = re.compile(r'(?<=\n)    "setting": \{\n.*?\n    \},\n', re.DOTALL)
_WORDS = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}


def schema_of_setting() -> dict[str, Any]:
    """Return the schema of a setting: the model, and every switch with the values it can have."""
    hints = get_type_hints(SwitchValues)
    properties: dict[str, Any] = {"model": {"type": "string"}}
    for switch in SWITCHES:
        kinds = [_WORDS[one] for one in get_args(hints[switch.key]) or (hints[switch.key],)]
        if kinds == ["string"] and switch.choices:
            properties[switch.key] = {"enum": list(switch.choices)}
        else:
            minimum = {"minimum": 1} if "integer" in kinds else {}
            properties[switch.key] = {"type": kinds if len(kinds) > 1 else kinds[0], **minimum}
    return {
        "description": "What was asked of an engine; a later version may ask more.",
        "type": "object",
        "required": list(properties),
        "properties": properties,
    }


def filled(text: str) -> str:
    """Return the schema's text with the switches as the table has them."""
    made = schema_of_setting()
    lines = ",\n".join(
        f"        {json.dumps(key)}: {_on_a_line(value)}"
        for key, value in made["properties"].items()
    )
    required = ",\n".join(f"        {json.dumps(key)}" for key in made["required"])
    block = (
        '    "setting": {\n'
        f'      "description": {json.dumps(made["description"])},\n'
        '      "type": "object",\n'
        f'      "required": [\n{required}\n      ],\n'
        f'      "properties": {{\n{lines}\n      }}\n    }},\n'
    )
    return _BLOCK.sub(lambda _: block, text, count=1)


def _on_a_line(value: dict[str, Any]) -> str:
    return json.dumps(value).replace("{", "{ ").replace("}", " }")
