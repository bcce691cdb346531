"""Choices made into a plan: one way for models on this machine and for servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from embedtui.common.address import Address, is_address
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.engine.access import Access
from embedtui.engine.settings import Setting, device_of, expected_cost, refuse_impossible
from embedtui.plan.choices import Choices, settings_of
from embedtui.plan.options import CHOSEN, model_kind
from embedtui.plan.server_sides import prompt_text_for_server, split_servers

if TYPE_CHECKING:
    from embedtui import models
    from embedtui.plan.plan import Plan
    from embedtui.texts import TextPack

_TOKENIZER_OF_MADE = "minilm"


def plan_of(
    choices: Choices, tell: Callable[[str], None], access: Access | None = None
) -> tuple[Plan, int | None]:
    """Find the model, read the texts and return the plan, and the bytes of the loaded weights.

    `tell` hears what takes long: a model that is not here is asked of the hub, or made where its
    name is that of a shape, and a server is asked for its models. What cannot be run is refused
    before anything is downloaded. `access` is how a server is asked.

    Raises:
        InputError: if model, texts or a setting cannot be had; the message says what to give.
        ServerError: if the server does not answer.
    """
    # The screen stands before any of this is imported.
    from embedtui import models  # noqa: PLC0415
    from embedtui.plan.plan import Plan  # noqa: PLC0415

    _refuse_unusable(choices)
    address = Address.parse(choices.model) if is_address(choices.model) else None
    info = _model_here(choices)
    _able(_settings(choices, info), skip=bool(choices.sweep))
    pack = _texts(choices)
    info = None if info is None else _brought(info, tell)
    prompt, query_prompt = _prompts(choices, info, labelled=pack.labels is not None)
    settings, skipped = _able(_settings(choices, info), skip=bool(choices.sweep))
    _refuse_layers_of_servers(choices, settings)
    model, name, longest = _served(address, access or Access(), tell)
    settings = tuple(replace(one, model=model) if one.is_server else one for one in settings)
    if info is not None:
        longest = info.max_length
    folder = None if info is None else info.folder
    prompted = bool(choices.prompt or prompt) or query_prompt is not None
    for line in [f"{info.name}: {one}" for one in info.differs] if info else []:
        tell(line)
    plan = Plan(
        model=model if info is None or address is not None else info.ref,
        model_name=name if info is None or address is not None else info.name,
        model_hash=None if folder is None else models.model_hash(folder),
        settings=settings,
        batch_sizes=tuple(sorted({1, *choices.batch_sizes})),
        pack=pack,
        reference=choices.reference and info is not None,
        repeats=choices.repeats,
        shuffles=choices.shuffles,
        restarts=choices.restarts,
        too_long=choices.too_long,
        prompt=prompt,
        query_prompt=query_prompt,
        sweep=choices.sweep,
        skipped=skipped,
        max_length=longest,
        against="" if folder is None or address is None else str(folder),
        default_prompt=_default_prompt(info, other=prompted),
        similarity="" if info is None else info.similarity,
        differs=() if info is None else info.differs,
        layers=choices.layers,
        layers_under=choices.layers_under,
        random_weights=(info is not None and info.random) or models.has_random_name(name),
    )
    return plan, None if info is None else loaded_bytes(info, settings)


def _default_prompt(info: models.ModelInfo | None, *, other: bool) -> str:
    """Return what the model's files put before texts where no `other` prompt is chosen."""
    if info is None or other:
        return ""
    return info.prompts.get(info.default_prompt, "")


def _texts(choices: Choices) -> TextPack:
    from embedtui.texts import load_texts  # noqa: PLC0415 - as above

    return load_texts(
        choices.texts,
        column=choices.column,
        id_column=choices.id_column,
        limit=choices.limit,
        join=choices.join,
        seed=choices.seed,
    )


def _prompts(
    choices: Choices, info: models.ModelInfo | None, *, labelled: bool
) -> tuple[str, str | None]:
    """Return what to put before every text, and before queries where those have another."""
    from embedtui import models  # noqa: PLC0415 - as above

    if info is None:
        return prompt_text_for_server(choices.prompt), None
    return models.prompts_for(info, choices.prompt, labelled=labelled)


def _refuse_layers_of_servers(choices: Choices, settings: Sequence[Setting]) -> None:
    if choices.layers and all(one.is_server for one in settings):
        raise InputError(
            "--layers: no setting of a model on this machine is asked for: give --dtype"
        )


def _refuse_unusable(choices: Choices) -> None:
    """Refuse what the chosen kind of model cannot use.

    Raises:
        InputError: naming the option and the reason.
    """
    if choices.seed and choices.limit is None:
        raise InputError("--seed: it draws the texts of --limit; give that too, or leave it out")
    kind, usual = model_kind(choices), Choices()
    for option in CHOSEN:
        value = getattr(choices, option.name)
        asked = value not in (option.off, getattr(usual, option.name))
        if asked and kind not in option.models:
            raise InputError(f"{option.written}: {option.reason}; leave it out")


def _model_here(choices: Choices) -> models.ModelInfo | None:
    """Return the model on this machine that is measured, or that a server is held against."""
    from embedtui import models  # noqa: PLC0415 - as above

    ref = choices.against if is_address(choices.model) else choices.model
    if not ref and is_address(choices.model):
        return None
    info = models.resolve(ref)
    models.require_embeddable(info)
    if info.folder is not None:
        models.prompt_text(info, choices.prompt)
    return info


def _brought(info: models.ModelInfo, tell: Callable[[str], None]) -> models.ModelInfo:
    """Return a model that can be loaded, brought here where it was not."""
    from embedtui import models  # noqa: PLC0415 - as above

    if info.folder is None:
        info = _fetched(info, tell)
        models.require_embeddable(info)
    assert info.folder is not None
    return info


def _fetched(info: models.ModelInfo, tell: Callable[[str], None]) -> models.ModelInfo:
    """Return a model that was not here, downloaded, or made where its name tells its shape."""
    from embedtui import models  # noqa: PLC0415 - as above

    shape = models.shape_of(info.ref)
    if shape is not None:
        tell(f"making {info.ref}: random weights")
        return models.make(shape, models.resolve(_TOKENIZER_OF_MADE))
    tell(f"asking the hub for {printable(info.ref)}")
    return models.fetch(info)


def _settings(choices: Choices, info: models.ModelInfo | None) -> tuple[Setting, ...]:
    """Return every setting that was chosen, those of a server first."""
    here = "" if info is None else str(info.folder or info.hub_id)
    if not is_address(choices.model):
        return settings_of(here, choices.chosen)
    sides = split_servers(choices.chosen, against=info is not None)
    address = str(Address.parse(choices.model))
    return (*settings_of(address, sides.server), *settings_of(here, sides.local))


def _served(
    address: Address | None, access: Access, tell: Callable[[str], None]
) -> tuple[str, str, int | None]:
    """Return a server's address with its model's name, the name, and its longest text in tokens."""
    if address is None:
        return "", "", None
    from embedtui.engine.remote.choose_model import choose  # noqa: PLC0415 - as above

    if (withheld := access.withheld(address)) is not None:
        tell(withheld)
    tell(f"asking {address.base} for its models")
    named, longest = choose(address, access)
    return str(named), named.model, longest


def _able(
    settings: Sequence[Setting], *, skip: bool
) -> tuple[tuple[Setting, ...], tuple[tuple[str, str], ...]]:
    """Return the settings that can be had, the cheapest first where any may be left out.

    Beside them the label and the reason of each that cannot.
    """
    devices = {one.is_server: device_of(one) for one in settings}
    able, skipped = [], []
    for setting in settings:
        try:
            refuse_impossible(setting, devices[setting.is_server])
        except InputError as error:
            if not skip:
                raise
            skipped.append((setting.label, str(error)))
        else:
            able.append(setting)
    if not able:
        raise InputError(f"none of the settings can be had here, the first because {skipped[0][1]}")
    if skip:
        able.sort(key=lambda setting: expected_cost(setting, devices[setting.is_server]))
    return tuple(able), tuple(skipped)


def loaded_bytes(info: models.ModelInfo, settings: tuple[Setting, ...]) -> int | None:
    """Return the bytes of the weights in the widest dtype that the plan loads them in."""
    if info.parameters is None:
        return info.bytes_on_disk
    return info.parameters * (4 if any(s.dtype == "float32" for s in settings) else 2)
