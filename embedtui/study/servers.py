"""A server, chosen by its address, made into a plan: alone, or held against a model here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from embedtui.address import Address, is_address
from embedtui.engine.endpoint.access import Access
from embedtui.engine.settings import SWITCHES, Setting, combine, device_of, refuse_impossible
from embedtui.errors import InputError

if TYPE_CHECKING:
    from embedtui.models import ModelInfo
    from embedtui.study.choices import Choices
    from embedtui.study.plan import Plan

SERVER_SWITCHES = tuple(switch.key for switch in SWITCHES if "server" in switch.devices)
_HERE = tuple(switch.key for switch in SWITCHES if switch.devices != ("server",))
_BOTH_WAYS: Mapping[str, Sequence[Any]] = {"requests": ["list", "concurrent"]}
"""What is measured where nothing else was asked: lists, and what arrives together."""


def fitting(choices: Choices) -> Choices:
    """Return the choices without what the chosen model cannot follow.

    Where all switches lie side by side, as in the explorer, those of engines stay chosen while a
    server is measured, and the other way round.
    """
    server = is_address(choices.model)
    keys = SERVER_SWITCHES if server else _HERE
    chosen = tuple({k: v for k, v in one.items() if k in keys} for one in choices.chosen)
    if not server:
        return replace(choices, chosen=chosen, against="")
    return replace(
        choices,
        chosen=tuple(_with_ways(one) for one in chosen),
        restarts=0,
        truth=choices.truth and bool(choices.against),
    )


@dataclass(frozen=True)
class Sides:
    """Settings of a server, and of engines on this machine that it is held against."""

    server: tuple[Mapping[str, Sequence[Any]], ...]
    local: tuple[Mapping[str, Sequence[Any]], ...]


def sides_of(chosen: Sequence[Mapping[str, Sequence[Any]]], *, against: bool) -> Sides:
    """Tell switches of a server from those of engines here.

    Without a model to hold it `against`, everything is asked of the server, which refuses what it
    cannot follow.
    """
    if not against:
        given = [dict(values) for values in chosen if values]
        return Sides(tuple(_with_ways(one) for one in given) or (_BOTH_WAYS,), ())
    server = [{k: v for k, v in one.items() if k in SERVER_SWITCHES} for one in chosen]
    local = [{k: v for k, v in one.items() if k not in SERVER_SWITCHES} for one in chosen]
    return Sides(
        tuple(_with_ways(one) for one in server if one) or (_BOTH_WAYS,),
        tuple(one for one in local if one),
    )


def server_plan(
    choices: Choices, tell: Callable[[str], None], access: Access
) -> tuple[Plan, int | None]:
    """Return the plan of a server, and the bytes of the weights that are loaded here, if any.

    Raises:
        ServerError: if the server does not answer.
        InputError: if something that was chosen cannot be had.
    """
    from embedtui import models  # noqa: PLC0415 - the screen stands before this is imported
    from embedtui.engine.endpoint.choose import choose  # noqa: PLC0415
    from embedtui.study import choices as choosing  # noqa: PLC0415
    from embedtui.study.plan import Plan  # noqa: PLC0415
    from embedtui.texts import load_texts  # noqa: PLC0415

    address = Address.parse(choices.model)
    if choices.restarts:
        raise InputError("a server cannot be started anew from here: leave --restarts out")
    info = _against(choices, tell)
    sides = sides_of(choices.chosen, against=info is not None)
    pack = load_texts(
        choices.texts,
        column=choices.column,
        id_column=choices.id_column,
        limit=choices.limit,
        join=choices.join,
    )
    labelled = pack.labels is not None
    prompt, query_prompt = (
        (_prompt(choices.prompt), None)
        if info is None
        else models.prompts_for(info, choices.prompt, labelled=labelled)
    )
    settings = _settings(str(address), sides.server)
    if info is not None:
        settings = (*settings, *_settings(str(info.folder), sides.local))
    for setting in settings:
        refuse_impossible(setting, device_of(setting))
    if (withheld := access.withheld(address)) is not None:
        tell(withheld)
    tell(f"asking {address.base} for its models")
    named, longest = choose(address, access)
    settings = tuple(_named(setting, str(named)) for setting in settings)
    plan = Plan(
        model=str(named),
        model_name=named.model,
        model_hash=None if info is None or info.folder is None else models.model_hash(info.folder),
        settings=settings,
        batch_sizes=tuple(sorted({1, *choices.batch_sizes})),
        pack=pack,
        truth=choices.truth and info is not None,
        repeats=choices.repeats,
        shuffles=choices.shuffles,
        too_long=choices.too_long,
        prompt=prompt,
        query_prompt=query_prompt,
        layers=choices.layers,
        layers_under=choices.layers_under,
        max_length=info.max_length if info is not None else longest,
        against="" if info is None else str(info.folder),
    )
    return plan, None if info is None else choosing.loaded_bytes(info, settings)


def _against(choices: Choices, tell: Callable[[str], None]) -> ModelInfo | None:
    """Return the model that the server is held against, brought here where it was not."""
    from embedtui import models  # noqa: PLC0415 - as above
    from embedtui.study import choices as choosing  # noqa: PLC0415

    if not choices.against:
        return None
    info = models.resolve(choices.against)
    models.require_embeddable(info)
    if info.folder is None:
        info = choosing.brought(info, tell)
        models.require_embeddable(info)
    return info


def _with_ways(chosen: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    return chosen if "requests" in chosen else {**_BOTH_WAYS, **chosen}


def _settings(model: str, chosen: Sequence[Mapping[str, Sequence[Any]]]) -> tuple[Setting, ...]:
    return tuple(dict.fromkeys(one for values in chosen for one in combine(model, values)))


def _named(setting: Setting, address: str) -> Setting:
    return replace(setting, model=address) if setting.is_server else setting


def _prompt(asked: str) -> str:
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
