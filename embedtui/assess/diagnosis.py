"""What moved the vectors: a cause for each setting, named from the evidence of its run.

Every rule says what was seen, why that points to the cause, how sure it is, and what to do. The
first that fits the drift counts; faults and what qualifies the figures stand beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from embedtui.assess.finding import Finding
from embedtui.assess.trends import Threshold, token_threshold, trend_of
from embedtui.assess.verdict import is_noise
from embedtui.common.wording import text_count
from embedtui.engine.effective import EffectiveConfig
from embedtui.measure.quantization_detection import printed
from embedtui.results.results import NOISE_MARGIN, Results, SettingResults

Confidence = Literal["certain", "likely", "possible"]

USUAL_ERROR = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 1.5e-2}
"""L2 that a dtype costs against float64 where no truth was computed: what minilm and a model of 24
layers of 1024 showed on CPU and H200, rounded up."""
_TF32_FROM, _TF32_TO = 5e-5, 2e-2
"""L2 from the truth that is beyond float32's own error and within what ten bits of TF32 cost."""
_ANOTHER_INPUT = 0.1
"""L2 from the truth that no rounding explains: another pooling, prompt or tokenizer."""
_GROWS = 0.6
"""Least rank correlation of drift with the place in the batch that counts as growth."""
_NARROW = 1e-5
"""Relative L2 of one kernel to float64 that float32 never shows (it is near 1e-7; TF32's 3e-4)."""
_OTHER = 0.05
"""What is that far from float64 is another formula, not a rounded one."""
_BEYOND = 4
"""How many times its own error a dtype's rounding order may move a vector at the very most."""

_BEARABLE = "nothing, unless the scenario asks for less: then float32, or batch_invariant on a GPU"


@dataclass(frozen=True)
class Diagnosis:
    """A cause and what speaks for it."""

    cause: str
    """A word for programs."""
    name: str
    """The cause in a few words."""
    seen: str
    why: str
    confidence: Confidence
    do: str


def diagnose(results: Results, setting: SettingResults, faults: list[Finding]) -> list[Diagnosis]:
    """Return what is wrong or moves in one setting, the worst first; one entry where all is well.

    Empty where nothing batched was measured.
    """
    if faults:
        return [_of_fault(setting, fault) for fault in faults]
    found = []
    if setting.prepared is not None and setting.prepared.truncated:
        cut = setting.prepared.truncated
        longest = max(cut.values())
        found.append(
            Diagnosis(
                "truncation",
                "truncated texts",
                f"{text_count(len(cut))} {'is' if len(cut) == 1 else 'are'} longer than "
                f"{setting.effective.max_length} tokens, the longest has {longest}",
                "what comes after the limit is in no vector, so such texts look alike",
                "certain",
                "cut long texts into pieces, or take a model with a larger limit",
            )
        )
    error = setting.largest_error(results.truth)
    found += _of_precision(setting, error)
    found += _of_splits(setting)
    found += _of_wire(setting)
    found += _of_restarts(setting)
    drift = _of_drift(setting, error)
    return found + ([drift] if drift else [])


def _of_fault(setting: SettingResults, fault: Finding) -> Diagnosis:
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


def _of_precision(setting: SettingResults, error: float | None) -> list[Diagnosis]:
    """Return what the probed kernels and the distance from the truth give away."""
    if error is not None and error > _ANOTHER_INPUT:
        put_back = setting.effective.pooling_accumulation == "model"
        if setting.setting.quantization != "none" or put_back:
            return []
        return [
            Diagnosis(
                "another-input",
                "another pooling, prompt or tokenizer than the model's own",
                f"unbatched vectors are L2 {error:.1e} from the truth",
                "the truth follows the model's own files, and no dtype rounds that much",
                "likely",
                "compare pooling, prompt and token counts with the model's card",
            )
        ]
    return _of_tf32(setting, error)


def _of_tf32(setting: SettingResults, error: float | None) -> list[Diagnosis]:
    """Return where float32 was asked for and something narrower multiplies."""
    engine = setting.effective
    if engine.dtype != "float32":
        return []
    probes = {
        "the matrix product": engine.probe_matmul,
        "the attention": engine.probe_attention,
    }
    narrow = {what: value for what, value in probes.items() if value and _NARROW < value < _OTHER}
    off = error is not None and _TF32_FROM < error < _TF32_TO
    if not narrow and not off:
        return []
    seen = [f"{what} in use {_bits(value)}" for what, value in narrow.items()]
    if off:
        usual = USUAL_ERROR["float32"]
        seen.append(
            f"unbatched vectors are L2 {error:.1e} from the truth, float32's own error is about "
            f"{usual:.0e}"
        )
    name = "TF32" if engine.device == "cuda" else "fewer bits than float32 has"
    return [
        Diagnosis(
            "tf32",
            f"{name} where float32 was asked for",
            "; ".join(seen),
            _why_tf32(engine, narrow),
            "certain" if narrow else "likely" if _tf32_places(engine) else "possible",
            "set kernel_precision=ieee (TRITON_F32_DEFAULT=ieee) and matmul_precision=highest",
        )
    ]


def _bits(error: float) -> str:
    return f"is {error:.1e} from float64, which is {-math.log2(error):.0f} bits of float32's 24"


def _why_tf32(engine: EffectiveConfig, narrow: Mapping[str, float]) -> str:
    where = _tf32_places(engine)
    said = f"it runs in {' and '.join(where)}" if where else "some kernel multiplies in ten bits"
    return f"{said}; the kernels were asked, not the settings" if narrow else said


def _tf32_places(engine: EffectiveConfig) -> list[str]:
    """Return where TF32 may run by what is in force."""
    matmul = engine.matmul_precision not in {None, "highest"}
    attention = engine.kernel_precision in {"default", "tf32"} and "triton" in str(
        engine.attention_backend
    )
    invariant = engine.batch_invariant and engine.kernel_precision != "ieee"
    return [
        *(["matrix products, by matmul_precision"] if matmul else []),
        *(["Triton's attention kernel, whose products default to TF32"] if attention else []),
        *(["the batch-invariant linear layers, which are Triton's"] if invariant else []),
    ]


def _of_splits(setting: SettingResults) -> list[Diagnosis]:
    """Return that batches were not run as they were asked for."""
    split = {size: setting.of(size).split_steps for size in setting.batched}
    split = {size: steps for size, steps in split.items() if steps}
    if not split:
        return []
    size, steps = max(split.items())
    return [
        Diagnosis(
            "split",
            "batches that vLLM split",
            f"{steps} of {len(setting.of(size).steps)} steps at batch size {size} held fewer texts "
            "than were handed in together",
            "a step ends where it is full of tokens or of texts, so the company of a text is not "
            "what was asked for",
            "certain",
            "raise max_num_batched_tokens, or measure smaller batches",
        )
    ]


def _of_wire(setting: SettingResults) -> list[Diagnosis]:
    """Return that vectors lost digits after they were computed."""
    common = setting.in_common()
    dtype = setting.effective.dtype
    unknown = setting.setting.is_server and dtype not in {"float16", "bfloat16"}
    narrow = ""
    if dtype == "float32" or unknown:
        # The eight bits of a bfloat16 fit a float16's eleven.
        narrow = next((name for name in ("bfloat16", "float16") if name in common), "")
    how = printed(common)
    if how:
        narrow = ""
    elif narrow:
        how = f"a {narrow} holds every figure exactly"
    if not how or "-1, 0 or 1" in common:
        return []
    told = narrow == "" or dtype == "float32"
    why = "what is computed in float32 and scaled to length one has no such regularity"
    return [
        Diagnosis(
            "wire",
            f"{narrow} on the wire" if narrow else "rounding on the wire",
            f"{how}, in {setting.unbatched.count} vectors",
            why if told else f"{why}; or the server's last layer computes in {narrow}",
            "certain" if told else "likely",
            "ask for float32 in binary (base64), and print nine digits where text must do",
        )
    ]


def _of_restarts(setting: SettingResults) -> list[Diagnosis]:
    """Return that another engine of the same setting computes something else."""
    restarted, repeated = setting.noise("restart"), setting.noise()
    if restarted is None:
        return []
    floor = float(repeated[1].l2.max()) if repeated else None
    most = float(restarted[1].l2.max())
    if restarted[1].identical.all() or (floor is not None and most <= NOISE_MARGIN * floor):
        return []
    beside = "nothing was run again" if floor is None else f"{floor:.1e} by running again"
    return [
        Diagnosis(
            "restart",
            "another engine of the same setting",
            f"L2 {most:.1e} at most after a restart, {beside} without one",
            "kernels are tuned and chosen when an engine is loaded, by times that vary",
            "possible" if floor is None else "likely",
            "keep golden vectors per process, or fix what is tuned (eager, one attention backend)",
        )
    ]


def _of_drift(setting: SettingResults, error: float | None) -> Diagnosis | None:
    """Return why batched vectors differ from unbatched ones."""
    drifts = {size: setting.drift_in_any_order(size) for size in setting.batched}
    drifts = {size: found for size, found in drifts.items() if len(found)}
    if not drifts:
        return None
    worst = {size: float(found.l2.max()) for size, found in drifts.items()}
    most = max(worst.values())
    dtype = str(setting.effective.dtype)
    if all(bool(found.identical.all()) for found in drifts.values()):
        return Diagnosis(
            "none",
            "no drift",
            "every text has the same bits at every batch size",
            "the kernels add up in one order whatever the batch",
            "certain",
            "nothing",
        )
    if is_noise(setting):
        return _of_noise(setting, most)
    own = error or USUAL_ERROR.get(dtype, 2e-3)  # an error of 0 is no yardstick either
    size = max(worst)
    trend = trend_of(setting, size=size)
    grows = trend.by_position if trend else None
    spread = most / max(worst[min(worst)], 1e-300)
    put_back = setting.effective.pooling_accumulation == "model"
    growing = grows is not None and grows > _GROWS and spread > 2 and len(worst) > 1
    if (growing and most > own) or (put_back and most > _BEYOND * own):
        return Diagnosis(
            "accumulation",
            "accumulation in the model dtype, grows with the place in the batch",
            f"L2 {worst[min(worst)]:.1e} in batches of {min(worst)}, {worst[size]:.1e} in batches "
            f"of {size}" + _correlated(grows),
            f"a running sum over the whole batch in {dtype} loses more with every text before",
            "certain" if put_back else "likely",
            "pool in float32, as vLLM does since it adds up each text by itself: upgrade vLLM",
        )
    if most <= _BEYOND * own:
        return _of_rounding(setting, most, own, known=bool(error))
    return _beyond_rounding(setting, most, own)


def _correlated(grows: float | None) -> str:
    """Say how drift goes with the place in the batch, where that is known."""
    return "" if grows is None else f"; rank correlation with the place in the batch {grows:.2f}"


def _of_rounding(setting: SettingResults, most: float, own: float, *, known: bool) -> Diagnosis:
    """Return which order of adding up moves vectors no further than the dtype's own error."""
    threshold = token_threshold(setting)
    if threshold is not None:
        return _of_threshold(setting, threshold, most)
    return Diagnosis(
        "rounding-order",
        f"rounding order, {'below' if most <= own else 'about'} the dtype's own error",
        f"L2 {most:.1e} at most, {most / own:.1g} times what {_costly(setting)} costs anyway "
        f"({own:.1e}{'' if known else ', as usual'})",
        "another batch has another shape, for which the library takes a kernel that adds up in "
        "another order",
        "likely",
        _BEARABLE,
    )


def _of_threshold(setting: SettingResults, threshold: Threshold, most: float) -> Diagnosis:
    tokens = threshold.tokens
    do = _BEARABLE
    if setting.effective.batch_invariant:
        do = (
            "upgrade vLLM: until July 2026 (its pull request 48391) batch-invariant mode let RMS "
            "normalisation, which decoders use, take another block from 256 tokens on"
        )
    return Diagnosis(
        "token-threshold",
        f"a kernel that changes where a step holds {tokens} tokens",
        f"texts change just where they are shorter and their step is not, {threshold.explained} "
        f"of {threshold.texts} times; L2 {most:.1e} at most",
        "libraries choose a kernel, or its blocks, by the number of rows, and so the order of "
        "adding up",
        "likely",
        do,
    )


def _of_noise(setting: SettingResults, most: float) -> Diagnosis:
    if setting.effective.prefix_caching:
        return _of_cache(
            setting, f"L2 {most:.1e} at most, and as much when a text is embedded again"
        )
    return Diagnosis(
        "noise",
        "noise of running again",
        f"batches move vectors by L2 {most:.1e}, and so does the same batch run again",
        "atomic additions come in any order, as in mean pooling on a GPU",
        "likely",
        "nothing; compare with a tolerance, not bit for bit",
    )


def _costly(setting: SettingResults) -> str:
    """Return what of a setting costs precision."""
    quantised = setting.setting.quantization
    dtype = str(setting.effective.dtype)
    return dtype if quantised == "none" else f"{dtype} with {quantised}"


def _beyond_rounding(setting: SettingResults, most: float, own: float) -> Diagnosis:
    seen = f"L2 {most:.1e} at most, {most / own:.0f} times what the dtype costs"
    if _caches(setting):
        return _of_cache(setting, seen)
    return Diagnosis(
        "beyond-rounding",
        "more than rounding: padding, mask or positions",
        seen,
        "rounding in another order does not move a vector that far, and it does not grow with the "
        "place in the batch",
        "possible",
        "compare the texts that moved most: do they share a length or a place?",
    )


def _caches(setting: SettingResults) -> list[str]:
    return [key for key in ("prefix_caching", "chunked_prefill") if setting.effective.get(key)]


def _of_cache(setting: SettingResults, seen: str) -> Diagnosis:
    on = " and ".join(_caches(setting))
    return Diagnosis(
        "cache",
        on,
        seen,
        "a text's vector then depends on what was computed before it",
        "likely",
        f"switch {on} off and measure again",
    )
