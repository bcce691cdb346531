"""What has to be said before any distance: faults in vectors, texts left out, batches not as asked.

Pure functions of the results, so that a reopened run file finds what the live run found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from embedtui.assess import ranking_quality
from embedtui.assess.equal_vectors import equal_after_cut
from embedtui.assess.finding import Finding
from embedtui.assess.server_findings import encoding_faults, server_faults
from embedtui.assess.vector_faults import faults_of, ids_of
from embedtui.common.printable import printable
from embedtui.common.wording import text_count
from embedtui.measure import broken_rows
from embedtui.measure.lengths import summarize_lengths
from embedtui.plan.plan import FIRST
from embedtui.results.mismatch import mismatch_of
from embedtui.results.results import Pass, Results, SettingResults

Faults = dict[int, list[Finding]]
"""The faults of each setting, by its number in the plan."""


def all_faults(results: Results) -> Faults:
    """Return the faults of every setting; looking for them is the slow part of a report."""
    return {setting.number: faults_of(results, setting) for setting in results.settings}


def find(results: Results, faults: Faults | None = None) -> list[Finding]:
    """Return everything there is to say, faults first, in the order of the settings."""
    faults = all_faults(results) if faults is None else faults
    found = [
        finding
        for setting in results.settings
        for finding in (
            *(faults[setting.number] or _repeated(results, setting)),
            *_of_setting(results, setting),
        )
    ]
    found += _of_files(results)
    found += _of_similarity(results)
    found += _of_reference(results)
    found += encoding_faults(results)
    found += _of_labels(results)
    found = _told_once(found, {s.number for s in results.settings if s.unbatched.count})
    rank = {"fault": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda finding: rank[finding.severity])


def _of_setting(results: Results, setting: SettingResults) -> Iterator[Finding]:
    number = setting.number
    if setting.setting.is_server:
        yield from server_faults(results, setting)
    if setting.status == "failed":
        yield Finding("failed", "warning", setting.reason, number)
    if setting.status == "refused":
        yield Finding("not-for-this-model", "note", setting.reason, number)
    yield from _of_engine(results, setting)
    yield from _of_lengths(results, setting)
    yield from _of_steps(results, setting)
    yield from _of_vector_lengths(setting)


def _of_engine(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Yield what the engine made of what was asked for, and what this machine hides."""
    number = setting.number
    if setting.setting.pooling_accumulation == "model":
        yield Finding(
            "old-pooling",
            "note",
            "mean pooling adds up in the model's dtype over the whole batch, as vLLM did before "
            "it pooled in float32: a what-if, not what today's vLLM serves",
            number,
        )
    asked, got = setting.setting.dtype, setting.effective.dtype
    if asked == "auto" and got and not setting.setting.is_server:
        yield Finding("auto-dtype", "note", f"dtype auto: vLLM chose {got}", number)
    limit, accepted = setting.effective.max_length, setting.effective.vllm_max_length
    if limit and accepted and limit < accepted:
        yield Finding(
            "beyond-positions",
            "warning",
            f"vLLM accepts texts of up to {accepted} tokens, but the model has positions for "
            f"{limit}: on a server a longer text reads past its table; here texts end at {limit}",
            number,
        )
    shown = any(s.dtype == "bfloat16" and s.cpu_isa == "avx512" for s in results.plan.settings)
    if _drifts_on_other_cpus(setting):
        yield Finding(
            "native-bfloat16",
            "note",
            "this CPU multiplies bfloat16 in hardware, in the same order for every batch; one with "
            "AVX-512 and without that does not"
            + ("" if shown else ": --also dtype=bfloat16,cpu_isa=avx512 shows it"),
            number,
        )


def _of_lengths(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Yield which texts were cut or left out."""
    number = setting.number
    prepared = setting.prepared
    if prepared and prepared.truncated:
        longest = max(prepared.truncated.values())
        equal = equal_after_cut(setting)
        so = f"; {equal} of them begin alike and so have equal vectors" if equal else ""
        yield Finding(
            "truncated",
            "warning",
            f"{text_count(len(prepared.truncated))} longer than the model's limit of "
            f"{setting.effective.max_length} tokens: only their beginning is embedded "
            f"(the longest has {longest} tokens; --too-long refuse leaves such texts out){so}",
            number,
            ids_of(results, prepared.truncated),
        )
    if prepared and prepared.refused:
        reason = next(iter(prepared.refused.values()))
        yield Finding(
            "refused",
            "warning",
            f"{text_count(len(prepared.refused))} left out, the first because {reason}",
            number,
            ids_of(results, prepared.refused),
        )


def _repeated(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Yield that texts are the same to the model, and so tell less than as many others."""
    done = np.flatnonzero(setting.unbatched.done)
    different = setting.different(done)
    if different < len(done):
        yield Finding(
            "repeated-texts",
            "note",
            f"{text_count(len(done))}, {different} distinct: a repeated text counts once in "
            "shares, tails, intervals and tests",
            setting.number,
            ids_of(results, done[setting.firsts[done] != done]),
        )


def _of_vector_lengths(setting: SettingResults) -> Iterator[Finding]:
    """Yield that vectors are not of length one, so that dot products are not cosines."""
    lengths = summarize_lengths(setting.unbatched.vectors[setting.unbatched.done])
    if lengths is not None and not lengths.are_one:
        yield Finding(
            "not-unit",
            "note",
            f"vectors are not of length one ({lengths.least:.3g} to {lengths.largest:.3g}): dot "
            "products of them are not cosines",
            setting.number,
        )


def _of_steps(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Yield where fewer texts were together than was asked for."""
    number = setting.number
    for (size, pass_key), pass_ in sorted(setting.passes.items()):
        if pass_key == FIRST and pass_.split_steps:
            yield Finding(
                "split",
                "warning",
                f"batch size {size}: vLLM split batches, {pass_.split_steps} of "
                f"{len(pass_.steps)} steps held fewer texts than were handed in, "
                f"because {_why_split(pass_, setting.effective.max_num_batched_tokens)}",
                number,
            )
    largest = results.plan.batch_sizes[-1]
    held = setting.pass_of(largest).most_together
    if (
        setting.status == "finished"
        and 0 < held < largest
        and not setting.pass_of(largest).split_steps
    ):
        yield Finding(
            "few-texts",
            "note",
            f"batches of {largest} held {text_count(held)}: there are no more",
            number,
        )


def _of_labels(results: Results) -> Iterator[Finding]:
    labels = results.plan.pack.labels
    if labels is not None and labels.unknown:
        qrels = "1 judgement" if labels.unknown == 1 else f"{labels.unknown} judgements"
        yield Finding(
            "unknown-judgements",
            "warning",
            f"{qrels} left out: of queries or documents that the folder does not hold",
        )
    if labels is not None and not ranking_quality.available():
        yield Finding("no-quality", "note", ranking_quality.MISSING)


def _of_files(results: Results) -> Iterator[Finding]:
    """Yield what was known before the figures: the model's files ask for what is not served."""
    for line in results.plan.differs:
        yield Finding("differs", "warning", line)
    if results.plan.default_prompt:
        yield Finding(
            "default-prompt",
            "warning",
            "the model's own pipeline puts its prompt "
            f"'{printable(results.plan.default_prompt, 80)}' before every text; these texts were "
            "embedded without it: give it with --prompt",
        )


def _of_similarity(results: Results) -> Iterator[Finding]:
    """Yield that the model's files score otherwise than lists of neighbours and limits do here."""
    if results.plan.similarity:
        yield Finding(
            "similarity",
            "warning",
            f"the model's files score by {printable(results.plan.similarity, 40)}: neighbours and "
            "limits here are by cosine, which leaves the lengths of vectors out, so that they say "
            "nothing of such scores",
        )


def _of_reference(results: Results) -> Iterator[Finding]:
    reference = results.reference
    if reference.reason:
        yield Finding("no-reference", "warning", reference.reason)
    done = np.flatnonzero(reference.done)
    broken = sorted({row for fault in broken_rows(reference.vectors[done]) for row in fault.rows})
    if broken:
        rows = [int(done[row]) for row in broken]
        yield Finding(
            "broken-reference",
            "warning",
            f"the float64 reference of {text_count(len(rows))} is no vector: it has NaN, "
            "infinities or nothing but zeros in it, so they have no precision error",
            texts=ids_of(results, rows),
        )
    for setting in results.settings:
        prepared = setting.prepared
        if (
            prepared is None
            or not reference.done.any()
            or mismatch_of(setting, reference) is not None
        ):
            continue
        if setting.setting.is_server and setting.precision_error(reference) is not None:
            continue  # however it counts, its vectors are the model's own
        rows = [
            int(row)
            for row in np.flatnonzero(reference.done)
            if row not in prepared.refused
            and prepared.tokens[row] not in {0, reference.tokens[row]}
        ]
        if rows:
            yield Finding(
                "tokens-differ",
                "warning",
                f"{text_count(len(rows))} have another number of tokens in {_where(setting)} than "
                "in sentence-transformers: their precision error compares different inputs",
                setting.number,
                ids_of(results, rows),
            )


def _where(setting: SettingResults) -> str:
    return "the server" if setting.setting.is_server else "vLLM"


def _why_split(pass_: Pass, budget: int) -> str:
    """Say which limit of vLLM's broke batches up: a step's tokens, or a decoder's cache."""
    texts = tokens = 0
    for handed_in, sequences, step_tokens in pass_.steps:
        texts, tokens = texts + sequences, tokens + step_tokens
        if texts >= handed_in:
            if sequences < handed_in and tokens <= budget:
                return "vLLM's cache for a decoder had no room for all of them"
            texts = tokens = 0
    return f"a step may hold {budget} tokens"


def _told_once(found: list[Finding], measured: set[int]) -> list[Finding]:
    """Merge what is true of every measured setting into one finding that names none of them.

    Faults keep their setting, so that a program can tell which figures mean nothing.
    """
    kept: list[Finding] = []
    for finding in found:
        twins = [f for f in found if replace(f, setting=None) == replace(finding, setting=None)]
        everywhere = len(measured) > 1 and {f.setting for f in twins} == measured
        if everywhere and finding.severity != "fault":
            if finding is twins[0]:
                kept.append(replace(finding, setting=None))
        else:
            kept.append(finding)
    return kept


def _drifts_on_other_cpus(setting: SettingResults) -> bool:
    """Say whether bfloat16 stood still only because of the instructions that this CPU has."""
    sizes = setting.batched
    return (
        setting.effective.dtype == "bfloat16"
        and setting.effective.cpu_isa in {"avx512_bf16", "amx"}
        and setting.effective.pooling_accumulation == "float32"
        and (setting.effective.threads or 1) > 1
        and bool(sizes)
        and all(bool(setting.drift(size)[1].identical.all()) for size in sizes)
    )
