"""float32 was asked for, and some kernel multiplies in fewer bits."""

from __future__ import annotations

import math
from collections.abc import Mapping

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.causes.wire import lost_digits
from embedtui.engine.effective import EffectiveConfig
from embedtui.results.mismatch import TF32_FROM, TF32_TO
from embedtui.results.usual_error import tf32_places, usual_error

_NARROW = 1e-5
"""Relative L2 of one kernel to float64 that float32 never shows (it is near 1e-7; TF32's 3e-4)."""
_OTHER = 0.05
"""What is that far from float64 is another formula, not a rounded one."""
_ABOVE_NOISE = 10
"""How many times the noise floor an error has to be, for noise not to be why."""


def tf32(evidence: Evidence) -> list[Diagnosis]:
    """Return where float32 was asked for and something narrower multiplies."""
    engine, error = evidence.setting.effective, evidence.error
    wrong = evidence.errors is not None and evidence.errors.mostly_wrong
    if engine.dtype != "float32" or wrong:
        return []
    probes = {
        "the matrix product": engine.probe_matmul,
        "the attention": engine.probe_attention,
    }
    narrow = {what: value for what, value in probes.items() if value and _NARROW < value < _OTHER}
    noisy = error is not None and error < _ABOVE_NOISE * (evidence.noise_floor or 0.0)
    lost = lost_digits(evidence, evidence.setting.in_common())
    off = error is not None and TF32_FROM < error < TF32_TO and not noisy and not lost
    if not narrow and not off:
        return []
    seen = [f"{what} in use {_bits(value)}" for what, value in narrow.items()]
    if off:
        usual = usual_error(evidence.setting)
        seen.append(
            f"unbatched vectors are L2 {error:.1e} from the float64 reference, float32's own error "
            f"is about {usual:.0e}"
        )
    name = "TF32" if engine.device == "cuda" else "fewer bits than float32 has"
    return [
        Diagnosis(
            "tf32",
            f"{name} where float32 was asked for",
            "; ".join(seen),
            _why_tf32(engine, narrow),
            "certain" if narrow else "likely" if tf32_places(engine) else "possible",
            _mend(engine),
        )
    ]


def _mend(engine: EffectiveConfig) -> str:
    """Return the switches that take TF32 away, those that do so already left out."""
    switches = []
    if engine.kernel_precision != "ieee":
        switches.append("kernel_precision=ieee (TRITON_F32_DEFAULT=ieee)")
    if engine.matmul_precision != "highest":
        switches.append("matmul_precision=highest")
    if not switches:
        return "compare with another version of vLLM: its switches are at their most precise"
    return f"set {' and '.join(switches)}"


def _bits(error: float) -> str:
    return f"is {error:.1e} from float64, which is {-math.log2(error):.0f} bits of float32's 24"


def _why_tf32(engine: EffectiveConfig, narrow: Mapping[str, float]) -> str:
    where = tf32_places(engine)
    said = f"it runs in {' and '.join(where)}" if where else "some kernel multiplies in ten bits"
    return f"{said}; the kernels were asked, not the settings" if narrow else said
