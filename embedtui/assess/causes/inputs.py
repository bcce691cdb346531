"""The model was given something else than the text: cut, pooled or tokenised another way."""

from __future__ import annotations

from embedtui.assess.another_input import another_input as another
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.common.wording import text_count


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


_DO = {
    "pooling": "have the server pool as the model's files say, or take another engine",
    "module": "serve the model by an engine that has all of its modules",
    "prompt": "send every text with the model's prompt, and let nobody put one before it twice",
    "truncation": "raise the server's limit to the model's, or cut long texts before they are sent",
    "tokens": "let the tokenizer add its special tokens",
    "case": "leave the case of the texts to the tokenizer",
    "length": "scale vectors to length one, or compare them by cosine alone",
}


def is_another(evidence: Evidence) -> bool:
    """Say whether the unbatched vectors are farther from the truth than rounding takes any."""
    return evidence.mismatch is not None


def another_input(evidence: Evidence) -> list[Diagnosis]:
    """Return that the vectors are those of another pooling, module, prompt or tokenizer."""
    found = another(evidence.results, evidence.setting)
    if found is None:
        return []
    certain = found.sure == "certain"
    return [
        Diagnosis(
            "another-input",
            found.name,
            f"{found.texts}: {found.evidence}",
            "of all variants of the model's pipeline that one alone gives these vectors"
            if certain
            else "the truth follows the model's own files, and no dtype rounds that much",
            found.sure,
            _DO.get(found.kind, "compare pooling, prompt and token counts with the model's card"),
        )
    ]
