"""What a switch is: one thing that can be set, and all that the other modules know about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from embedtui.common.errors import InputError
from embedtui.common.machine import Device
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest

if TYPE_CHECKING:
    from embedtui.engine.switch_values import SwitchValues

ON_OFF = ("off", "on")
Where = Literal["engine", "server"]
"""An engine that embedtui starts, or the command of a server."""


def _as_it_is(value: Any) -> Any:
    return value


def _nothing(_: Any, __: Any) -> str:
    return ""


def _costs_nothing(_: Any, __: Device) -> int:
    return 0


@dataclass(frozen=True)
class Variable:
    """A variable of the environment that vLLM, or a library below it, reads a switch from."""

    name: str
    text: Callable[[Any], str] = str
    where: tuple[Where, ...] = ("engine", "server")
    always: bool = False
    """Whether an engine has it also for the switch's default."""
    rivals: tuple[str, ...] = ()
    """Variables of a user's shell that would decide in its stead."""


@dataclass(frozen=True)
class Argument:
    """An argument of vLLM's engine."""

    name: str
    convert: Callable[[Any], Any] = _as_it_is
    always: bool = False
    """Whether it is given also for the switch's default."""


@dataclass(frozen=True)
class Flag:
    """An option of `vllm serve`: with a value, or alone for one value of the switch."""

    name: str
    text: Callable[[Any], str] = str
    always: bool = False
    """Whether it is given also for the switch's default."""
    alone_for: Any = None
    """The value that it stands for, where it takes none itself."""
    negation: str = ""
    """What turns it off, where a server turns it on by itself for last-token pooling."""

    def words(self, value: Any, default: Any, pooling: str) -> list[str]:
        """Return what the command says for `value` of a model with such `pooling`."""
        if self.alone_for is not None:
            if value == self.alone_for:
                return [self.name]
            return [self.negation] if self.negation and pooling == "last" else []
        return [self.name, self.text(value)] if self.always or value != default else []


@dataclass(frozen=True)
class Switch:
    """One thing that can be set: how it is written, explained, applied, refused and proved.

    A switch is applied by `env`, `engine_arg` or, where the engine needs code, a function of its
    key in `vllm_adapter.apply`; it is read back by `read_back` or a function of its key in
    `vllm_adapter.read_back`.
    """

    key: str
    default: Any
    """The value that a setting has when nothing was asked."""
    help: str
    choices: tuple[str, ...] = ()
    """The values it can take; none for a whole number, or a text that `read` takes."""
    aliases: Mapping[str, str] | None = None
    short_label: str = "{}"
    """What a setting is called by a value that is not the default."""
    read: Callable[[str], Any] | None = None
    """What a text that is neither is; raises InputError for what cannot be read."""

    devices: tuple[Device, ...] = ("cpu", "cuda")
    refusal: str = ""
    """Why it is refused on the devices that are not listed."""
    refuse: Callable[[SwitchValues, Device], str] = _nothing
    """Why a setting's value cannot be had on a listed device, as the end of a sentence."""
    refuse_model: Callable[[SwitchValues, Any], str] = _nothing
    """Why a model cannot follow it, told from vLLM's ModelConfig, as the end of a sentence."""

    env: tuple[Variable, ...] = ()
    engine_arg: Argument | None = None
    serve_flag: Flag | None = None
    per_request: bool = False
    """Whether it goes with each request, and not to what is started."""
    what_if: bool = False
    """Whether no server can be asked for it."""

    read_back: str = ""
    """Where the engine shows it, below vLLM's configuration."""
    fact: str = ""
    """What it is called among what is in force, if not by its key."""
    proved_on: tuple[Device, ...] = ("cpu", "cuda")
    """Where an engine fails unless what was asked for is in force."""
    unproved: str = ""
    """Why it cannot be proved on the other devices that obey it."""

    hides_layers: str = ""
    """Why layers cannot be looked into with another value than the default."""
    cost: Callable[[Any, Device], int] = _costs_nothing
    """What a value is expected to cost, before anything is measured; orders settings only."""

    @property
    def is_for_servers_alone(self) -> bool:
        """Whether it says nothing to an engine of this machine."""
        return self.devices == ("server",)

    def parse(self, text: str) -> Any:
        """Return the value that `text` names.

        Raises:
            InputError: if it names none.
        """
        value = text.strip().lower()
        if self.read is not None:
            return self.default if value == "auto" else self.read(text.strip())
        value = (self.aliases or {}).get(value, value)
        if not self.choices:
            if value == "auto":
                return self.default
            if not value.isascii() or not value.isdecimal() or int(value) < 1:
                raise InputError(
                    f"{self.key}={printable(text)}: give a whole number from 1 up, or auto"
                )
            return int(value)
        if value not in self.choices:
            raise InputError(
                f"unknown {self.key} '{printable(text)}'{suggest(value, self.choices)}: "
                f"give one of {', '.join(self.choices)}"
            )
        return value == "on" if self.choices == ON_OFF else value

    def show(self, value: Any) -> str:
        """Return the text that `parse` would turn into `value`."""
        if self.choices == ON_OFF:
            return "on" if value else "off"
        return "auto" if value is None else str(value)
