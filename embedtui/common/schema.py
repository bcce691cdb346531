"""What a TOML file may hold, key by key: the one way in which a wrong value is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest

_KINDS: Mapping[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_ITEMS: Mapping[type, str] = {str: "texts", int: "whole numbers", dict: "tables"}


@dataclass(frozen=True)
class Key:
    """What the value of a key has to be."""

    kind: type
    """str, bool, int, float (whole numbers too), list or dict."""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    items: type | None = None
    """What a list holds."""
    said: str = ""
    """What it has to be, where the bounds alone do not say it."""
    check: Callable[[Any], object] | None = None
    """Raises InputError for a value of the right kind that is wrong all the same."""
    needed: bool = False

    def problem(self, name: str, value: object) -> str:
        """Return what is wrong with a value of that name, as a sentence, or nothing."""
        wanted = (int, float) if self.kind is float else self.kind
        if not isinstance(value, wanted) or (isinstance(value, bool) and self.kind is not bool):
            return f"{name} must be {_KINDS[self.kind]}"
        items = self.items
        if items and isinstance(value, list) and not all(isinstance(one, items) for one in value):
            return f"{name} must be a list of {_ITEMS[items]}"
        if self.choices and value not in self.choices:
            return f"{name} must be one of {', '.join(self.choices)}"
        if self._beyond(value):
            return f"{name} must be {self.bounds}"
        try:
            if self.check is not None:
                self.check(value)
        except InputError as error:
            return str(error)
        return ""

    @property
    def bounds(self) -> str:
        """Which values are right, in words; nothing where any is."""
        if self.said or self.least is None:
            return self.said
        return f"{self.least} or more" if self.most is None else f"{self.least} to {self.most}"

    def _beyond(self, value: Any) -> bool:
        # Written so that nan, which is neither less nor more, is beyond any bound.
        return (self.least is not None and not value >= self.least) or (
            self.most is not None and not value <= self.most
        )


def problems(values: Mapping[str, Any], keys: Mapping[str, Key]) -> Iterator[tuple[str, str]]:
    """Yield the name of every key that is wrong, unknown or missing, and what is wrong with it."""
    for name, value in values.items():
        if name not in keys:
            yield name, f"unknown key '{printable(name, 40)}'{suggest(name, keys)}"
        elif problem := keys[name].problem(name, value):
            yield name, problem
    for name, key in keys.items():
        if key.needed and name not in values:
            yield name, f"{name} is missing"


def check(values: object, keys: Mapping[str, Key], where: str) -> Mapping[str, Any]:
    """Return the values of a table in which nothing is wrong.

    Raises:
        InputError: for the first key that is, with `where` it stands.
    """
    if not isinstance(values, dict):
        raise InputError(f"{where} must be a table of keys and values")
    for _, problem in problems(values, keys):
        raise InputError(f"{where} {problem}")
    return values
