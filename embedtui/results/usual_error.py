"""What a dtype costs against float64, by the shape of the model, where no reference says it."""

from __future__ import annotations

from typing import Literal

from embedtui.engine.effective import EffectiveConfig
from embedtui.results.results import SettingResults

ShapeClass = Literal["narrow encoder", "wide encoder", "decoder"]

USUAL_ERROR: dict[str, dict[ShapeClass, float]] = {
    "float32": {"narrow encoder": 8.1e-7, "wide encoder": 2.8e-6, "decoder": 7.0e-6},
    "tf32": {"narrow encoder": 3.7e-3, "wide encoder": 9.6e-3, "decoder": 3.5e-3},
    "float16": {"narrow encoder": 1.6e-3, "wide encoder": 2.6e-3, "decoder": 7.4e-3},
    "bfloat16": {"narrow encoder": 1.3e-2, "wide encoder": 2.4e-2, "decoder": 5.2e-2},
}
"""Largest L2 against float64 of any text in the shipped recordings, rounded up to two digits:
all-MiniLM-L6-v2 (6 layers of 384) is the narrow encoder, 24 layers of 1024 the wide one, 28 layers
of 1024 the decoder, the last two with random weights. `tf32` is float32 with a kernel that
multiplies in TF32. `python -m tests.usual_error` computes them."""

BEYOND = 4
"""How many times the usual error, or that of the run's other texts, no rounding reaches: the
largest error of a text in the recordings is 1.5 times the median of its setting."""
_ANOTHER_ORDER = {"float16": 1.75, "bfloat16": 1.75}
"""How many times its own error another order of adding up may move a vector: two independent errors
of one size differ by its square root of 2, and the recordings show 0.9 at most."""
_NARROW = 512
"""Wider vectors are taken for a wide encoder's, whose errors are larger."""


def shape_class(setting: SettingResults) -> ShapeClass:
    """Return which of the recorded models a setting's is most like, by pooling and width."""
    if setting.effective.pooling == "last":
        return "decoder"
    width = setting.unbatched.vectors.shape[1]
    return "narrow encoder" if 0 < width < _NARROW else "wide encoder"


def usual_error(setting: SettingResults) -> float:
    """Return what the dtype in force costs, L2; of an unknown dtype what bfloat16 does."""
    row = USUAL_ERROR.get(str(setting.effective.dtype), USUAL_ERROR["bfloat16"])
    return row[shape_class(setting)]


def reach(dtype: str | None) -> float:
    """Return how many times its own error a dtype's rounding order may move a vector.

    float32's own error is so near the last bit that adding up may differ more: the recordings show
    2.0 times.
    """
    return _ANOTHER_ORDER.get(str(dtype), BEYOND)


def fitting_dtypes(setting: SettingResults, l2: float) -> list[str]:
    """Return the dtypes, narrowest last, whose rounding may move a vector that far."""
    shape = shape_class(setting)
    names = ("float32", "float16", "bfloat16")
    return [name for name in names if l2 <= reach(name) * USUAL_ERROR[name][shape]]


def tf32_places(engine: EffectiveConfig) -> list[str]:
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
