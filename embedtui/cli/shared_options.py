"""What commands share: the options of a run out of the one table, and what was given of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from embedtui.cli.group import Choice
from embedtui.cli.parameter_types import ModelName, ScenarioName, TextsName
from embedtui.common import machine
from embedtui.common.address import is_address
from embedtui.common.errors import InputError
from embedtui.engine.settings import parse_overrides
from embedtui.plan.bundles import bundle
from embedtui.plan.choices import Choices, Chosen
from embedtui.plan.options import CHOSEN, OPTIONS, Mode, Option, refuse_unusable

Command = Callable[..., Any]

_TYPES: Mapping[str, click.ParamType[Any]] = {
    "model": ModelName(),
    "texts": TextsName(),
    "against": ModelName(),
    "scenario": ScenarioName(),
}
FLAGS: Mapping[str, str] = {"advise": "--advise", "layers": "--layers-only"}
"""Modes of `embedtui run`, by the option that asks for them."""
_GIVEN = {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.PROMPT}


@dataclass(frozen=True)
class Asked:
    """The options of a run as a command line has them."""

    values: Mapping[str, Any]
    """By their names in the table; those that the command does not have are missing."""
    given: frozenset[str]
    """The parameters of the command that were given by hand."""

    def choices(self, **further: Any) -> Choices:
        """Return what is chosen, without a word on whether the model can use it.

        Raises:
            InputError: for a switch, a bundle or batch sizes that there are not.
        """
        values = {**self.values, **further}
        fields = {
            option.name: option.read(values[option.name])
            for option in CHOSEN
            if option.name in values
        }
        return replace(Choices(**fields), chosen=self._settings(fields["model"]))

    def in_mode(self, mode: Mode) -> Asked:
        """Return what a mode of a command has of this, with the mode's own defaults.

        Raises:
            InputError: for what was given by hand and the mode does without.
        """
        for option in OPTIONS:
            if option.name in self.given and mode not in option.commands:
                raise InputError(f"{option.written}: {FLAGS[mode]} does without it; leave it out")
        values = {
            option.name: self.values[option.name]
            if option.name in self.given
            else option.defaults.get(mode, self.values[option.name])
            for option in OPTIONS
            if option.name in self.values and mode in option.commands
        }
        return replace(self, values=values)

    def refuse_unusable(self, mode: Mode, *plans: Choices) -> None:
        """Refuse what was given and cannot be used.

        Raises:
            InputError: naming the option and the reason.
        """
        refuse_unusable(self.given, mode, plans)

    def _settings(self, model: str) -> tuple[Chosen, ...]:
        """Return the values to try for each switch, of each group of settings.

        A dtype among the settings takes the place of the default, and so do bundles. A server has
        the dtype that it was started with.
        """
        assignments = list(self.values.get("setting", ()))
        also, bundles = self.values.get("also", ()), self.values.get("bundles")
        among = any(text.partition("=")[0].strip() == "dtype" for text in assignments)
        named = "dtype" in self.given
        if named or not (among or is_address(model)):
            assignments.insert(0, f"dtype={self.values.get('dtype', 'auto')}")
        groups = [assignments, *(text.split(",") for text in also)]
        chosen: list[Chosen] = [parse_overrides(one) for one in groups if one]
        if not bundles:
            return tuple(chosen)
        device = machine.engine_device()
        kept = chosen if named or also or self.values.get("setting") else []
        names = [name.strip() for name in bundles.split(",") if name.strip()]
        return (*kept, *(bundle(name).on(device) for name in names))


def given_by_hand() -> frozenset[str]:
    """Return the parameters of the running command that were given by hand."""
    context = click.get_current_context()
    return frozenset(
        name for name in context.params if context.get_parameter_source(name) in _GIVEN
    )


def refuse(given: Collection[str], names: Sequence[str], reason: str) -> None:
    """Refuse options that were given where they have no meaning.

    Raises:
        InputError: naming the option and the reason.
    """
    for parameter in click.get_current_context().command.params:
        if parameter.name in names and parameter.name in given:
            written = max(parameter.opts, key=len)
            raise InputError(f"{written}: {reason}; leave it out")


def run_options(command: Mode, *, without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Give a command the options that it has by the table; it gets them as `asked`.

    A model is an argument where the command has one.
    """
    options = [o for o in OPTIONS if command in o.commands and o.name not in without]

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def called(**parameters: Any) -> Any:
            values = {o.name: parameters.pop(o.name) for o in options}
            values = {k: v for k, v in values.items() if v is not None}
            if "reference" in values:
                values["reference"] = not values["reference"]
            return function(asked=Asked(values, given_by_hand()), **parameters)

        made: Command = called
        for option in reversed(options):
            made = _parameter(option, command)(made)
        return made

    return decorate


def json_option(what: str = "one JSON object") -> Callable[[Command], Command]:
    """Return the option that prints figures as JSON; docs/json.md has the schemas."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} (docs/json.md).")


def file_option(*names: str, told: str) -> Callable[[Command], Command]:
    """Return an option that names a file."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*names, type=kind, metavar="FILE", help=told)


def out_option() -> Callable[[Command], Command]:
    """Return the option that names the run file."""
    return file_option("--out", told="The run file to write.  [default: one in the data folder]")


def full_option() -> Callable[[Command], Command]:
    """Return the option that prints everything that is known of each setting."""
    return click.option(
        "--full", is_flag=True, help="Every setting's own table, causes, and all notes as well."
    )


def quiet_option() -> Callable[[Command], Command]:
    """Return the option that leaves progress out."""
    return click.option("--quiet", is_flag=True, help="No progress on standard error.")


def _parameter(option: Option, command: Mode) -> Callable[[Command], Command]:
    """Return click's parameter for a row of the table."""
    default = option.default_in(command)
    if option.name == "model":
        return click.argument(
            "model", default=default, required=False, type=_TYPES["model"], metavar="[MODEL]"
        )
    if command == "explore":
        default = None  # what was chosen last counts
    told = option.flag_help or option.help
    help_ = f"{told[0].upper()}{told[1:]}."
    if option.key.kind is bool:
        return click.option(option.written, option.name, is_flag=True, help=help_)
    return click.option(
        option.written,
        option.name,
        type=_type(option),
        default=default,
        show_default=default not in (None, ""),
        multiple=option.multiple,
        metavar=option.metavar or None,
        help=help_,
    )


def _type(option: Option) -> click.ParamType[Any]:
    """Return click's type for the values of an option."""
    key = option.key
    if key.choices:
        return Choice(key.choices)
    if key.kind is int:
        least, most = (None if one is None else int(one) for one in (key.least, key.most))
        return click.IntRange(least, most)
    if key.kind is float:
        return click.FloatRange(key.least, key.most)
    return _TYPES.get(option.name, click.STRING)
