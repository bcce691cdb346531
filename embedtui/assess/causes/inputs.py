"""The model was given something else than the text: cut, pooled or tokenised another way."""

from __future__ import annotations

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.common.wording import text_count

_ANOTHER_INPUT = 0.1
"""L2 from the truth that no rounding explains: another pooling, prompt or tokenizer."""


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


def is_another(evidence: Evidence) -> bool:
    """Say whether the unbatched vectors are farther from the truth than rounding takes any."""
    return evidence.error is not None and evidence.error > _ANOTHER_INPUT


def another_input(evidence: Evidence) -> list[Diagnosis]:
    """Return that the vectors are those of another pooling, prompt or tokenizer."""
    setting = evidence.setting
    put_back = setting.effective.pooling_accumulation == "model"
    if not is_another(evidence) or setting.setting.quantization != "none" or put_back:
        return []
    return [
        Diagnosis(
            "another-input",
            "another pooling, prompt or tokenizer than the model's own",
            f"unbatched vectors are L2 {evidence.error:.1e} from the truth",
            "the truth follows the model's own files, and no dtype rounds that much",
            "likely",
            "compare pooling, prompt and token counts with the model's card",
        )
    ]
