"""Computes what a dtype costs from the shipped recordings: `python -m tests.usual_error`.

The table is `USUAL_ERROR` in `embedtui/assess/usual_error.py`.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict

from embedtui.assess.usual_error import shape_class, tf32_places
from embedtui.results.results import SettingResults
from embedtui.storage import library, run_file


def computes_in(setting: SettingResults) -> str:
    """Return the dtype that multiplies: TF32 where float32 was asked for and a kernel uses it."""
    dtype = str(setting.effective.dtype)
    return "tf32" if dtype == "float32" and tf32_places(setting.effective) else dtype


def rounded_up(value: float) -> float:
    """Return the value with two significant digits, rounded up."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.1e}")


def usual_errors() -> dict[str, dict[str, float]]:
    """Return the largest precision error, L2, by dtype and shape class, over all recordings.

    What-ifs that add to a dtype's error (quantised weights, pooling in the model's dtype) are left
    out.
    """
    largest: dict[str, dict[str, float]] = defaultdict(dict)
    for path in library.recordings().values():
        run = run_file.read(path)
        for setting in run.settings:
            error = setting.largest_error(run.reference)
            what_if = setting.setting.pooling_accumulation == "model"
            if error is None or what_if or setting.setting.quantization != "none":
                continue
            row, shape = largest[computes_in(setting)], shape_class(setting)
            row[shape] = max(row.get(shape, 0.0), error)
    return {
        dtype: {shape: rounded_up(error) for shape, error in sorted(row.items())}
        for dtype, row in sorted(largest.items())
    }


if __name__ == "__main__":
    for dtype, row in usual_errors().items():
        sys.stdout.write(f"{dtype} {row}\n")
