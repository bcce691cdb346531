"""A sweep: settings x batch sizes x models, read from a plan file or by the name of one.

A plan file is TOML. `models`, `texts`, `column`, `limit`, `batch_sizes`, `repeats`, `shuffles`,
`restarts`, `truth` and `prompt` are what the options of `embedtui run` are; `bundles` names
settings, and every `[[settings]]` table gives one for each combination of its values.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from embedtui.engine.settings import SWITCHES, nearest
from embedtui.errors import InputError
from embedtui.machine import Device
from embedtui.printable import printable
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.bundles import bundle
from embedtui.study.choices import Choices, Chosen

_KEYS: dict[str, type] = {
    "description": str,
    "models": list,
    "texts": str,
    "column": str,
    "id_column": str,
    "limit": int,
    "batch_sizes": str,
    "repeats": int,
    "shuffles": int,
    "restarts": int,
    "truth": bool,
    "prompt": str,
    "bundles": list,
    "settings": list,
}
_KINDS = {str: "a text", list: "a list", int: "a whole number", bool: "true or false"}
_SWITCHES = {switch.key: switch for switch in SWITCHES}
_TIMES = ("repeats", "shuffles", "restarts")
_CHOICES = ("texts", "column", "id_column", "limit", *_TIMES, "truth", "prompt")


@dataclass(frozen=True)
class Sweep:
    """What a plan file asks for."""

    name: str
    values: Mapping[str, Any]
    """The file's keys as they stand, checked."""

    @property
    def description(self) -> str:
        """What it is for, in the file's words."""
        return str(self.values.get("description", ""))

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it is over; none where the file leaves that open."""
        return tuple(self.values.get("models", ()))

    def choices(self, base: Choices, device: Device, given: Collection[str] = ()) -> Choices:
        """Return what is to be measured of one model.

        What the file leaves open is as in `base`, and so is what was `given` there by hand.
        """
        told = [key for key in _CHOICES if key in self.values and key not in given]
        values = {key: self.values[key] for key in told}
        if "batch_sizes" in self.values and "batch_sizes" not in given:
            values["batch_sizes"] = parse_batch_sizes(self.values["batch_sizes"])
        return replace(base, **values, chosen=self._chosen(device), sweep=self.name)

    def _chosen(self, device: Device) -> tuple[Chosen, ...]:
        tables = [_parsed(table) for table in self.values.get("settings", ())]
        tables += [bundle(name).on(device) for name in self.values.get("bundles", ())]
        return tuple(tables)


def sweep_names() -> list[str]:
    """Return the names of the sweeps that come with embedtui."""
    folder = resources.files("embedtui.study") / "sweeps"
    return sorted(
        file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")
    )


def load_sweep(ref: str) -> Sweep:
    """Return the sweep of a name, or the one that a plan file describes.

    Raises:
        InputError: if there is none, or if it is wrong; the message names the key.
    """
    if ref in sweep_names():
        text = (resources.files("embedtui.study") / "sweeps" / f"{ref}.toml").read_text("utf-8")
        return _checked(ref, text)
    path = Path(ref).expanduser()
    if not path.is_file():
        raise InputError(
            f"no sweep '{printable(ref, 80)}'{nearest(ref, sweep_names())}: "
            f"give {' or '.join(sweep_names())}, or a plan file"
        )
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{printable(ref, 80)} cannot be read: {error}") from error
    return _checked(path.stem, text, printable(path.name, 60))


def _checked(name: str, text: str, shown: str = "") -> Sweep:
    where = f"plan file {shown or name}"
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is no TOML: {printable(str(error), 120)}") from error
    for key, value in values.items():
        if key not in _KEYS:
            raise InputError(f"{where}: unknown key '{printable(key, 40)}'{nearest(key, _KEYS)}")
        kind = _KEYS[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InputError(f"{where}: {key} must be {_KINDS[kind]}")
    try:
        for one in values.get("bundles", ()):
            bundle(str(one))
        for table in values.get("settings", ()):
            _parsed(table)
        parse_batch_sizes(values.get("batch_sizes", "1"))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if not values.get("settings") and not values.get("bundles"):
        raise InputError(f"{where} names no settings: give bundles = [...] or [[settings]]")
    for key, least, most in (("limit", 1, None), *((key, 0, 100) for key in _TIMES)):
        found = values.get(key)
        if found is not None and (found < least or (most is not None and found > most)):
            raise InputError(f"{where}: {key} must be {least} or more")
    if not all(isinstance(model, str) for model in values.get("models", ())):
        raise InputError(f"{where}: models must be a list of texts")
    return Sweep(name, values)


def _parsed(table: Any) -> dict[str, list[Any]]:
    """Return the values to try for each switch of one `[[settings]]` table."""
    if not isinstance(table, dict):
        raise InputError("settings must be tables: [[settings]]")
    found: dict[str, list[Any]] = {}
    for key, value in table.items():
        if key not in _SWITCHES:
            raise InputError(
                f"[[settings]] unknown key '{printable(key, 40)}'{nearest(key, _SWITCHES)}"
            )
        listed = value if isinstance(value, list) else [value]
        found[key] = list(dict.fromkeys(_SWITCHES[key].parse(text) for text in _texts(listed)))
        if not found[key]:
            raise InputError(f"[[settings]] {key} has no values")
    return found


def _texts(values: Iterable[Any]) -> list[str]:
    return [
        {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
        for value in values
    ]
