"""The structure that docs/architecture.md promises, held by a count."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from tests.structure import length, modules_here

LONGEST_FUNCTION = 60
LONGEST_FILE = 450
ALLOWED: dict[str, str] = {}
"""Longer files and functions, each with its reason in one sentence."""


def test_no_function_is_long() -> None:
    long = {
        f"{module.path}::{function.name}": length(function)
        for module in modules_here("embedtui", "tests")
        for function in module.functions
        if length(function) > LONGEST_FUNCTION
    }
    assert {name: lines for name, lines in long.items() if name not in ALLOWED} == {}


def test_no_file_is_long() -> None:
    long = {
        module.path: module.lines
        for module in modules_here("embedtui", "tests")
        if module.lines > LONGEST_FILE
    }
    assert {name: lines for name, lines in long.items() if name not in ALLOWED} == {}


def test_every_exception_is_still_needed() -> None:
    modules = modules_here("embedtui", "tests")
    needed = {module.path for module in modules if module.lines > LONGEST_FILE} | {
        f"{module.path}::{function.name}"
        for module in modules
        for function in module.functions
        if length(function) > LONGEST_FUNCTION
    }
    assert set(ALLOWED) <= needed


def test_a_name_of_a_file_says_which_one_is_meant() -> None:
    """Three rooms may each have a view, a command and what both show; more share no name."""
    names = Counter(PurePath(module.path).name for module in modules_here("embedtui"))
    names.pop("__init__.py")
    assert {name: count for name, count in names.items() if count > 3} == {}
