"""A sweep: settings x batch sizes x models, read from a plan file or by the name of one.

A plan file is TOML. Its keys are the options of `embedtui run` that say what is measured (`limit`,
`too_long`, `scenario`, ...); `models` lists models, `bundles` names settings, and every
`[[settings]]` table gives one for each combination of its values. Where models want different
things, each `[[parts]]` table may hold any of these keys but `scenario`, `situation` and `timeout`;
what it does not hold is as above the parts. No key of a server stands in one: who wrote it may be
anyone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from embedtui.common import schema
from embedtui.common.errors import InputError
from embedtui.common.machine import Device
from embedtui.common.printable import printable
from embedtui.common.schema import Key
from embedtui.common.suggest import suggest
from embedtui.engine.settings import SWITCHES
from embedtui.plan.bundles import bundle
from embedtui.plan.choices import Choices
from embedtui.plan.former_names import by_present_names
from embedtui.plan.options import CHOSEN, OPTIONS, model_kind, refuse_unusable
from embedtui.plan.scenarios import Situation, scenario

_OF_THE_FILE = ("description", "parts", "scenario", "situation", "timeout")
"""Keys of the whole file, which no part has."""
_KEYS: Mapping[str, Key] = {
    "description": Key(str),
    "models": Key(list, items=str),
    "settings": Key(list),
    "parts": Key(list),
    **{option.name: option.plan_kind or option.key for option in OPTIONS if not option.not_in_plan},
    "scenario": Key(str, check=scenario),
}
_KEYS_OF_PARTS = {name: key for name, key in _KEYS.items() if name not in _OF_THE_FILE}
_SWITCHES = {switch.key: switch for switch in SWITCHES}


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
        above = {key: value for key, value in self.values.items() if key not in _OF_THE_FILE}
        return [above | part for part in self.values.get("parts", ({},))]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it is over; none where the file leaves that open."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.get("models", ())))

    @property
    def scenario(self) -> str:
        """What the embeddings are for, by the file; empty where it does not say."""
        return str(self.values.get("scenario", ""))

    @property
    def situation(self) -> Situation | None:
        """What the vectors meet, by the file; None where it does not say."""
        return self.values.get("situation")

    @property
    def timeout(self) -> float | None:
        """Seconds that one request to a server may take, by the file; None where it is silent."""
        found = self.values.get("timeout")
        return None if found is None else float(found)

    def plans(self, base: Choices, device: Device, given: Collection[str] = ()) -> list[Choices]:
        """Return what is to be measured of each model, part by part.

        What the file leaves open is as in `base`, and so is what was `given` there by hand. Of a
        model given by hand that the file names, only its own parts are measured. What only some of
        the models can use counts for those alone.

        Raises:
            InputError: if the file has a key that none of its models can use.
        """
        only = base.model if "model" in given else None
        plans: list[Choices] = []
        for part, own in zip(self.parts, self.values.get("parts", ({},)), strict=True):
            models = part.get("models") or [base.model]
            if only in self.models:
                models = [model for model in models if model == only]
            elif only is not None:
                models = [only]
            choices = self._choices(part, base, device, given)
            made = [replace(choices, model=model) for model in models]
            self._refuse_unusable(own, made)
            plans += made
        self._refuse_unusable(self.values, plans)
        named = {*given, *(key for part in self.parts for key in part)}
        return [_without_others(one, named) for one in plans]

    def _refuse_unusable(self, values: Mapping[str, Any], plans: Sequence[Choices]) -> None:
        asked = {
            option.name
            for option in OPTIONS
            if (option.chosen or option.name in _OF_THE_FILE)
            and option.name in values
            and option.read(values[option.name]) != option.off
        }
        try:
            refuse_unusable(asked, "sweep", plans, in_file=True)
        except InputError as error:
            raise InputError(f"plan file {printable(self.name, 60)}: {error}") from error

    def _choices(
        self, part: Mapping[str, Any], base: Choices, device: Device, given: Collection[str]
    ) -> Choices:
        values = {
            option.name: option.read(part[option.name])
            for option in CHOSEN
            if option.name in part and option.name not in given
        }
        chosen = [_parsed(table) for table in part.get("settings", ())]
        chosen += [bundle(name).on(device) for name in part.get("bundles", ())]
        return replace(base, **values, chosen=tuple(chosen), sweep=self.name)


def _without_others(choices: Choices, named: Collection[str]) -> Choices:
    """Return the choices of one model without what was named for models of another kind."""
    kind = model_kind(choices)
    others = [one for one in CHOSEN if one.name in named and kind not in one.models]
    return replace(choices, **{option.name: option.off for option in others})


def sweep_names() -> list[str]:
    """Return the names of the sweeps that come with embedtui."""
    folder = resources.files("embedtui.plan") / "sweeps"
    return sorted(
        file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")
    )


def load_sweep(ref: str) -> Sweep:
    """Return the sweep of a name, or the one that a plan file describes.

    Raises:
        InputError: if there is none, or if it is wrong; the message names the key.
    """
    if ref in sweep_names():
        text = (resources.files("embedtui.plan") / "sweeps" / f"{ref}.toml").read_text("utf-8")
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
        values = by_present_names(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is no TOML: {printable(str(error), 120)}") from error
    _check_keys(values, where, _KEYS)
    parts = values.get("parts", [])
    parts[:] = [by_present_names(one) if isinstance(one, dict) else one for one in parts]
    for number, part in enumerate(parts, 1):
        within = f"{where}, part {number}"
        if not isinstance(part, dict):
            raise InputError(f"{where}: parts must be tables: [[parts]]")
        _check_keys(part, within, _KEYS_OF_PARTS)
        _check_settings({**values, **part}, within)
    if not parts:
        _check_settings(values, where)
    return Sweep(name, values)


def _check_keys(values: Mapping[str, Any], where: str, keys: Mapping[str, Key]) -> None:
    for option in OPTIONS:
        if option.not_in_plan and option.name in values:
            raise InputError(f"{where}: {option.name}: {option.not_in_plan}")
    for _, problem in schema.problems(values, keys):
        raise InputError(f"{where}: {problem}")


def _check_settings(values: Mapping[str, Any], where: str) -> None:
    try:
        for one in values.get("bundles", ()):
            bundle(one)
        for table in values.get("settings", ()):
            _parsed(table)
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
