"""What a mistyped word may have been meant as."""

from __future__ import annotations

import ast
from pathlib import Path

import embedtui
from embedtui.common.suggest import suggest


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert suggest("Pasages", ["queries", "passages"]) == " (did you mean passages?)"
    assert suggest("text", ["TEXT"]) == " (did you mean TEXT?)"
    assert suggest("zzz", ["queries"]) == ""
    assert suggest("x", []) == ""


def test_a_name_is_shown_as_data_and_as_one() -> None:
    assert suggest("my colum", ["my column"]) == " (did you mean 'my column'?)"
    assert suggest("body1", ["body\x1b[2J"]) == " (did you mean body\ufffd[2J?)"


def test_long_names_are_compared_quickly() -> None:
    assert suggest("ab" * 1_000_000, ["ba" * 1_000_000]) != ""


def test_nothing_else_looks_for_near_words() -> None:
    users = [
        path.name
        for path in Path(embedtui.__file__).parent.rglob("*.py")
        if any(
            isinstance(node, ast.Import) and any(name.name == "difflib" for name in node.names)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    ]
    assert users == ["suggest.py"]
