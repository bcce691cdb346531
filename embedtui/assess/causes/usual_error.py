"""What a dtype costs where no float64 truth says it."""

from __future__ import annotations

USUAL_ERROR = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 1.5e-2}
"""L2 that a dtype costs against float64 where no truth was computed: what minilm and a model of 24
layers of 1024 showed on CPU and H200, rounded up."""
BEYOND = 4
"""How many times its own error a dtype's rounding order may move a vector at the very most."""
