"""Measures the structure of a Python source tree: modules, functions, types, excepts, tests.

`python -m tests.structure [REPO SOURCE TESTS]` prints it, for this repository or for another's
checkout, so that a comparison counts both in the same way. It reads what git has committed at HEAD,
or, without arguments, the files as they lie here.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).resolve().parents[1]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file and what is in it."""

    path: str
    lines: int
    tree: ast.Module

    @property
    def functions(self) -> list[Function]:
        """Every function and method, nested ones too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Return the lines of a function, its docstring and signature among them."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def modules_here(*folders: str) -> list[Module]:
    """Return the modules of folders of this repository, as the files lie here."""
    found = []
    for folder in folders:
        for path in sorted((HERE / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            found.append(Module(str(path.relative_to(HERE)), text.count("\n"), ast.parse(text)))
    return found


def modules_of(repo: str, folder: str) -> Iterator[Module]:
    """Yield the modules below a folder of a repository, as committed at HEAD."""
    for path in _git(repo, "ls-tree", "-r", "--name-only", "HEAD").splitlines():
        if path.startswith(f"{folder.rstrip('/')}/") and path.endswith(".py"):
            text = _git(repo, "show", f"HEAD:{path}")
            try:
                yield Module(path, text.count("\n"), ast.parse(text))
            except SyntaxError:
                continue


def summary(source: list[Module], tests: list[Module]) -> str:
    """Return a few lines of figures: sizes, long functions, types, broad excepts, tests."""
    sizes = [module.lines for module in source if module.lines > 5]
    largest = max(source, key=lambda module: module.lines)
    functions = [function for module in source for function in module.functions]
    long = sum(length(function) > 60 for function in functions)
    typed = sum(function.returns is not None for function in functions)
    told = sum(ast.get_docstring(function) is not None for function in functions)
    broad = sum(_is_broad(node) for module in source for node in ast.walk(module.tree))
    cases = sum(f.name.startswith("test_") for module in tests for f in module.functions)
    return (
        f"modules: {len(sizes)} of {sum(sizes)} lines, median {statistics.median(sizes):.0f}, "
        f"{sum(size > 450 for size in sizes)} over 450, largest {largest.path} {largest.lines}\n"
        f"functions: {len(functions)}, median {statistics.median(map(length, functions)):.0f} "
        f"lines, {long} over 60 ({long / len(functions):.1%}), {typed / len(functions):.0%} with a "
        f"return type, {told / len(functions):.0%} with a docstring\n"
        f"excepts of everything: {broad}; test functions: {cases}"
    )


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    return node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}


def _git(repo: str, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", repo, *arguments], check=True, capture_output=True, text=True
    ).stdout


def main(arguments: list[str]) -> None:
    """Print the figures of this repository, or of the one that is named."""
    if arguments:
        repo, source, tests = arguments
        figures = summary(list(modules_of(repo, source)), list(modules_of(repo, tests)))
    else:
        figures = summary(modules_here("embedtui"), modules_here("tests"))
    sys.stdout.write(f"{figures}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
