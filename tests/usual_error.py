"""Computes what a dtype costs from the shipped recordings: `python -m tests.usual_error`.

The table is `USUAL_ERROR` in `embedtui/results/usual_error.py`.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from embedtui.measure.distances import Floats
from embedtui.results.results import Results, SettingResults
from embedtui.results.usual_error import shape_class, tf32_places
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
    for _, setting, l2 in _errors():
        row, shape = largest[computes_in(setting)], shape_class(setting)
        row[shape] = max(row.get(shape, 0.0), float(l2.max()))
    return {
        dtype: {shape: rounded_up(error) for shape, error in sorted(row.items())}
        for dtype, row in sorted(largest.items())
    }


def largest_ratios() -> dict[str, float]:
    """Return the ratios that the thresholds rest on, the largest of any text in any recording.

    `median` is a text's precision error by its setting's median; by dtype, how many times its own
    error, or the median's where that is larger, a text drifts.
    """
    largest: dict[str, float] = defaultdict(float)
    for run, setting, l2 in _errors():
        largest["median"] = max(largest["median"], float((l2 / np.median(l2)).max()))
        limits = np.full(len(run.plan.pack), np.median(l2))
        limits[np.flatnonzero(run.reference.done)] = np.maximum(l2, np.median(l2))
        for size in setting.batched:
            for _, rows, drift in setting.drifts(size):
                dtype = str(setting.effective.dtype)
                largest[dtype] = max(largest[dtype], float((drift.l2 / limits[rows]).max()))
    return {name: round(value, 2) for name, value in sorted(largest.items())}


def _errors() -> Iterator[tuple[Results, SettingResults, Floats]]:
    """Yield every setting that has a precision error and is no what-if, with that of its texts.

    Servers are left out: they do not say which dtype they compute in.
    """
    for path in library.recordings().values():
        run = run_file.read(path)
        for setting in run.settings:
            found = setting.precision_error(run.reference)
            what_if = setting.setting.pooling_accumulation == "model"
            plain = not what_if and setting.setting.quantization == "none"
            if found is not None and plain and not setting.setting.is_server:
                yield run, setting, found[1].l2


if __name__ == "__main__":
    sys.stdout.write(f"{largest_ratios()}\n")
    for dtype, row in usual_errors().items():
        sys.stdout.write(f"{dtype} {row}\n")
