"""A sweep: settings x batch sizes x models, read from a plan file or by the name of one.

A plan file is TOML. `models`, `texts`, `column`, `limit`, `join`, `batch_sizes`, `repeats`,
`shuffles`, `restarts`, `truth` and `prompt` are what the options of `embedtui run` are; `bundles`
names settings, and every `[[settings]]` table gives one for each combination of its values. Where
models want different things, each `[[parts]]` table may hold any of these keys; what it does not
hold is as above the parts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from embedtui.engine.settings import SWITCHES
from embedtui.errors import InputError
from embedtui.machine import Device
from embedtui.printable import printable
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.bundles import bundle
from embedtui.study.choices import Choices
from embedtui.suggest import suggest

_KEYS: dict[str, type] = {
    "description": str,
    "models": list,
    "texts": str,
    "column": str,
    "id_column": str,
    "limit": int,
    "join": int,
    "batch_sizes": str,
    "repeats": int,
    "shuffles": int,
    "restarts": int,
    "truth": bool,
    "prompt": str,
    "bundles": list,
    "settings": list,
    "parts": list,
}
_NOT_IN_PARTS = ("description", "parts")
_KINDS = {str: "a text", list: "a list", int: "a whole number", bool: "true or false"}
_SWITCHES = {switch.key: switch for switch in SWITCHES}
_TIMES = ("repeats", "shuffles", "restarts")
_LIMITS = (("limit", 1, None), ("join", 1, None), *((key, 0, 100) for key in _TIMES))
_CHOICES = ("texts", "column", "id_column", "limit", "join", *_TIMES, "truth", "prompt")


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
    def parts(self) -> list[dict[str, Any]]:
        """The keys of each part, with what stands above the parts; the whole where it has none."""
        above = {key: value for key, value in self.values.items() if key not in _NOT_IN_PARTS}
        return [above | part for part in self.values.get("parts", ({},))]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it is over; none where the file leaves that open."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.get("models", ())))

    def plans(self, base: Choices, device: Device, given: Collection[str] = ()) -> list[Choices]:
        """Return what is to be measured of each model, part by part.

        What the file leaves open is as in `base`, and so is what was `given` there by hand. Of a
        model given by hand that the file names, only its own parts are measured.
        """
        only = base.model if "model" in given else None
        plans = []
        for part in self.parts:
            models = part.get("models") or [base.model]
            if only in self.models:
                models = [model for model in models if model == only]
            elif only is not None:
                models = [only]
            choices = self._choices(part, base, device, given)
            plans += [replace(choices, model=model) for model in models]
        return plans

    def _choices(
        self, part: Mapping[str, Any], base: Choices, device: Device, given: Collection[str]
    ) -> Choices:
        values = {key: part[key] for key in _CHOICES if key in part and key not in given}
        if "batch_sizes" in part and "batch_sizes" not in given:
            values["batch_sizes"] = parse_batch_sizes(part["batch_sizes"])
        chosen = [_parsed(table) for table in part.get("settings", ())]
        chosen += [bundle(name).on(device) for name in part.get("bundles", ())]
        return replace(base, **values, chosen=tuple(chosen), sweep=self.name)


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
            f"no sweep '{printable(ref, 80)}'{suggest(ref, sweep_names())}: "
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
    _check_keys(values, where, _KEYS)
    parts = values.get("parts", [])
    for number, part in enumerate(parts, 1):
        within = f"{where}, part {number}"
        if not isinstance(part, dict):
            raise InputError(f"{where}: parts must be tables: [[parts]]")
        _check_keys(part, within, [key for key in _KEYS if key not in _NOT_IN_PARTS])
        _check_settings({**values, **part}, within)
    if not parts:
        _check_settings(values, where)
    return Sweep(name, values)


def _check_keys(values: Mapping[str, Any], where: str, keys: Collection[str]) -> None:
    for key, value in values.items():
        if key not in keys:
            raise InputError(f"{where}: unknown key '{printable(key, 40)}'{suggest(key, keys)}")
        kind = _KEYS[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InputError(f"{where}: {key} must be {_KINDS[kind]}")
    for key, least, most in _LIMITS:
        found = values.get(key)
        if found is not None and (found < least or (most is not None and found > most)):
            raise InputError(f"{where}: {key} must be {least} or more")
    if not all(isinstance(model, str) for model in values.get("models", ())):
        raise InputError(f"{where}: models must be a list of texts")


def _check_settings(values: Mapping[str, Any], where: str) -> None:
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


def _parsed(table: Any) -> dict[str, list[Any]]:
    """Return the values to try for each switch of one `[[settings]]` table."""
    if not isinstance(table, dict):
        raise InputError("settings must be tables: [[settings]]")
    found: dict[str, list[Any]] = {}
    for key, value in table.items():
        if key not in _SWITCHES:
            raise InputError(
                f"[[settings]] unknown key '{printable(key, 40)}'{suggest(key, _SWITCHES)}"
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
