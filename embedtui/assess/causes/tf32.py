"""float32 was asked for, and some kernel multiplies in fewer bits."""

from __future__ import annotations

import math
from collections.abc import Mapping

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.causes.inputs import is_another
from embedtui.assess.causes.usual_error import USUAL_ERROR
from embedtui.engine.effective import EffectiveConfig

_TF32_FROM, _TF32_TO = 5e-5, 2e-2
"""L2 from the truth that is beyond float32's own error and within what ten bits of TF32 cost."""
_NARROW = 1e-5
"""Relative L2 of one kernel to float64 that float32 never shows (it is near 1e-7; TF32's 3e-4)."""
_OTHER = 0.05
"""What is that far from float64 is another formula, not a rounded one."""


def tf32(evidence: Evidence) -> list[Diagnosis]:
    """Return where float32 was asked for and something narrower multiplies."""
    engine, error = evidence.setting.effective, evidence.error
    if engine.dtype != "float32" or is_another(evidence):
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
