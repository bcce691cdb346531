"""Vectors that no distance can judge: NaN, infinities, zeros, another order, no differences."""

from __future__ import annotations

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.finding import Finding
from embedtui.results.results import SettingResults


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
