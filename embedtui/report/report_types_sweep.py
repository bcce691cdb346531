"""The JSON objects of a sweep and of a check, as types; see `report_types`."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from embedtui.report.report_types import DiagnosisReport, RunReport, VerdictsReport


class LargestReport(TypedDict):
    """The distances of many pairs in three figures."""

    texts: Annotated[int, "pairs that could be compared"]
    identical: Annotated[int, "how many of them are equal in every bit"]
    l2_max: Annotated[float | None, "the largest L2; null where no pair could be compared"]


class ChangedListsReport(TypedDict):
    """What the worst batch size does to lists of neighbours."""

    batch_size: Annotated[int, "the one that changes most lists"]
    queries: Annotated[int, "queries that have lists on both sides"]
    top1_changed: Annotated[
        list[int], "queries whose nearest document is another: for certain, and at worst"
    ]
    order_changed: Annotated[list[int], "likewise with another order among the first k"]


class RowReport(TypedDict):
    """One setting of one model."""

    model: Annotated[str, "its name for people"]
    texts: Annotated[str, "how many of what"]
    label: Annotated[str, "the setting"]
    short_label: Annotated[str, "the label in fewer words"]
    status: Annotated[str, "as in a report"]
    fault: Annotated[str, "what makes its distances meaningless; empty for nothing"]
    dtype: Annotated[str | None, "the dtype that the weights are in"]
    drift: Annotated[
        dict[str, LargestReport],
        "by batch size; at the largest in all its `orders`, each text counted in each",
    ]
    orders: Annotated[int, "in how many orders the largest batches were tried"]
    noise_floor: Annotated[LargestReport | None, "the same batches run again"]
    precision_error: Annotated[LargestReport | None, "unbatched against float64"]
    retrieval: Annotated[ChangedListsReport | None, "what drift does to lists of neighbours"]
    texts_per_second: Annotated[float | None, "at `fastest_batch_size`"]
    fastest_batch_size: Annotated[int | None, "the batch size that gave the most"]
    memory_bytes: Annotated[int | None, "what the engine held when it was loaded"]


class NotMeasuredReport(TypedDict):
    """A setting that cannot be had."""

    model: Annotated[str, "its name for people"]
    label: Annotated[str, "the setting"]
    reason: Annotated[str, "why it cannot be had"]


class FrontReport(TypedDict):
    """A setting that no other beats in both distance and speed."""

    label: Annotated[str, "the setting"]
    texts_per_second: Annotated[float, "its speed"]
    l2_max: Annotated[float, "its distance"]
    times_slower: Annotated[float, "than the one before it"]
    times_nearer: Annotated[float | None, "likewise; null where nothing is left"]


class FrontsReport(TypedDict):
    """The settings that no other beats, the fastest first."""

    precision_error: Annotated[list[FrontReport], "in speed and precision error"]
    drift: Annotated[list[FrontReport], "in speed and batch drift"]


class ScenarioReport(TypedDict):
    """What holds for a use, of one model and its texts, and what to serve."""

    scenario: Annotated[str, "its key"]
    name: Annotated[str, "its name for people"]
    situation: Annotated[str, "what the vectors meet, and so which verdict decides"]
    model: Annotated[str, "the model that it is said of"]
    texts: Annotated[str, "the texts, likewise"]
    limit: Annotated[str, "the distance that it bears"]
    holds: Annotated[list[str], "labels of the settings that hold"]
    borderline: Annotated[list[str], "of those that another sample may turn round"]
    falls_short: Annotated[list[str], "of those that do not hold"]
    not_measured: Annotated[list[str], "of those of which the deciding verdict was not measured"]
    serve: Annotated[str, "a sentence for a person"]
    recommended: Annotated[str | None, "the cheapest that holds"]
    command: Annotated[str, "what to start it with; empty for nothing"]


class SweepReport(TypedDict):
    """One object over all models of a sweep."""

    schema: Annotated[str, "`embedtui.sweep/2`"]
    sweep: Annotated[str, "its name, or the plan file's"]
    batch_sizes: Annotated[list[int], "those of the grid"]
    rows: Annotated[list[RowReport], "one per model and setting that was measured"]
    skipped: Annotated[list[NotMeasuredReport], "settings that cannot be had"]
    pareto_front: Annotated[FrontsReport, "the settings that no other beats"]
    scenarios: Annotated[
        list[ScenarioReport], "for each use what holds, what fails, and what to serve"
    ]
    runs: Annotated[list[RunReport], "the report of each model, as above"]


class CheckedTextsReport(TypedDict):
    """The texts of a check."""

    name: Annotated[str, "the pack's name, or the file's"]
    count: Annotated[int, "how many"]
    sha256: Annotated[str, "SHA-256 over ids and texts in order"]


class GoldenReport(TypedDict):
    """Vectors of today against kept ones."""

    recorded: Annotated[str, "label of the setting in the golden file"]
    texts: Annotated[int, "vectors that both have"]
    identical: Annotated[int, "how many of them are equal in every bit"]
    worst: Annotated[float | None, "the largest distance in the scenario's metric"]
    l2_max: Annotated[float | None, "the largest L2"]
    holds: Annotated[bool, "whether the scenario bears that"]
    retrieval: Annotated[str, "whether a search would notice: a sentence for a person"]
    diagnosis: Annotated[DiagnosisReport, "what moved them"]


class DrawnReport(TypedDict):
    """The random orders in which the texts went through one batch size."""

    batch_size: Annotated[int, "texts at once"]
    orders: Annotated[int, "random orders that were tried"]
    fell_short: Annotated[int, "how many of them passed the limit"]
    share_below: Annotated[
        float | None,
        "where the check holds: with `confidence` fewer than this share of random orders of these "
        "texts fall short at this batch size",
    ]


class CheckedSettingReport(TypedDict):
    """One setting that was checked."""

    label: Annotated[str, "the setting"]
    setting: Annotated[dict[str, Any], "what was asked, as in a report"]
    effective_config: Annotated[dict[str, Any], "what is in force, as in a report"]
    outcome: Annotated[str, "`holds`, `inconclusive`, `falls short`, `fault` or `failed`"]
    summary: Annotated[str, "a sentence for a person; do not parse it"]
    verdicts: Annotated[VerdictsReport, "both verdicts, as in a report"]
    l2_max: Annotated[float | None, "the largest batch drift, L2"]
    orders: Annotated[int, "in how many random orders every batch size was tried, at least"]
    batch_sizes: Annotated[list[DrawnReport], "each that was tried in random orders, ascending"]
    confidence: Annotated[float, "as asked"]
    share_below: Annotated[
        float | None,
        "the same of every batch size: the largest share; null where the check does not hold",
    ]
    cause: Annotated[DiagnosisReport | None, "why it does not hold"]
    golden: Annotated[GoldenReport | None, "null without `--golden`"]


class CheckWarningReport(TypedDict):
    """What qualifies the figures."""

    kind: Annotated[str, "as in a report's findings"]
    setting: Annotated[int | None, "number of the setting; null for all"]
    message: Annotated[str, "a sentence for a person"]


class CheckedModelReport(TypedDict):
    """One model that was checked."""

    model: Annotated[str, "the model as it was named"]
    model_name: Annotated[str, "its name for people"]
    texts: Annotated[CheckedTextsReport, "what it was checked with"]
    started_at: Annotated[str, "ISO 8601 with the offset from UTC"]
    scenario: Annotated[str, "the use that it was checked for"]
    limit: Annotated[str, "the drift that this bears"]
    order_seed: Annotated[
        int | None, "what the random orders were drawn from; `--seed` draws the same again"
    ]
    outcome: Annotated[str, "the worst of its settings"]
    settings: Annotated[list[CheckedSettingReport], "in the order of the plan"]
    warnings: Annotated[list[CheckWarningReport], "what qualifies the figures"]


class ChecksReport(TypedDict):
    """What a check came to."""

    schema: Annotated[str, "`embedtui.check/2`"]
    outcome: Annotated[
        str, "`holds`, `inconclusive`, `falls short`, `fault` or `failed`: the worst of all"
    ]
    checks: Annotated[list[CheckedModelReport], "one for each model"]
