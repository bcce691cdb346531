"""The JSON reports as types: every key, its type and what it means, in this one place.

What builds a report and what reads it is checked against these; `make docs` writes the tables of
docs/report.md from them. Keys of a setting and of its engine are the switches' own.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from embedtui.report.report_types_figures import DistributionReport, SpeedReport
from embedtui.report.report_types_layers import LayersReport, NoLayersReport
from embedtui.report.report_types_retrieval import RetrievalReport


class SkippedReport(TypedDict):
    """A setting that was asked for and cannot be had."""

    label: Annotated[str, "the setting"]
    reason: Annotated[str, "why it cannot be had"]


class LabelsReport(TypedDict):
    """Which texts ask, and which answer them."""

    queries: Annotated[list[int], "rows of the texts that ask; all others are documents"]
    qrels: Annotated[
        list[list[int]],
        "a row of a query, a row of a document and a grade; 0 or less is not relevant",
    ]


class SampleReport(TypedDict):
    """How `--limit` drew the texts."""

    seed: Annotated[int, "the seed"]
    whole: Annotated[int, "how many texts they were drawn from"]


class PackReport(TypedDict):
    """The texts of a run, without the texts."""

    name: Annotated[str, "the pack's name, or the file's"]
    source: Annotated[str, "pack name or path"]
    count: Annotated[int, "how many texts"]
    sha256: Annotated[str, "SHA-256 over ids and texts in order"]
    labels: Annotated[
        LabelsReport | None, "null where every text is a query and a document at once"
    ]
    sample: Annotated[
        SampleReport | None, "how the texts were drawn from more; null where none were left out"
    ]


class PlanReport(TypedDict):
    """What was asked for."""

    model: Annotated[
        str,
        "the model as it was named: alias, folder, hub id, or a server's address with `#` and its "
        "name for the model",
    ]
    model_name: Annotated[str, "its name for people"]
    model_hash: Annotated[
        str | None,
        "SHA-256 over the files that determine the vectors; null where it is not known",
    ]
    settings: Annotated[list[dict[str, Any]], "what was asked of each engine; see `setting` below"]
    batch_sizes: Annotated[list[int], "ascending; 1 is always among them"]
    texts: Annotated[PackReport, "the texts, see below"]
    reference: Annotated[bool, "whether float64 vectors were asked for"]
    repeats: Annotated[int, "how often the unbatched and the largest batches were run again"]
    shuffles: Annotated[int, "in how many other orders the largest batches were tried"]
    shuffle_every_size: Annotated[bool, "whether every other batch size was, too, as in a check"]
    order_seed: Annotated[
        int | None, "what these orders were drawn from; null where every run has the same"
    ]
    restarts: Annotated[int, "how often the engine was loaded anew"]
    too_long: Annotated[
        str, "`truncate` or `refuse`: what happens to texts beyond the model's limit"
    ]
    prompt: Annotated[str, "what was put before every text; empty for nothing"]
    query_prompt: Annotated[
        str | None, "what was put before queries instead; null where they have no other"
    ]
    sweep: Annotated[str, "name of the sweep that the run belongs to; empty for none"]
    skipped: Annotated[
        list[SkippedReport],
        "settings that were asked for and cannot be had on this machine: `label`, `reason`",
    ]
    max_length: Annotated[
        int | None, "tokens that the model has positions for; null where its files do not say"
    ]
    against: Annotated[str, "folder of the model that a server is held against; empty for none"]
    default_prompt: Annotated[
        str,
        "what the model's own pipeline puts before every text and nobody asked for; empty for "
        "nothing",
    ]
    similarity: Annotated[str, "what the model's files score by; empty where cosines do as well"]
    differs: Annotated[
        list[str], "what vLLM makes otherwise than the model's files ask, told from the files alone"
    ]
    layers: Annotated[int, "how many texts were to be looked into layer by layer"]
    layers_under: Annotated[
        float | None,
        "the error that the fewest layers in float32 were to bring them under; null for half",
    ]
    random_weights: Annotated[
        bool,
        "whether the weights were drawn at random: then nothing is said of retrieval, and nothing "
        "forecast",
    ]


class GpuReport(TypedDict):
    """One GPU of the machine."""

    name: Annotated[str, "as the driver names it"]
    memory_bytes: Annotated[int, "its memory"]
    driver: Annotated[str, "the driver's version"]
    compute_capability: Annotated[str, "as in `9.0`"]


class EnvironmentReport(TypedDict):
    """The machine and the versions."""

    device: Annotated[
        str,
        "`cpu` or `cuda`: what vLLM computes on; `server` where all is computed by servers",
    ]
    machine: Annotated[str, "the GPU, or the CPU and its cores, as one name; or which server"]
    cpu: Annotated[NotRequired[str], "processor; not of a server"]
    cores: Annotated[NotRequired[int], "cores that may be used; not of a server"]
    memory_bytes: Annotated[NotRequired[int], "main memory; not of a server"]
    platform: Annotated[str, "operating system"]
    python: Annotated[str, "Python's version"]
    versions: Annotated[
        dict[str, str], "package name to version: vLLM, torch, transformers and others"
    ]
    gpus: Annotated[NotRequired[list[GpuReport]], "only with `cuda`; see below"]


class NoiseReport(DistributionReport):
    """The same batches run again."""

    repeats: Annotated[int, "how often they were run again"]
    batch_sizes: Annotated[list[int], "the batch sizes that were run again"]


class EffectReport(TypedDict):
    """How many times as far batches are from texts alone as repeats are from each other."""

    median: Annotated[
        float | None, "median over texts, 1 for noise alone; null where repeats have equal bits"
    ]
    low: Annotated[float | None, "lower end of its 95 % interval"]
    high: Annotated[float | None, "upper end; null where nothing bounds it"]


class NoiseTestReport(TypedDict):
    """Whether batches move vectors further than running again does, see method.md."""

    outcome: Annotated[
        str,
        "`identical`, `drift`, `noise`, or `open`: too little differs, in passes that nobody "
        "repeated",
    ]
    level: Annotated[float, "share of runs without drift in which `drift` may be said"]
    p: Annotated[
        float, "probability of what was seen without drift, at most; 0 where it is certain"
    ]
    texts: Annotated[int, "texts that could be judged"]
    untied: Annotated[int, "texts of which one pairing of the passes is nearest"]
    nearest: Annotated[int, "in how many of these it is the pairing of the repeats"]
    passes: Annotated[int, "passes that were compared"]
    company_repeats: Annotated[
        bool, "false for a server's requests at once: the noise is that of texts alone"
    ]
    effect: Annotated[EffectReport | None, "its size; null where nothing differs"]


class ShuffledReport(DistributionReport):
    """Batched against unbatched in other orders."""

    orders: Annotated[int, "how many"]
    batch_size: Annotated[int, "in batches of how many texts"]


class ServerReport(DistributionReport):
    """How far the unbatched vectors of a server are from those of another setting."""

    server: Annotated[int, "index in `settings` of the server"]
    other: Annotated[int, "index in `settings` of what it is held against"]


class TrendReport(TypedDict):
    """What drift grows with."""

    batch_size: Annotated[int, "the largest one that was measured"]
    by_position: Annotated[
        float | None,
        "Spearman's rank correlation of drift with the place in the batch, over all orders; null "
        "where nothing varies",
    ]
    by_position_interval: Annotated[
        list[float] | None, "both ends of its 95 % interval, a text in several orders being one"
    ]
    by_tokens: Annotated[float | None, "the same with the text's length"]
    by_tokens_interval: Annotated[list[float] | None, "both ends of its 95 % interval"]


class RealisedReport(TypedDict):
    """What the scheduler really ran."""

    min: Annotated[int, "the fewest texts in a step"]
    max: Annotated[int, "the most texts in a step"]
    steps: Annotated[int, "number of steps"]


class NormsReport(TypedDict):
    """Lengths of vectors as they came, before anything was scaled."""

    least: Annotated[float, "the shortest vector's"]
    median: Annotated[float, "the median"]
    largest: Annotated[float, "the longest vector's"]


class SystematicErrorReport(TypedDict):
    """How much of the precision error all texts share; the rest is random."""

    bias_share: Annotated[
        float, "share of the squared error that one constant per dimension explains"
    ]
    affine_share: Annotated[float, "share that a constant and a factor per dimension explain"]
    biased: Annotated[int, "dimensions whose mean error is not 0"]
    width: Annotated[int, "dimensions in all"]
    level: Annotated[
        float, "chance that any dimension is called biased where none is; Student's t, Bonferroni"
    ]


class BatchReport(TypedDict):
    """All texts once through one batch size."""

    batch_size: Annotated[int, "texts handed in together, as asked"]
    baseline: Annotated[bool, "true for batch size 1: what the others are compared with"]
    texts: Annotated[int, "texts that came back"]
    realised: Annotated[
        RealisedReport,
        "what the scheduler really ran: `min` and `max` texts in a step, number of `steps`; all 0 "
        "where a server's steps are not known",
    ]
    split_steps: Annotated[int, "steps that held fewer texts than were handed in together"]
    texts_per_step: Annotated[
        float | None, "texts in a step on average, as a server's metrics tell it"
    ]
    texts_per_second: Annotated[float | None, "`speed.median`"]
    speed: Annotated[SpeedReport | None, "its spread, see below; null before any was timed"]
    identical: Annotated[int, "the same as `drift.identical`"]
    drift: Annotated[DistributionReport, "a distribution: this batch size against unbatched"]
    norms: Annotated[
        NormsReport | None, "lengths of the vectors; null if none is finite or all are 0"
    ]


class DistancesReport(TypedDict):
    """How far one vector is from another."""

    cosine: Annotated[float | None, "1 − cos"]
    l2: Annotated[float | None, "Euclidean distance"]
    max_abs: Annotated[float | None, "largest difference in one dimension"]
    relative_l2: Annotated[float | None, "‖a − b‖ / ‖b‖"]
    bits: Annotated[float | None, "agreeing bits"]
    identical: Annotated[bool, "whether both have the same bytes"]
    top1_changed: Annotated[
        bool | None, "whether the text's nearest neighbour is another, for certain"
    ]
    order_changed: Annotated[
        bool | None, "whether its list of neighbours changed, for certain; null for no query"
    ]
    position: Annotated[NotRequired[int], "in `drift` alone: place in the batch, from 0"]


class TextReport(TypedDict):
    """One text under one setting."""

    id: Annotated[str, "from the user's file, else the row number"]
    tokens: Annotated[
        int,
        "tokens that the engine computes; 0 for a text that is left out, or where a server does "
        "not tell",
    ]
    tokens_before_truncation: Annotated[
        NotRequired[int], "only for a text that was cut to the model's limit"
    ]
    refused: Annotated[NotRequired[str], "only for a text that is left out: the reason"]
    drift: Annotated[
        dict[str, DistancesReport],
        "batch size, as a string, to distances; without the baseline",
    ]
    precision_error: Annotated[
        DistancesReport | None, "distances to the float64 reference; null if this text has none"
    ]


class DiagnosisReport(TypedDict):
    """A cause and what speaks for it."""

    cause: Annotated[str, "a word for programs, see above"]
    name: Annotated[str, "the cause in a few words"]
    evidence: Annotated[str, "what was seen"]
    explanation: Annotated[str, "why it points there"]
    confidence: Annotated[str, "`certain`, `likely` or `possible`"]
    fix: Annotated[str, "what to do"]


class VerdictReport(TypedDict):
    """One of the two verdicts on a setting."""

    outcome: Annotated[
        str,
        "`holds`, `borderline` (another sample may fall on the other side), `falls short`, "
        "`no limit` or `not measured`",
    ]
    worst: Annotated[
        float | None, "largest distance of any text in the use's metric; null for nothing measured"
    ]
    texts: Annotated[int, "texts that were compared"]
    beyond: Annotated[int, "texts that are beyond the limit, at any batch size, in any order"]
    share_beyond: Annotated[
        float | None,
        "the largest share of such texts that may be beyond it, 95 % one-sided; null where no "
        "limit was held against any",
    ]
    identical: Annotated[bool, "whether every text was equal bit for bit"]
    reason: Annotated[str, "why it was not measured, or falls short whatever the distance"]


class VerdictsReport(TypedDict):
    """What a use makes of a setting."""

    scenario: Annotated[str, "key of the use"]
    situation: Annotated[str, "what the vectors meet: `one-server`, `queries-alone` or `index`"]
    metric: Annotated[str, "the use's metric"]
    limit: Annotated[float, "its limit; 0 asks for equal bits"]
    binding: Annotated[str, "the verdict that decides in this situation: `consistent` or `exact`"]
    outcome: Annotated[str, "the outcome of that one"]
    consistent: Annotated[VerdictReport, "batched against unbatched, in every order tried"]
    exact: Annotated[VerdictReport, "unbatched and batched against float64"]


class SettingReport(TypedDict):
    """The results of one setting."""

    label: Annotated[str, "dtype and every switch that is not at its default"]
    setting: Annotated[
        dict[str, Any],
        "what was asked: `model`, `dtype` and all other switches; `embedtui list settings` "
        "explains them",
    ]
    effective_config: Annotated[
        dict[str, Any], "what is in force, read back from the engine; empty if it never loaded"
    ]
    status: Annotated[str, "as above, for this setting"]
    reason: Annotated[str, "as above, for this setting"]
    noise_floor: Annotated[
        NoiseReport | None,
        "a distribution, with `repeats` and `batch_sizes`; null if nothing was run again",
    ]
    noise_test: Annotated[NoiseTestReport | None, "drift or noise; null if nothing was run again"]
    restart_noise: Annotated[
        NoiseReport | None, "the same for batches that were run again after a restart"
    ]
    shuffled: Annotated[
        ShuffledReport | None,
        "a distribution: batched against unbatched in other orders, with `orders` (how many) and "
        "`batch_size`",
    ]
    precision_error: Annotated[
        DistributionReport | None, "a distribution; null if there is no float64 reference"
    ]
    systematic_error: Annotated[
        SystematicErrorReport | None,
        "the part of the precision error that is the same for all texts; null below 20 texts, "
        "without a reference, or where some input was another",
    ]
    retrieval: Annotated[
        RetrievalReport | None,
        "what it does to lists of neighbours, see below; null where nothing can be compared",
    ]
    no_retrieval: Annotated[
        str, "why nothing is said of neighbours: vectors that are a fault; empty else"
    ]
    trend: Annotated[TrendReport | None, "what drift grows with at the largest batch size"]
    batches: Annotated[list[BatchReport], "one object per batch size that has at least one text"]
    texts: Annotated[
        list[TextReport],
        "one object per text, in the order of the pack; empty if the setting never loaded",
    ]
    diagnosis: Annotated[
        list[DiagnosisReport],
        "causes, the worst first; empty if nothing batched was measured",
    ]
    layers: Annotated[
        LayersReport | NoLayersReport | None,
        "error and drift layer by layer, see below; null if nobody looked; `reason` alone if it "
        "could not be done",
    ]
    verdicts: Annotated[VerdictsReport, "whether it is consistent and exact enough, see below"]
    verdict: Annotated[str, "a sentence for a person; do not parse it"]


class FindingReport(TypedDict):
    """What has to be known before a figure is read."""

    kind: Annotated[str, "see below"]
    severity: Annotated[str, "`fault`, `warning` or `note`"]
    setting: Annotated[
        int | None,
        "index in `settings`; null for the whole run, and for a warning or note that is true of "
        "every measured setting; a fault always names its setting",
    ]
    message: Annotated[str, "a sentence for a person"]
    texts: Annotated[list[str], "ids of the texts that it strikes"]


class RunReport(TypedDict):
    """The report of one run."""

    schema: Annotated[str, "`embedtui.report/2`"]
    status: Annotated[str, "how the run ended, see below"]
    reason: Annotated[str, "why it was cancelled or failed; empty otherwise"]
    started_at: Annotated[str, "ISO 8601 with the offset from UTC"]
    plan: Annotated[PlanReport, "what was asked for"]
    environment: Annotated[EnvironmentReport, "the machine and the versions"]
    settings: Annotated[
        list[SettingReport], "the results, one object per setting, in the order of the plan"
    ]
    servers: Annotated[
        list[ServerReport],
        "where a server was measured: how far its unbatched vectors are from those of each other "
        "setting; a distribution with `server` and `other`, indices in `settings`",
    ]
    findings: Annotated[
        list[FindingReport],
        "what has to be known before any figure is read; faults first",
    ]
    verdict: Annotated[str, "a sentence for a person; do not parse it"]
