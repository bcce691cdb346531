"""The model was given something else than the text: cut, pooled or tokenised another way."""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

from embedtui.assess.another_input import another_input as another
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.equal_vectors import cut_alike
from embedtui.common.wording import text_count
from embedtui.results.mismatch import TextErrors
from embedtui.results.results import Rows

_CHANCE = 0.01
"""Least surprise of texts being just the longest ones, from which on length is named."""


def truncation(evidence: Evidence) -> list[Diagnosis]:
    """Return that texts were cut before they were embedded."""
    setting = evidence.setting
    if setting.prepared is None or not setting.prepared.truncated:
        return []
    cut = setting.prepared.truncated
    longest = max(cut.values())
    return [
        Diagnosis(
            "truncation",
            "truncated texts",
            f"{text_count(len(cut))} {'is' if len(cut) == 1 else 'are'} longer than "
            f"{setting.effective.max_length} tokens, the longest has {longest}",
            "what comes after the limit is in no vector, so such texts look alike",
            "certain",
            "cut long texts into pieces, or take a model with a larger limit",
        )
    ]


def silent_truncation(evidence: Evidence) -> list[Diagnosis]:
    """Return that texts which begin alike have one vector, though nobody said they were cut."""
    alike = cut_alike(evidence.results, evidence.setting)
    if not alike:
        return []
    return [
        Diagnosis(
            "truncation",
            "texts that were cut in silence",
            f"{text_count(len(alike))} have another's vector and begin as it does",
            "only what comes after a limit tells them apart, and it is in no vector",
            "likely",
            "raise the server's limit of tokens, or have it refuse longer texts",
        )
    ]


_DO = {
    "pooling": "have the server pool as the model's files say, or take another engine",
    "module": "serve the model by an engine that has all of its modules",
    "prompt": "send every text with the model's prompt, and let nobody put one before it twice",
    "truncation": "raise the server's limit to the model's, or cut long texts before they are sent",
    "tokens": "let the tokenizer add its special tokens",
    "case": "leave the case of the texts to the tokenizer",
    "length": "scale vectors to length one, or compare them by cosine alone",
}


def another_input(evidence: Evidence) -> list[Diagnosis]:
    """Return that the vectors are those of another pooling, module, prompt or tokenizer."""
    found = another(evidence.results, evidence.setting)
    told = wrong_input(evidence)
    if found is None or (found.confidence != "certain" and told):
        return told
    certain = found.confidence == "certain"
    return [
        Diagnosis(
            "another-input",
            found.name,
            f"{found.texts}: {found.evidence}",
            "of all variants of the model's pipeline that one alone gives these vectors"
            if certain
            else "the reference follows the model's own files, and no dtype rounds that much",
            found.confidence,
            _DO.get(found.kind, "compare pooling, prompt and token counts with the model's card"),
        )
    ]


def wrong_input(evidence: Evidence) -> list[Diagnosis]:
    """Return that unbatched vectors are those of another input than the text, by what tells which.

    Only the longest texts: they were cut. Token counts that differ by one number: special tokens or
    a prompt. Anything else: pooling, prompt or tokenizer.
    """
    errors = evidence.errors
    if errors is None or not errors.wrong.any():
        return []
    rows = errors.rows[errors.wrong]
    seen = (
        f"{len(rows)} of {len(errors.rows)} unbatched vectors are L2 {errors.l2.max():.1e} at most "
        f"from the float64 reference, {_usual(evidence)}"
    )
    tokens = tokens_of(evidence, errors.rows)
    fewer = _constant_difference(evidence, rows)
    if fewer:
        more = f"{abs(fewer)} {'more' if fewer > 0 else 'fewer'}"
        return [
            Diagnosis(
                "special-tokens",
                "special tokens or a prompt other than the model's own",
                f"{seen}; each has {more} tokens than in the model's own pipeline",
                "a constant number of tokens is what special tokens or a prompt make up",
                "likely",
                "compare add_special_tokens and the prompt with the model's files",
            )
        ]
    least = from_length(tokens, errors.wrong)
    if least is not None:
        return [
            Diagnosis(
                "truncation",
                "long texts that were cut, though the model reads them whole",
                f"{seen}: just those of {least} tokens and more",
                "a limit below the model's own takes the end of long texts and of no others",
                "likely",
                "raise the limit of tokens (max_model_len, max_seq_length, truncate)",
            )
        ]
    return [_another_input(errors, seen)]


def _another_input(errors: TextErrors, seen: str) -> Diagnosis:
    some = not errors.mostly_wrong
    return Diagnosis(
        "another-input",
        "another input for some texts than the model's own pipeline makes"
        if some
        else "another pooling, prompt or tokenizer than the model's own",
        seen,
        "the float64 reference follows the model's own files, and no dtype rounds that much",
        "likely",
        "compare the token ids of these texts with the model's own tokenizer"
        if some
        else "compare pooling, prompt and token counts with the model's card",
    )


def _usual(evidence: Evidence) -> str:
    setting = evidence.setting
    if evidence.error:
        return f"where the other texts are off by about {evidence.own_error:.0e}"
    dtype = setting.effective.dtype if evidence.knows_dtype else "a 16-bit dtype"
    return f"where {dtype} costs about {evidence.own_error:.0e}"


def tokens_of(evidence: Evidence, rows: Rows) -> Rows:
    """Return the tokens of these texts, as reference or engine count them; 0 if unknown."""
    reference = evidence.results.reference
    known = evidence.setting.prepared
    counts = reference.tokens if reference.done.any() else None
    if counts is None:
        counts = np.asarray(known.tokens if known else np.zeros(len(evidence.results.plan.pack)))
    return counts[rows].astype(np.intp)


def _constant_difference(evidence: Evidence, rows: Rows) -> int:
    """Return by how many tokens all texts differ from the reference's; 0 if not by one number."""
    prepared, reference = evidence.setting.prepared, evidence.results.reference
    if prepared is None:
        return 0
    ours = np.asarray(prepared.tokens)[rows]
    differ = np.unique(ours - reference.tokens[rows])
    return int(differ[0]) if len(differ) == 1 and ours.all() and reference.tokens[rows].all() else 0


def from_length(tokens: Rows, struck: npt.NDArray[np.bool_]) -> int | None:
    """Return the length from which on texts are struck, where it is just the longest ones.

    None where others are struck, or where it may be chance: any choice of as many texts is as
    likely.
    """
    count = int(struck.sum())
    if not 0 < count < len(tokens) or 1 / comb(len(tokens), count) > _CHANCE or count < 2:
        return None
    least = int(tokens[struck].min())
    return least if least > int(tokens[~struck].max()) else None
