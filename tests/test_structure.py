"""The structure that docs/architecture.md promises, held by a count."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import PurePath

import pytest

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


SLEEPERS = {
    "tests/waiting.py::wait_until": "asks again and again",
    "tests/tui/conftest.py::until": "asks again and again, while the app goes on",
    "tests/bench/heartbeat.py::_beat": "measures how late it is woken",
    "tests/bench/export.py::main": "measures how late it is woken",
    "tests/fakes.py::embed": "takes the time that an engine would",
    "tests/servers/fault_server.py::do_POST": "takes the time that a server would",
    "tests/servers/fault_server.py::_answer": "takes the time that a server would",
    "tests/servers/fault_server.py::_drip": "takes the time that a server would",
    "tests/servers/fault_server.py::_computed": "takes the time that a server would",
    "tests/servers/fault_server.py::_moved": "takes the time that a server would",
    "tests/end_to_end/test_explorer.py::computed_in_a_second": "sees that nothing happens",
}
"""What may sleep in the tests, and what for."""


def test_tests_wait_for_conditions_and_never_for_a_time() -> None:
    sleeping = {
        f"{module.path}::{function.name}"
        for module in modules_here("tests")
        for function in module.functions
        if any(map(sleeps, ast.walk(function)))
    }
    assert sleeping == set(SLEEPERS)


def sleeps(node: ast.AST) -> bool:
    """Say whether it is a call of sleep, or of a pilot's pause for some seconds."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name == "sleep" or (name == "pause" and bool(node.args or node.keywords))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("time.sleep(1)", True),
        ("await asyncio.sleep(seconds)", True),
        ("sleep(0.1)", True),
        ("await pilot.pause(0.2)", True),
        ("await pilot.pause(delay=1)", True),
        ("await pilot.pause()", False),
        ("done.wait(20)", False),
    ],
)
def test_a_sleep_is_seen(line: str, found: bool) -> None:
    tree = ast.parse(f"async def test():\n    {line}")
    assert any(map(sleeps, ast.walk(tree))) == found
