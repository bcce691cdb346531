"""Vectors that no distance can judge: NaN, infinities, zeros, another order, no differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.finding import Finding
from embedtui.results.usual_error import USUAL_ERROR

_RULES = {
    "swapped": Diagnosis(
        "order",
        "results in another order than texts",
        "",
        "each vector is another text's unbatched one, which no rounding does",
        "certain",
        "sort results by their request before they are used",
    ),
    "copied": Diagnosis(
        "copied",
        "one text's vector for several texts",
        "",
        "the vector is another text's unbatched one, which that text has as well",
        "certain",
        "look at how results are told apart: an index that stands still, a buffer sent twice",
    ),
    "misplaced": Diagnosis(
        "misplaced",
        "another text's vector",
        "",
        "the vector is another text's unbatched one, and those that were seen are no exchange",
        "certain",
        "look at how results are matched with their texts",
    ),
    "turned": Diagnosis(
        "turned",
        "vectors that are turned as a whole",
        "",
        "only a rotation, a mirror or another order of dimensions keeps every distance",
        "certain",
        "look at what changes signs or the order of dimensions; keep such vectors and others apart",
    ),
    "dimension": Diagnosis(
        "dimension",
        "dead or sign-turned dimensions",
        "",
        "all other dimensions agree, so these alone are lost after pooling or in its weights",
        "certain",
        "look at what writes those dimensions: a last layer, a cut, a buffer used twice",
    ),
    "length": Diagnosis(
        "length",
        "normalisation that differs between passes",
        "",
        "directions agree and lengths do not, which no rounding does",
        "certain",
        "normalise every vector, or none, on every path",
    ),
    "cached": Diagnosis(
        "cache",
        "a cache of answers",
        "",
        "what was computed once is sent again, so batches are not what is measured",
        "likely",
        "switch the cache off, or measure behind it",
    ),
    "collapsed": Diagnosis(
        "collapsed",
        "vectors that tell texts apart no more",
        "",
        "missing tokenizer files make every word [UNK], and an overflow inside may do the like",
        "likely",
        "look at the tokenizer's files, then try bfloat16 or float32",
    ),
    "zero": Diagnosis(
        "zero",
        "vectors of zeros",
        "",
        "a vector that was never filled in, or an input without tokens, gives zeros",
        "likely",
        "send these texts alone, and look at the server's log",
    ),
}


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


def of_fault(evidence: Evidence, fault: Finding) -> Diagnosis:
    """Return what a fault in the vectors comes from."""
    if fault.kind in {"nan", "inf"}:
        return _not_finite(evidence, fault)
    if fault.kind in _UNSTEADY:
        name, do = _UNSTEADY[fault.kind]
        seen = fault.message.split(":")[0]
        return Diagnosis(fault.kind, name, seen, _NO_ROUNDING, "likely", do)
    seen = (
        fault.message
        if fault.kind in {"dimension", "cached", "turned"}
        else fault.message.split(":")[0]
    )
    return replace(_RULES[fault.kind], evidence=seen)


def _not_finite(evidence: Evidence, fault: Finding) -> Diagnosis:
    """Return where NaN and infinities come from, by the dtype in force and the reference's own."""
    seen = fault.message.split(":")[0]
    reference, dtype = evidence.results.reference, evidence.setting.effective.dtype
    if reference.done.any() and not np.isfinite(reference.vectors[reference.done]).all():
        return Diagnosis(
            "weights",
            "NaN in the weights",
            f"{seen}, and float64 has infinities or NaN in them as well",
            "float64 overflows at 1e308, so no dtype is to blame",
            "likely",
            "get the model's files again, or mend its weights",
        )
    alone = evidence.setting.unbatched
    if alone.done.any() and np.isfinite(alone.vectors[alone.done]).all():
        return Diagnosis(
            "overflow",
            "infinities or NaN in batches alone",
            seen,
            "the same texts are finite alone, so it is neither the weights nor the dtype",
            "likely",
            "look at padding and masks, and at the kernel of that batch size",
        )
    if dtype == "float16":
        return Diagnosis(
            "overflow",
            "overflow in float16",
            seen,
            "float16 ends at 65504, and some hidden states are larger",
            "likely",
            "serve with bfloat16 or float32",
        )
    return Diagnosis(
        "overflow",
        f"infinities or NaN in {dtype if dtype in USUAL_ERROR else 'the vectors'}",
        seen,
        "an operation divided by zero, or there is NaN in the weights"
        + ("" if dtype in USUAL_ERROR else ", or float16 overflowed"),
        "possible",
        "look for NaN in the weights, then compare with a float64 reference",
    )
