"""Vectors that are not the model's own: which texts, how far, and whose they are instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from embedtui.common.wording import text_count
from embedtui.engine.messages import Variant
from embedtui.measure.rounding import same_computation
from embedtui.results.mismatch import Mismatch, mismatch_of
from embedtui.results.results import Results, SettingResults

Confidence = Literal["certain", "likely"]

_CLEAR = 2
"""How many times farther than the nearest variant the next has to be for a name."""
_NEARER = 4
"""How many times nearer than the model's own a variant is whose dtype is not known."""
_SAME_NAME = {"last_token": "last", "lasttoken": "last"}


@dataclass(frozen=True)
class AnotherInput:
    """What the vectors of a setting are instead of the model's own, as far as it is known."""

    mismatch: Mismatch
    name: str
    """Whose vectors they are, in a few words."""
    evidence: str
    confidence: Confidence
    kind: str
    """That of the variant that fits; empty where none does."""
    texts: str
    """Which texts: all, those beyond a length, a few."""


def another_input(results: Results, setting: SettingResults) -> AnotherInput | None:
    """Return what the unbatched vectors are instead of the model's own; None where they are."""
    found = mismatch_of(setting, results.reference)
    if found is None:
        return None
    texts, variants = _which(found), setting.variants
    fits = _nearest(setting)
    if fits is not None and variants is not None:
        one, confidence = fits
        own = variants.variants[0]
        texts = _struck(found, own, one) or texts
        evidence = (
            f"in float64 that is L2 {max(one.l2):.1e} from the vectors of {text_count(len(one.l2))}"
        )
        if one.kind == "length":
            return AnotherInput(
                found,
                "the model's own directions in other lengths",
                evidence,
                confidence,
                "length",
                texts,
            )
        if own.kind == "length":
            evidence += f", the model's own {max(own.l2):.1e}"
        return AnotherInput(found, one.name, evidence, confidence, one.kind, texts)
    evidence = _how_far(found)
    told = setting.effective.pooling if setting.setting.is_server else ""
    told = _SAME_NAME.get(told, told)
    if variants is not None and told not in {"", "unknown", variants.pooling}:
        name = f"pooling by {told}, as the server tells, where the model's files ask for "
        name += variants.pooling
        return AnotherInput(found, name, evidence, "likely", "", texts)
    if found.longer_than is not None:
        return AnotherInput(found, "long texts cut short", evidence, "likely", "", texts)
    name = "another pooling, prompt or tokenizer than the model's own"
    if 2 * len(found.rows) <= found.measured:
        name = "another input for some texts than the model's own pipeline makes"
    return AnotherInput(found, name, evidence, "likely", "", texts)


def _which(found: Mismatch) -> str:
    wrong = len(found.rows)
    if wrong == found.measured:
        return f"all {text_count(wrong)}" if wrong > 1 else "the text"
    if found.longer_than is not None:
        return f"the {text_count(wrong)} of more than {found.longer_than} tokens"
    return f"{wrong} of {text_count(found.measured)}"


def _struck(found: Mismatch, own: Variant, one: Variant) -> str:
    """Say which texts are nearer to a variant than to the model's own; empty where it is unknown.

    Rounding hides some: a prompt moves texts by less than the bound that tells them wrong.
    """
    count = min(len(own.l2), len(one.l2))
    if own.kind != "length" or own is one or found.longer_than is not None or count < 2:
        return ""
    nearer = sum(b > _CLEAR * a for a, b in zip(one.l2, own.l2, strict=False))
    if nearer <= len(found.rows):
        return ""
    return f"all {text_count(count)}" if nearer == count else f"{nearer} of {text_count(count)}"


def _how_far(found: Mismatch) -> str:
    if found.error is None:
        return f"vectors have {found.widths[0]} dimensions, the model's own {found.widths[1]}"
    return f"unbatched vectors are L2 {found.error:.1e} from the float64 reference"


def _nearest(setting: SettingResults) -> tuple[Variant, Confidence] | None:
    """Return the variant that alone is as near as rounding takes a vector, and how sure it is."""
    if setting.variants is None or not setting.variants.variants:
        return None
    by_distance = sorted(setting.variants.variants, key=lambda one: max(one.l2))
    best = by_distance[0]
    far = max(best.l2)
    if len(by_distance) > 1 and max(by_distance[1].l2) < _CLEAR * far:
        return None
    if far <= same_computation(setting.effective.dtype):
        return best, "certain"
    own = next((one for one in by_distance if one.kind == "length"), None)
    known = setting.effective.dtype in {"float32", "float16", "bfloat16"}
    nearer = own is None or far * _NEARER <= max(own.l2)
    if not known and nearer and far <= same_computation("bfloat16"):
        return best, "likely"
    return None
