"""Settings: everything that makes one engine, read from what a person wrote, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from typing import Any

from embedtui.common import machine
from embedtui.common.address import is_address
from embedtui.common.errors import InputError
from embedtui.common.machine import Device
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.engine.switch import Switch
from embedtui.engine.switch_values import SwitchValues
from embedtui.engine.switches import SWITCHES

__all__ = [
    "SWITCHES",
    "Setting",
    "Switch",
    "changed",
    "combine",
    "device_of",
    "expected_cost",
    "parse_overrides",
    "refuse_for_model",
    "refuse_impossible",
    "why_not",
]


@dataclass(frozen=True)
class Setting(SwitchValues):
    """One way to run a model; two equal settings can share an engine."""

    @property
    def label(self) -> str:
        """The dtype and every switch that is not at its default: how tables name the setting."""
        further = [
            f"{switch.key}={switch.show(value)}"
            for switch, value in changed(self)
            if switch.key != "dtype"
        ]
        return " · ".join([self._head, *further])

    @property
    def is_server(self) -> bool:
        """Whether a running server is asked, instead of an engine that is loaded here."""
        return is_address(self.model)

    @property
    def _head(self) -> str:
        return "server" if self.is_server and self.dtype == "auto" else self.dtype

    @property
    def short_label(self) -> str:
        """The same in a person's words, for a chart that has no room for the keys."""
        further = [
            switch.short_label.format(switch.show(value))
            for switch, value in changed(self)
            if switch.key != "dtype"
        ]
        return " · ".join([self._head, *further])

    def as_dict(self) -> dict[str, Any]:
        """Return every switch by name, as the run file and the JSON report keep it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setting:
        """Build a setting from `as_dict`'s result, also one with fewer switches than today's."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


_BY_KEY = {switch.key: switch for switch in SWITCHES}


def parse_overrides(assignments: Iterable[str]) -> dict[str, list[Any]]:
    """Turn `KEY=VALUE[,VALUE]` texts into the values to try for each switch.

    Raises:
        InputError: for a text without `=`, an unknown key or an unknown value; it names the
            nearest key that there is.
    """
    chosen: dict[str, list[Any]] = {}
    for text in assignments:
        key, equals, values = text.partition("=")
        key = key.strip().lower().replace("-", "_")
        if not equals:
            raise InputError(f"'{printable(text)}' sets nothing: write KEY=VALUE")
        if key not in _BY_KEY:
            raise InputError(
                f"unknown switch '{printable(key)}'{suggest(key, _BY_KEY)}: "
                f"give one of {', '.join(_BY_KEY)}"
            )
        if key in chosen:
            raise InputError(f"{key} is set twice: give its values once, as {key}=A,B")
        chosen[key] = _unique(_BY_KEY[key].parse(value) for value in values.split(","))
    return chosen


def combine(model: str, chosen: Mapping[str, Sequence[Any]]) -> tuple[Setting, ...]:
    """Return one setting for every combination of the chosen values."""
    base = Setting(model=model)
    keys = list(chosen)
    return tuple(
        replace(base, **dict(zip(keys, values, strict=True)))
        for values in product(*(chosen[key] for key in keys))
    )


def refuse_impossible(setting: Setting, device: Device) -> None:
    """Raise InputError for the first switch that `device` would not obey.

    A switch that is silently ignored would put a wrong label on a figure.
    """
    for switch, value in changed(setting):
        _refuse(switch, value, _why_not(switch, setting, device))


def refuse_for_model(setting: Setting, config: Any) -> None:
    """Raise InputError for the first switch that a model, as vLLM reads it, cannot follow."""
    for switch, value in changed(setting):
        _refuse(switch, value, switch.refuse_model(setting, config))


def changed(setting: Setting) -> list[tuple[Switch, Any]]:
    """Return the switches that are not at their default, with their values."""
    values = ((switch, getattr(setting, switch.key)) for switch in SWITCHES)
    return [(switch, value) for switch, value in values if value != switch.default]


def expected_cost(setting: Setting, device: Device) -> int:
    """Return what orders settings by their cost, before any is measured."""
    return sum(switch.cost(getattr(setting, switch.key), device) for switch in SWITCHES)


def why_not(values: Mapping[str, Any], device: Device) -> str:
    """Return why `device` would not obey these values of switches; nothing where it would."""
    try:
        refuse_impossible(Setting("", **values), device)
    except InputError as error:
        return str(error)
    return ""


def device_of(setting: Setting) -> Device:
    """Return what computes a setting: the server that it names, or what vLLM computes on here.

    Raises:
        InputError: if an engine is needed here and none is installed.
    """
    return "server" if setting.is_server else machine.engine_device()


def _refuse(switch: Switch, value: Any, reason: str) -> None:
    if reason:
        raise InputError(f"{switch.key}={switch.show(value)} cannot be had{reason}")


def _why_not(switch: Switch, setting: Setting, device: Device) -> str:
    """Return why a value cannot be had, as the end of a sentence."""
    where = {"cuda": "a GPU", "cpu": "the CPU", "server": "a server"}[device]
    if device in switch.devices:
        return switch.refuse(setting, device)
    if device == "server":
        return f" on {where}: it is the server's own business, and was decided when it was started"
    return f" on {where}: {switch.refusal}"


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
