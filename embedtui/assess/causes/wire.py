"""Vectors that lost digits after they were computed, on the way to who asked for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.assess.causes.cause import Confidence, Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.measure.quantization_detection import Digits, printed
from embedtui.results.mismatch import WIRE_ERROR

_DO = "ask for float32 in binary (base64), and print nine digits where text must do"
_WHY = "what is computed in float32 and scaled to length one has no such regularity"
_GLANCE = 4
"""Vectors that are looked at first: what they lack, all lack."""


def wire(evidence: Evidence) -> list[Diagnosis]:
    """Return that the unbatched vectors, and so all, lost digits."""
    common = evidence.setting.in_common()
    how = lost_digits(evidence, common)
    if not how:
        return []
    narrow = _narrow(evidence, common)
    dtype = evidence.setting.effective.dtype
    told = not how.startswith("a ") or dtype in {"float32", "float16"}
    confidence: Confidence = "certain" if told else "likely"
    return [
        Diagnosis(
            "wire",
            f"{narrow} on the wire" if narrow else "rounding on the wire",
            f"{how}, in {evidence.setting.unbatched.count} vectors",
            _WHY if told else f"{_WHY}; or the server's last layer computes in {narrow}",
            confidence,
            _what_to_do(evidence),
        )
    ]


def _what_to_do(evidence: Evidence) -> str:
    """Return how to get all digits; base64 is no advice where it is ignored or what came."""
    here = evidence.setting
    same = [
        one.effective.came_as
        for one in evidence.results.settings
        if one.setting.model == here.setting.model and one.setting.encoding == "base64"
    ]
    if any("float" in came for came in same):
        return "have the server print nine digits: it ignores base64"
    if "base64" in here.effective.came_as:
        return "have the server send float32 as it was computed: it was rounded before base64"
    return _DO


def wire_of_batches(evidence: Evidence) -> Diagnosis | None:
    """Return that batched vectors alone lost digits, and drift no farther for it than that."""
    if lost_digits(evidence, evidence.setting.in_common()):
        return None
    found: dict[int, str] = {}
    for (size, draw), pass_ in sorted(evidence.setting.passes.items()):
        if size == 1 or draw.kind not in {"first", "shuffle"} or evidence.drift_at(size) == 0:
            continue
        common = _in_common(pass_.vectors[pass_.done])
        how, narrow = lost_digits(evidence, common), _narrow(evidence, common)
        within = evidence.drift_at(size) <= max(WIRE_ERROR.get(narrow, 1e-3), evidence.own_error)
        if not how or not within:
            return None
        found[size] = how
    if not found:
        return None
    how = next(iter(found.values()))
    return Diagnosis(
        "wire",
        "rounding on the wire, of batches alone",
        f"{how} at batch size {', '.join(map(str, found))} and none unbatched",
        _WHY,
        "certain",
        _what_to_do(evidence),
    )


def lost_digits(evidence: Evidence, common: frozenset[str]) -> str:
    """Say what all figures have in common that a wire alone explains; empty for nothing."""
    if "-1, 0 or 1" in common:
        return ""
    narrow = _narrow(evidence, common)
    return f"a {narrow} holds every figure exactly" if narrow else printed(common)


def _narrow(evidence: Evidence, common: frozenset[str]) -> str:
    """Return the narrower dtype that holds every figure, where computing in it is not why."""
    if printed(common):
        return ""
    dtype = evidence.setting.effective.dtype
    if dtype == "float16":
        # The eight bits of a bfloat16 fit a float16's eleven, which computing fills.
        return "bfloat16" if "bfloat16" in common else ""
    unknown = evidence.setting.setting.is_server and dtype != "bfloat16"
    if dtype != "float32" and not unknown:
        return ""
    return next((name for name in ("bfloat16", "float16") if name in common), "")


def _in_common(vectors: npt.NDArray[np.float32]) -> frozenset[str]:
    few = vectors[:_GLANCE]
    if not len(few) or not Digits(len(few)).grown(np.ones(len(few), dtype=np.bool_), few):
        return frozenset()
    return Digits(len(vectors)).grown(np.ones(len(vectors), dtype=np.bool_), vectors)
