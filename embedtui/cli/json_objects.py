"""The JSON objects that commands print, field by field; `make docs` writes docs/json.md of them.

The reports of runs, sweeps and checks are in `embedtui.report.report_types` and its neighbours.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from embedtui.report.report_types import DiagnosisReport, SkippedReport, VerdictsReport
from embedtui.report.report_types_figures import DistributionReport
from embedtui.report.report_types_retrieval import ListsReport
from embedtui.storage.check_history import Row
from embedtui.storage.repeated_checks import Together


class Pack(TypedDict):
    """A text pack that comes with embedtui."""

    name: Annotated[str, "what `--texts` takes"]
    texts: Annotated[int, "how many it has"]
    description: Annotated[str, "what it is for"]


class Texts(TypedDict):
    """`embedtui list texts`."""

    schema: Annotated[str, "`embedtui.texts/1`"]
    packs: Annotated[list[Pack], "every pack"]


class SwitchObject(TypedDict):
    """A switch of a setting."""

    key: Annotated[str, "what `--setting` takes"]
    values: Annotated[list[str], "what it can be; empty for a whole number or auto"]
    default: Annotated[str, "the value that nothing changes"]
    devices: Annotated[list[str], "what obeys it: cpu, cuda, server"]
    help: Annotated[str, "what it does"]


class BundleObject(TypedDict):
    """Settings by name."""

    name: Annotated[str, "what `--bundle` takes"]
    help: Annotated[str, "what they are for"]


class Settings(TypedDict):
    """`embedtui list settings`."""

    schema: Annotated[str, "`embedtui.settings/1`"]
    switches: Annotated[list[SwitchObject], "every switch"]
    bundles: Annotated[list[BundleObject], "every bundle"]


class ScenarioObject(TypedDict):
    """A use of embeddings."""

    key: Annotated[str, "what `--scenario` takes"]
    name: Annotated[str, "its name for people"]
    short: Annotated[str, "its name where there is little room"]
    metric: Annotated[str, "l2, cosine or max_abs"]
    tolerance: Annotated[float, "the largest drift that it bears; 0 asks for equal bits"]
    limit: Annotated[str, "the tolerance in words"]
    reason: Annotated[str, "why it bears that much"]
    source: Annotated[str, "where the tolerance comes from"]
    situation: Annotated[str, "what its vectors meet, unless `--situation` says otherwise"]


class Scenarios(TypedDict):
    """`embedtui list scenarios`."""

    schema: Annotated[str, "`embedtui.scenarios/1`"]
    scenarios: Annotated[list[ScenarioObject], "embedtui's own and the user's"]
    problems: Annotated[list[str], "what is wrong with the user's own"]


class ThemeObject(TypedDict):
    """Colours of the explorer."""

    name: Annotated[str, "what `--theme` takes"]
    description: Annotated[str, "how it looks"]
    mode: Annotated[str, "dark, light or ANSI"]
    yours: Annotated[bool, "whether it is a file of the user's"]


class Themes(TypedDict):
    """`embedtui list themes`."""

    schema: Annotated[str, "`embedtui.themes/1`"]
    themes: Annotated[list[ThemeObject], "embedtui's own and the user's"]


class DoctorCheck(TypedDict):
    """One thing that was looked at."""

    name: Annotated[str, "what it is"]
    found: Annotated[str, "what was found"]
    ok: Annotated[bool, "whether it is as it has to be"]
    fix: Annotated[str, "what to do, where something is to be done"]


class Doctor(TypedDict):
    """`embedtui doctor`."""

    schema: Annotated[str, "`embedtui.doctor/1`"]
    checks: Annotated[list[DoctorCheck], "everything that was looked at"]


class RunObject(TypedDict):
    """A run file, by what it says of itself."""

    name: Annotated[str, "what `embedtui open` takes"]
    path: Annotated[str, "the file"]
    model: Annotated[str, "the model's name for people"]
    texts: Annotated[str, "how many, and what they are"]
    settings: Annotated[int, "how many it has"]
    where: Annotated[str, "when it was recorded, on what, and with which vLLM"]
    status: Annotated[str, "how it ended, as in a report"]


class Runs(TypedDict):
    """`embedtui open` without a name."""

    schema: Annotated[str, "`embedtui.runs/1`"]
    recordings: Annotated[list[RunObject], "those that come with embedtui"]
    own: Annotated[list[RunObject], "those in the data folder, the newest first"]


class ModelObject(TypedDict):
    """A model of this machine; null is what its files do not say."""

    ref: Annotated[str, "what finds it: alias, hub id or folder"]
    name: Annotated[str, "its name for people"]
    architecture: Annotated[str | None, "the class that its files name"]
    layers: Annotated[int | None, "how many it has"]
    width: Annotated[int | None, "length of its vectors"]
    pooling: Annotated[str | None, "how one vector is made of those of the tokens"]
    pooling_source: Annotated[str | None, "where that is said"]
    parameters: Annotated[int | None, "how many it has"]
    dtype: Annotated[str | None, "what its weights are stored in"]
    bytes_on_disk: Annotated[int | None, "size of its weights"]
    max_length: Annotated[int | None, "tokens that it has positions for"]
    random: Annotated[bool, "whether its weights are random"]
    prompts: Annotated[dict[str, str], "texts to put before every text, by name"]
    default_prompt: Annotated[str, "the prompt that its own pipeline puts before every text"]
    similarity: Annotated[str, "what its files score by; empty where cosines do as well"]
    differs: Annotated[list[str], "what vLLM will make otherwise than its files ask"]
    embeds: Annotated[str, "whether the installed vLLM embeds with it: yes, no, unknown"]
    reason: Annotated[str, "why, where it does not"]


class Model(TypedDict):
    """`embedtui make-model`."""

    schema: Annotated[str, "`embedtui.model/1`"]
    model: Annotated[ModelObject, "what was made"]


class Models(TypedDict):
    """`embedtui list models`."""

    schema: Annotated[str, "`embedtui.models/1`"]
    models: Annotated[list[ModelObject], "every model that was found"]


class ConfigPath(TypedDict):
    """`embedtui config path`."""

    schema: Annotated[str, "`embedtui.config-path/1`"]
    path: Annotated[str, "where the config file is, whether it exists or not"]
    exists: Annotated[bool, "whether there is one"]


class ConfigObject(TypedDict):
    """`embedtui config show`: the keys of the config file, explained as it explains them."""

    schema: Annotated[str, "`embedtui.config/1`"]
    theme: str
    refresh: float
    slow_link: str
    ascii: bool
    scenario: str
    situation: str
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
    reference: bool
    prompt: str
    against: str
    too_long: str
    settings: Annotated[dict[str, list[str]], "values to try, by switch"]
    keys: Annotated[dict[str, str], "keys, by action"]


class ChangeObject(TypedDict):
    """One setting that both runs have."""

    label: Annotated[str, "the setting"]
    texts: Annotated[int, "texts that both runs have"]
    identical: Annotated[int, "texts whose vectors are equal bit for bit"]
    l2_max: Annotated[float, "the largest L2 between the two"]
    diagnosis: Annotated[DiagnosisReport, "what moved them"]


class Changes(TypedDict):
    """`embedtui compare`."""

    schema: Annotated[str, "`embedtui.changes/1`"]
    settings: Annotated[list[ChangeObject], "every setting that both runs have"]


class SideObject(TypedDict):
    """A setting of a run, and the batch size of its vectors."""

    setting: Annotated[str, "its label"]
    batch_size: Annotated[int, "in batches of how many texts its vectors were made"]


class Pair(TypedDict):
    """An index of one setting, asked by another."""

    index: Annotated[SideObject, "what embedded the documents"]
    queries: Annotated[SideObject, "what embedded the queries"]
    drift: Annotated[
        DistributionReport, "how far the queries' vectors are from those of the index's own setting"
    ]
    against_index: Annotated[ListsReport, "lists against those that the index's own setting finds"]
    against_queries: Annotated[ListsReport, "lists against those within the queries' own setting"]


class Mix(TypedDict):
    """`embedtui compare` of settings."""

    schema: Annotated[str, "`embedtui.mix/1`"]
    pairs: Annotated[list[Pair], "every pair that was asked for"]


class FormatsOf(SideObject):
    """The vectors that formats store and send."""

    why: Annotated[str, "why these, for a person; do not parse it"]


class StorageRow(TypedDict):
    """One way to compute, store or send vectors."""

    name: Annotated[str, "what it is"]
    kind: Annotated[str, "drift, storage, dimensions or wire"]
    setting: Annotated[str, "the setting whose vectors they are"]
    batch_size: Annotated[int, "in batches of how many texts they were made; 1 for each alone"]
    order: Annotated[str, "of the texts: `first` or `shuffle-1` …, of drift the one that is worst"]
    bytes_per_vector: Annotated[float | None, "size of a vector; null where it is not stored"]
    distances: Annotated[DistributionReport, "how far it moves vectors"]
    retrieval: Annotated[ListsReport | None, "what it does to lists; null where there are none"]


class Storage(TypedDict):
    """`embedtui storage`."""

    schema: Annotated[str, "`embedtui.storage/1`"]
    formats_of: Annotated[FormatsOf, "the vectors that formats store and send"]
    rows: Annotated[list[StorageRow], "every way, by size"]


class StepObject(TypedDict):
    """A setting that was measured, at some batch sizes."""

    label: Annotated[str, "the setting"]
    batch_sizes: Annotated[list[int], "those that were measured"]
    texts_per_second: Annotated[
        float | None, "the fastest batch size; null where nothing was measured"
    ]
    verdicts: Annotated[VerdictsReport, "whether the use bears it, as in a report"]


class Advice(TypedDict):
    """`embedtui run --advise`."""

    schema: Annotated[str, "`embedtui.advice/2`"]
    scenario: Annotated[str, "the use"]
    limit: Annotated[str, "the drift that it bears"]
    recommended: Annotated[dict[str, Any] | None, "every switch of the setting; null for none"]
    serve: Annotated[str, "what to serve, in words"]
    command: Annotated[str, "what starts vLLM's server with it; empty for none"]
    cells: Annotated[int, "cells of the grid that were measured"]
    grid: Annotated[int, "cells of the whole grid"]
    steps: Annotated[list[StepObject], "every setting that was tried, in order"]
    skipped: Annotated[list[SkippedReport], "settings that cannot be had"]


class History(TypedDict):
    """`embedtui check --history`."""

    schema: Annotated[str, "`embedtui.history/1`"]
    checks: Annotated[list[Row], "every setting of every check, the oldest first"]
    together: Annotated[list[Together], "what two or more checks of the same thing claim"]


OBJECTS: dict[str, type] = {
    "texts/1": Texts,
    "settings/1": Settings,
    "scenarios/1": Scenarios,
    "themes/1": Themes,
    "doctor/1": Doctor,
    "runs/1": Runs,
    "model/1": Model,
    "models/1": Models,
    "config-path/1": ConfigPath,
    "config/1": ConfigObject,
    "changes/1": Changes,
    "mix/1": Mix,
    "storage/1": Storage,
    "advice/2": Advice,
    "history/1": History,
}
"""By what follows `embedtui.` in `schema`."""
