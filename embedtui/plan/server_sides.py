"""Switches of a server told from those of engines on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embedtui.common.address import is_address
from embedtui.common.errors import InputError
from embedtui.engine.settings import SWITCHES
from embedtui.plan.choices import Choices
from embedtui.plan.options import usable

SERVER_SWITCHES = tuple(switch.key for switch in SWITCHES if "server" in switch.devices)
_HERE = tuple(switch.key for switch in SWITCHES if not switch.is_for_servers_alone)
_BOTH_WAYS: Mapping[str, Sequence[Any]] = {"requests": ["list", "concurrent"]}
"""What is measured where nothing else was asked: lists, and what arrives together."""


def applicable(choices: Choices) -> Choices:
    """Return the choices without what the chosen model cannot follow.

    Where all switches lie side by side, as in the explorer, those of engines stay chosen while a
    server is measured, and the other way round.
    """
    server = is_address(choices.model)
    keys = SERVER_SWITCHES if server else _HERE
    chosen = [{k: v for k, v in one.items() if k in keys} for one in choices.chosen]
    if server:
        chosen = [dict(_with_ways(one)) for one in chosen]
    return replace(usable(choices), chosen=tuple(chosen))


@dataclass(frozen=True)
class ServerSplit:
    """Settings of a server, and of engines on this machine that it is held against."""

    server: tuple[Mapping[str, Sequence[Any]], ...]
    local: tuple[Mapping[str, Sequence[Any]], ...]


def split_servers(chosen: Sequence[Mapping[str, Sequence[Any]]], *, against: bool) -> ServerSplit:
    """Tell switches of a server from those of engines here.

    Without a model to hold it `against`, everything is asked of the server, which refuses what it
    cannot follow.
    """
    if not against:
        given = [dict(values) for values in chosen if values]
        return ServerSplit(tuple(_with_ways(one) for one in given) or (_BOTH_WAYS,), ())
    server = [{k: v for k, v in one.items() if k in SERVER_SWITCHES} for one in chosen]
    local = [{k: v for k, v in one.items() if k not in SERVER_SWITCHES} for one in chosen]
    return ServerSplit(
        tuple(_with_ways(one) for one in server if one) or (_BOTH_WAYS,),
        tuple(one for one in local if one),
    )


def _with_ways(chosen: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    return chosen if "requests" in chosen else {**_BOTH_WAYS, **chosen}


def prompt_text_for_server(asked: str) -> str:
    r"""Return the text to put before every input: which prompts a model has no server tells.

    Raises:
        InputError: for what looks like the name of one.
    """
    if not asked or any(mark in asked for mark in (" ", ":", "\n")):
        return asked.replace("\\n", "\n")
    raise InputError(
        "a server does not tell its model's prompts: give --prompt as a text, such as 'query: ', "
        "or --against the model's folder"
    )
