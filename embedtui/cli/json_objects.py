"""The JSON objects that commands print, field by field; docs/json.md is generated from these.

The reports of runs, sweeps and checks are larger and have pages of their own.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

Retrieval = Annotated[
    dict[str, Any] | None, "lists of neighbours, as `retrieval` in a run's report; null for none"
]
Distances = Annotated[dict[str, Any], "a distribution, as in a run's report"]


class Pack(TypedDict):
    """A text pack that comes with embedtui."""

    name: str
    texts: Annotated[int, "how many it has"]
    description: str


class Texts(TypedDict):
    """`embedtui texts`."""

    schema: str
    packs: list[Pack]


class SwitchObject(TypedDict):
    """A switch of a setting."""

    key: str
    values: Annotated[list[str], "what it can be; empty for a whole number or auto"]
    default: str
    devices: Annotated[list[str], "what obeys it: cpu, cuda, server"]
    help: str


class BundleObject(TypedDict):
    """Settings by name."""

    name: str
    help: str


class Settings(TypedDict):
    """`embedtui settings`."""

    schema: str
    switches: list[SwitchObject]
    bundles: list[BundleObject]


class ScenarioObject(TypedDict):
    """A use of embeddings."""

    key: str
    name: str
    short: str
    metric: Annotated[str, "l2, cosine or max_abs"]
    tolerance: Annotated[float, "the largest drift that it bears; 0 asks for equal bits"]
    limit: Annotated[str, "the tolerance in words"]
    reason: str
    source: str


class Scenarios(TypedDict):
    """`embedtui scenarios`."""

    schema: str
    scenarios: list[ScenarioObject]
    problems: Annotated[list[str], "what is wrong with the user's own"]


class ThemeObject(TypedDict):
    """Colours of the explorer."""

    name: str
    description: str
    mode: Annotated[str, "dark, light or ANSI"]
    yours: Annotated[bool, "whether it is a file of the user's"]


class Themes(TypedDict):
    """`embedtui themes`."""

    schema: str
    themes: list[ThemeObject]


class Looked(TypedDict):
    """One thing that was looked at."""

    name: str
    found: str
    ok: bool
    fix: Annotated[str, "what to do, where something is to be done"]


class Doctor(TypedDict):
    """`embedtui doctor`."""

    schema: str
    checks: list[Looked]


class RunObject(TypedDict):
    """A run file, by what it says of itself."""

    name: str
    path: str
    model: str
    texts: Annotated[str, "how many, and what they are"]
    settings: Annotated[int, "how many it has"]
    where: Annotated[str, "when it was recorded, on what, and with which vLLM"]
    status: str


class Runs(TypedDict):
    """`embedtui open` without a name."""

    schema: str
    recordings: Annotated[list[RunObject], "those that come with embedtui"]
    own: Annotated[list[RunObject], "those in the data folder, the newest first"]


class ModelObject(TypedDict):
    """A model of this machine; null is what its files do not say."""

    ref: Annotated[str, "what finds it: alias, hub id or folder"]
    name: str
    architecture: str | None
    layers: int | None
    width: int | None
    pooling: str | None
    pooling_source: str | None
    parameters: int | None
    dtype: str | None
    bytes_on_disk: int | None
    max_length: int | None
    random: Annotated[bool, "whether its weights are random"]
    prompts: dict[str, str]
    embeds: Annotated[str, "whether the installed vLLM embeds with it: yes, no, unknown"]
    reason: str


class Models(TypedDict):
    """`embedtui models`."""

    schema: str
    models: list[ModelObject]


class ConfigObject(TypedDict):
    """`embedtui config show`: the keys of the config file, which it explains."""

    schema: str
    theme: str
    refresh: float
    slow_link: str
    ascii: bool
    scenario: str
    metric: str
    model: str
    texts: str
    column: str
    id_column: str
    limit: int
    batch_sizes: str
    repeats: int
    shuffles: int
    restarts: int
    truth: bool
    prompt: str
    against: str
    too_long: str
    settings: Annotated[dict[str, list[str]], "values to try, by switch"]
    keys: Annotated[dict[str, str], "keys, by action"]


class Cause(TypedDict):
    """A cause and what speaks for it."""

    cause: Annotated[str, "a word for programs"]
    name: str
    seen: str
    why: str
    confidence: str
    do: str


class ChangeObject(TypedDict):
    """One setting that both runs have."""

    label: str
    texts: int
    identical: Annotated[int, "texts whose vectors are equal bit for bit"]
    l2_max: float
    diagnosis: Cause


class Changes(TypedDict):
    """`embedtui compare`."""

    schema: str
    settings: list[ChangeObject]


class SideObject(TypedDict):
    """A setting of a run, and the batch size of its vectors."""

    setting: str
    batch_size: int


class Pair(TypedDict):
    """An index of one setting, asked by another."""

    index: SideObject
    queries: SideObject
    drift: Distances
    against_index: Retrieval
    against_queries: Retrieval


class Mix(TypedDict):
    """`embedtui mix`."""

    schema: str
    pairs: list[Pair]


class StorageRow(TypedDict):
    """One way to compute, store or send vectors."""

    name: str
    kind: Annotated[str, "drift, storage, dimensions or wire"]
    bytes_per_vector: float | None
    distances: Distances
    retrieval: Retrieval


class Storage(TypedDict):
    """`embedtui storage`."""

    schema: str
    rows: list[StorageRow]


class StepObject(TypedDict):
    """A setting that was measured, at some batch sizes."""

    label: str
    batch_sizes: list[int]
    texts_per_second: float | None
    holds: bool | None
    worst: float | None
    metric: str


class SkippedObject(TypedDict):
    """A setting that cannot be had here."""

    label: str
    reason: str


class Advice(TypedDict):
    """`embedtui advise`."""

    schema: str
    scenario: str
    limit: str
    recommended: Annotated[dict[str, Any] | None, "every switch of the setting; null for none"]
    serve: str
    command: Annotated[str, "what starts vLLM's server with it; empty for none"]
    cells: Annotated[int, "cells of the grid that were measured"]
    grid: Annotated[int, "cells of the whole grid"]
    steps: list[StepObject]
    skipped: list[SkippedObject]


class CheckRow(TypedDict):
    """One setting of one check, as it was told then."""

    at: Annotated[str, "ISO 8601 with the offset from UTC"]
    model: str
    label: str
    texts: str
    texts_sha256: str
    use: str
    outcome: str
    said: str
    drift_l2: float | None
    noise_l2: float | None
    error_l2: float | None
    golden_l2: float | None
    golden_cause: str | None
    draws: int
    engine: str
    machine: str


class History(TypedDict):
    """`embedtui history`."""

    schema: str
    checks: list[CheckRow]


OBJECTS: dict[str, type] = {
    "texts": Texts,
    "settings": Settings,
    "scenarios": Scenarios,
    "themes": Themes,
    "doctor": Doctor,
    "runs": Runs,
    "models": Models,
    "config": ConfigObject,
    "changes": Changes,
    "mix": Mix,
    "storage": Storage,
    "advice": Advice,
    "history": History,
}
"""By the name in `schema`: `embedtui.NAME/1`."""
