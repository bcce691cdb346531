"""Why batched vectors differ from unbatched ones: the first rule that fits counts."""

from __future__ import annotations

from collections.abc import Callable

from embedtui.assess.causes.batch_scale import batch_scale
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.causes.tf32 import tf32
from embedtui.assess.causes.where import where
from embedtui.assess.causes.wire import wire_of_batches
from embedtui.assess.noise import effect_size, is_noise, repeats_differ
from embedtui.assess.trends import token_threshold, trend_of
from embedtui.common.wording import text_count
from embedtui.results.usual_error import BEYOND, fitting_dtypes

_GROWS = 0.6
"""Least rank correlation of drift with the place in the batch that counts as growth."""


def _if_less_is_asked(evidence: Evidence) -> str:
    """Say what helps where the use bears less, and is not in force already."""
    effective = evidence.setting.effective
    further = [] if effective.dtype == "float32" else ["float32"]
    if effective.device == "cuda" and not effective.batch_invariant:
        further.append("batch_invariant")
    if not further:
        return "nothing, unless the scenario asks for less: then keep the batches equal"
    return f"nothing, unless the scenario asks for less: then {' or '.join(further)}"


Rule = Callable[[Evidence], Diagnosis | None]


def drift(evidence: Evidence) -> list[Diagnosis]:
    """Return why batched vectors differ from unbatched ones; empty where none were measured."""
    if not evidence.drifts:
        return []
    found = next(found for rule in DRIFT_RULES if (found := rule(evidence)) is not None)
    # Where fewer bits multiply, the error is no float32's: it is no yardstick for rounding order.
    return [] if found.cause == "rounding-order" and tf32(evidence) else [found]


def no_drift(evidence: Evidence) -> Diagnosis | None:
    """Return that nothing moves."""
    if not all(bool(found.identical.all()) for found in evidence.drifts.values()):
        return None
    if repeats_differ(evidence.setting):
        return _unsteady(evidence)
    return Diagnosis(
        "none",
        "no drift",
        "every text has the same bits at every batch size",
        "the kernels add up in one order whatever the batch",
        "certain",
        "nothing",
    )


def noise(evidence: Evidence) -> Diagnosis | None:
    """Return that running again moves vectors as much as batches do; with a cache, nearly so."""
    most = evidence.largest_drift
    repeated = evidence.setting.noise()
    again = float(repeated[1].l2.max()) if repeated else 0.0
    if evidence.setting.effective.prefix_caching and again > most / 10:
        return _cache(evidence, f"L2 {most:.1e} at most, and {again:.1e} when embedded again")
    if not is_noise(evidence.setting):
        return None
    return Diagnosis(
        "noise",
        "noise of running again",
        f"batches move vectors by L2 {most:.1e}, and so does the same again"
        + (f": {effect}" if (effect := effect_size(evidence.setting)) else ""),
        "atomic additions come in any order, as in mean pooling on a GPU",
        "likely",
        "nothing; compare with a tolerance, not bit for bit",
    )


def _unsteady(evidence: Evidence) -> Diagnosis:
    """Return that running again moves vectors although batches do not."""
    noise = evidence.setting.noise()
    assert noise is not None
    return Diagnosis(
        "noise",
        "noise of running again",
        "every text has the same bits at every batch size, but not when it is run again: L2 up to "
        f"{float(noise[1].l2.max()):.1e}",
        "whatever varies from run to run spared the batches by chance",
        "likely",
        "compare with a tolerance, not bit for bit: golden vectors and cache keys do not hold",
    )


def accumulation(evidence: Evidence) -> Diagnosis | None:
    """Return that a running sum over the batch loses more with every text before."""
    setting, most = evidence.setting, evidence.largest_drift
    worst = evidence.largest_drifts
    size = max(worst)
    trend = trend_of(setting, size=size)
    grows = trend.by_position if trend else None
    certain = trend is not None and grows is not None and trend.interval(grows).low > 0
    spread = most / max(worst[min(worst)], 1e-300)
    put_back = setting.effective.pooling_accumulation == "model"
    growing = certain and (grows or 0.0) > _GROWS and spread > 2 and len(worst) > 1
    own = evidence.own_error
    if not ((growing and most > own) or (put_back and most > BEYOND * own)):
        return None
    correlated = (
        "" if grows is None else f"; rank correlation with the place in the batch {grows:.2f}"
    )
    return Diagnosis(
        "accumulation",
        "accumulation in the model dtype, grows with the place in the batch",
        f"L2 {worst[min(worst)]:.1e} in batches of {min(worst)}, {worst[size]:.1e} in batches "
        f"of {size}{correlated}",
        f"a running sum over the whole batch in {setting.effective.dtype} loses more with every "
        "text before",
        "certain" if put_back else "likely",
        "pool in float32, as vLLM does since it adds up each text by itself: upgrade vLLM",
    )


def threshold(evidence: Evidence) -> Diagnosis | None:
    """Return that a kernel changes with the tokens of its step, within the dtype's own error."""
    if len(evidence.beyond):
        return None
    found = token_threshold(evidence.setting)
    if found is None:
        return None
    do = _if_less_is_asked(evidence)
    if evidence.setting.effective.batch_invariant:
        do = (
            "upgrade vLLM: until July 2026 (its pull request 48391) batch-invariant mode let RMS "
            "normalisation, which decoders use, take another block from 256 tokens on"
        )
    return Diagnosis(
        "token-threshold",
        f"a kernel that changes where a step holds {found.tokens} tokens",
        f"texts change just where they are shorter and their step is not, {found.explained} "
        f"of {found.texts} times; L2 {evidence.largest_drift:.1e} at most",
        "libraries choose a kernel, or its blocks, by the number of rows, and so the order of "
        "adding up",
        "likely",
        do,
    )


def rounding_order(evidence: Evidence) -> Diagnosis | None:
    """Return that an order of adding up moves no text farther than the dtype's own error."""
    if len(evidence.beyond):
        return None
    most, own = evidence.largest_drift, evidence.own_error
    name = f"rounding order, {'below' if most <= own else 'about'} the dtype's own error"
    seen = (
        f"L2 {most:.1e} at most, {most / own:.1g} times what {_costly(evidence)} costs anyway "
        f"({own:.1e}{'' if evidence.error else ', as usual'})"
    )
    if not evidence.knows_dtype and evidence.error is None:
        fitting = fitting_dtypes(evidence.setting, most)
        name = f"rounding order, if the server computes in {' or '.join(fitting)}"
        seen = f"L2 {most:.1e} at most, {_fits(fitting)}; the server does not tell its dtype"
    return Diagnosis(
        "rounding-order",
        name,
        seen + where(evidence),
        "another batch has another shape, for which the library takes a kernel that adds up in "
        "another order",
        "likely",
        _if_less_is_asked(evidence),
    )


def beyond_rounding(evidence: Evidence) -> Diagnosis:
    """Return what is left: more than rounding does."""
    most, own = evidence.largest_drift, evidence.own_error
    struck, measured = len(evidence.beyond), evidence.setting.unbatched.count
    everywhere = struck == measured
    seen = (
        f"L2 {most:.1e} at most, {most / own:.2g} times what the dtype costs, in {struck} of "
        f"{text_count(measured)}{where(evidence)}"
    )
    if _caches(evidence):
        return _cache(evidence, seen)
    return Diagnosis(
        "beyond-rounding",
        "more than rounding: quantisation over the batch, padding, mask or positions"
        if everywhere
        else "more than rounding: padding, mask or positions",
        seen,
        f"rounding in another order does not move a vector that far{_with_place(evidence)}",
        "possible",
        "compare the texts that moved most: see whether they share a length or a place",
    )


def _with_place(evidence: Evidence) -> str:
    """Say whether drift goes with the place in the batch, where an interval says either."""
    trend = trend_of(evidence.setting, size=max(evidence.largest_drifts))
    if trend is None or trend.by_position is None:
        return ""
    found, interval = trend.by_position, trend.interval(trend.by_position)
    if interval.low > 0:
        return f"; it grows with the place in the batch (rank correlation {found:.2f})"
    return "; it was not seen to grow with the place in the batch" if 0 in interval else ""


DRIFT_RULES: tuple[Rule, ...] = (
    no_drift,
    noise,
    wire_of_batches,
    accumulation,
    threshold,
    rounding_order,
    batch_scale,
    beyond_rounding,
)
"""In the order in which they are tried."""


def _costly(evidence: Evidence) -> str:
    """Return what of a setting costs precision."""
    quantised = evidence.setting.setting.quantization
    dtype = str(evidence.setting.effective.dtype)
    return dtype if quantised == "none" else f"{dtype} with {quantised}"


def _fits(fitting: list[str]) -> str:
    """Say which dtypes a drift would fit, and which are too precise for it."""
    names = ("float32", "float16", "bfloat16")
    beyond = [name for name in names if name not in fitting]
    said = f"usual for {' and '.join(fitting)}"
    return f"{said}, beyond {' and '.join(beyond)}" if beyond else said


def _caches(evidence: Evidence) -> list[str]:
    effective = evidence.setting.effective
    return [key for key in ("prefix_caching", "chunked_prefill") if effective.get(key)]


def _cache(evidence: Evidence, seen: str) -> Diagnosis:
    on = " and ".join(_caches(evidence))
    return Diagnosis(
        "cache",
        on,
        seen,
        "a text's vector then depends on what was computed before it",
        "likely",
        f"switch {on} off and measure again",
    )
