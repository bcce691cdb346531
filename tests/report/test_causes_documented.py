"""Every cause that a run can name is in the schema and in the documentation of the report."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def causes_in_code() -> set[str]:
    """Return the word of every `Diagnosis(…)` of a run; what two runs show has its own page."""
    found = set()
    for path in (ROOT / "embedtui").rglob("*.py"):
        if path.name == "changes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "Diagnosis":
                continue
            word = node.args[0] if node.args else None
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                found.add(word.value)
    return found


def test_there_are_causes_to_look_for() -> None:
    assert {"tf32", "rounding-order", "wire", "none"} <= causes_in_code()


@pytest.mark.parametrize("cause", sorted(causes_in_code()))
def test_it_is_in_schema_and_docs(cause: str) -> None:
    schema = json.loads(Path(__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
    assert cause in schema["$defs"]["diagnosis"]["properties"]["cause"]["enum"]
    assert f"`{cause}`" in (ROOT / "docs/report.md").read_text(encoding="utf-8")
