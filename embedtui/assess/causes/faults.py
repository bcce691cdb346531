"""Vectors that no distance can judge: NaN, infinities, zeros, another order, no differences."""

from __future__ import annotations

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.finding import Finding
from embedtui.results.results import SettingResults

_NO_ROUNDING = "the same text in the same company differs by more than any rounding of its dtype"
_UNSTEADY = {
    "random": (
        "a random part in the model",
        "put the model into evaluation mode (dropout off), and look for any sampling in the server",
    ),
    "replicas": (
        "replicas that differ",
        "ask each replica alone, and serve one model and revision from all of them",
    ),
    "intermittent": (
        "vectors that are now and then others",
        "ask the listed texts again and again, alone and under load: a race, or a replica that "
        "seldom answers",
    ),
    "partly-zero": (
        "vectors that are partly zero",
        "ask the server's makers: results are sent before they are complete, or overwritten",
    ),
    "zero-at-times": (
        "vectors of zeros now and then",
        "ask the server's makers, and refuse vectors of zeros where they are used",
    ),
}
"""Kinds of faults that repeats show, with a name and what to do."""


def of_fault(setting: SettingResults, fault: Finding) -> Diagnosis:
    """Return what a fault in the vectors comes from."""
    seen = fault.message.split(":")[0]
    if fault.kind in {"nan", "inf"}:
        dtype = setting.effective.dtype
        narrow = dtype == "float16"
        return Diagnosis(
            "overflow",
            f"overflow in {dtype}",
            seen,
            "float16 ends at 65504, and some hidden states are larger"
            if narrow
            else "some operation divided by zero or left the range of its type",
            "likely" if narrow else "possible",
            "serve with bfloat16 or float32",
        )
    if fault.kind == "swapped":
        return Diagnosis(
            "order",
            "results in another order than texts",
            seen,
            "each vector is another text's unbatched one, which no rounding does",
            "certain",
            "sort results by their request before they are used",
        )
    if fault.kind in _UNSTEADY:
        name, do = _UNSTEADY[fault.kind]
        return Diagnosis(fault.kind, name, seen, _NO_ROUNDING, "likely", do)
    return Diagnosis(
        fault.kind,
        "vectors that tell texts apart no more"
        if fault.kind == "collapsed"
        else "vectors of zeros",
        seen,
        "missing tokenizer files make every word [UNK], and an overflow inside may do the like",
        "likely",
        "look at the tokenizer's files, then try bfloat16 or float32",
    )
