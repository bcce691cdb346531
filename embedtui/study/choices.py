"""What a person chooses, made into a plan: the same way for a command and for the explorer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedtui.address import is_address
from embedtui.engine.endpoint.access import Access
from embedtui.engine.messages import TooLong
from embedtui.engine.settings import Setting, combine, expected_cost, refuse_impossible
from embedtui.errors import InputError
from embedtui.printable import printable
from embedtui.study.servers import server_plan

if TYPE_CHECKING:
    from embedtui import models
    from embedtui.machine import Device
    from embedtui.study.plan import Plan

_TOKENIZER_OF_MADE = "minilm"

Chosen = Mapping[str, Sequence[Any]]
"""The values to try for each switch; every combination of them is a setting."""


@dataclass(frozen=True)
class Choices:
    """Model, texts and settings as they were named."""

    model: str = "minilm"
    texts: str = "passages"
    column: str | None = None
    id_column: str | None = None
    limit: int | None = None
    join: int = 1
    """How many texts of the pack are put together to one: long texts out of any."""
    chosen: tuple[Chosen, ...] = field(
        default_factory=lambda: ({"dtype": ["bfloat16", "float16", "float32"]},)
    )
    """Each gives a setting for every combination of its values."""
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    repeats: int = 1
    shuffles: int = 2
    restarts: int = 0
    truth: bool = True
    too_long: TooLong = "truncate"
    prompt: str = ""
    """The name of one of the model's own prompts, or a text to put before every input."""
    layers: int = 0
    """How many texts are looked into layer by layer."""
    layers_under: float | None = None
    """The error that the fewest layers in float32 are to bring them under; None for half."""
    sweep: str = ""
    """The sweep that asks; in one, settings that cannot be had are left out with their reason."""
    against: str = ""
    """The model on this machine that a server is held against."""


def settings_of(name: str, chosen: Sequence[Chosen]) -> tuple[Setting, ...]:
    """Return every combination of the chosen values once, in the order in which they were given."""
    found = (setting for values in chosen for setting in combine(name, values))
    return tuple(dict.fromkeys(found))


def plan_of(
    choices: Choices, tell: Callable[[str], None], access: Access | None = None
) -> tuple[Plan, int | None]:
    """Find the model, read the texts and return the plan, and the bytes of the loaded weights.

    `tell` hears what takes long: a model that is not here is asked of the hub, or made where its
    name is that of a shape. What cannot be run is refused before anything is downloaded. `access`
    is how a server is asked, where the model is the address of one.

    Raises:
        InputError: if model, texts or a setting cannot be had; the message says what to give.
    """
    if is_address(choices.model):
        return server_plan(choices, tell, access or Access())
    if choices.against:
        raise InputError("--against is for servers: give the address of one as the model")
    # The screen stands before any of this is imported.
    from embedtui import machine, models  # noqa: PLC0415
    from embedtui.study.plan import plan_for  # noqa: PLC0415
    from embedtui.texts import load_texts  # noqa: PLC0415

    info = models.resolve(choices.model)
    models.require_embeddable(info)
    if info.folder is not None:
        models.prompt_text(info, choices.prompt)
    device = machine.engine_device()
    _able(_settings(info, choices.chosen), device, skip=bool(choices.sweep))
    pack = load_texts(
        choices.texts,
        column=choices.column,
        id_column=choices.id_column,
        limit=choices.limit,
        join=choices.join,
    )
    if info.folder is None:
        info = brought(info, tell)
        models.require_embeddable(info)
    prompt, query_prompt = models.prompts_for(
        info, choices.prompt, labelled=pack.labels is not None
    )
    assert info.folder is not None
    settings, skipped = _able(_settings(info, choices.chosen), device, skip=bool(choices.sweep))
    plan = plan_for(
        info,
        models.model_hash(info.folder),
        settings,
        choices.batch_sizes,
        pack,
        truth=choices.truth,
        repeats=choices.repeats,
        shuffles=choices.shuffles,
        restarts=choices.restarts,
        too_long=choices.too_long,
        prompt=prompt,
        query_prompt=query_prompt,
        sweep=choices.sweep,
        skipped=skipped,
        layers=choices.layers,
        layers_under=choices.layers_under,
    )
    return plan, loaded_bytes(info, settings)


def brought(info: models.ModelInfo, tell: Callable[[str], None]) -> models.ModelInfo:
    """Return a model that was not here, downloaded, or made where its name tells its shape."""
    from embedtui import models  # noqa: PLC0415 - as above

    shape = models.shape_of(info.ref)
    if shape is not None:
        tell(f"making {info.ref}: random weights")
        return models.make(shape, models.resolve(_TOKENIZER_OF_MADE))
    tell(f"asking the hub for {printable(info.ref)}")
    return models.fetch(info)


def _settings(info: models.ModelInfo, chosen: Sequence[Chosen]) -> tuple[Setting, ...]:
    return settings_of(str(info.folder or info.hub_id), chosen)


def _able(
    settings: Sequence[Setting], device: Device, *, skip: bool
) -> tuple[tuple[Setting, ...], tuple[tuple[str, str], ...]]:
    """Return the settings that can be had, the cheapest first where any may be left out.

    Beside them the label and the reason of each that cannot.
    """
    able, skipped = [], []
    for setting in settings:
        try:
            refuse_impossible(setting, device)
        except InputError as error:
            if not skip:
                raise
            skipped.append((setting.label, str(error)))
        else:
            able.append(setting)
    if not able:
        raise InputError(f"none of the settings can be had here, the first because {skipped[0][1]}")
    if skip:
        able.sort(key=lambda setting: expected_cost(setting, device))
    return tuple(able), tuple(skipped)


def loaded_bytes(info: models.ModelInfo, settings: tuple[Setting, ...]) -> int | None:
    """Return the bytes of the weights in the widest dtype that the plan loads them in."""
    if info.parameters is None:
        return info.bytes_on_disk
    return info.parameters * (4 if any(s.dtype == "float32" for s in settings) else 2)
