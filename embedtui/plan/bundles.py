"""Bundles: settings that have a name, because people ask for what they are good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedtui.common.machine import Device
from embedtui.common.suggest import unknown


@dataclass(frozen=True)
class Bundle:
    """Values of switches under one name."""

    help: str
    values: Mapping[str, Any]
    on_gpu: Mapping[str, Any]
    """What is added where there are GPU kernels to choose."""

    def on(self, device: Device) -> dict[str, list[Any]]:
        """Return the values to try on a device, one for each switch."""
        values = {**self.values, **(self.on_gpu if device == "cuda" else {})}
        return {key: [value] for key, value in values.items()}


BUNDLES = {
    "fast": Bundle(
        "bfloat16 in compiled kernels, TF32 where float32 is left",
        {"dtype": "bfloat16", "execution": "compiled"},
        {"matmul_precision": "high"},
    ),
    "default": Bundle(
        "what vLLM does when it is asked for nothing",
        {"dtype": "auto", "execution": "compiled"},
        {},
    ),
    "strict-float32": Bundle(
        "float32 with IEEE products also inside Triton's kernels",
        {"dtype": "float32"},
        {"kernel_precision": "ieee"},
    ),
    "invariant": Bundle(
        "vLLM's batch-invariant kernels in float16",
        {"dtype": "float16", "batch_invariant": True},
        {},
    ),
    "strict-invariant": Bundle(
        "batch-invariant kernels in float32 with IEEE products",
        {"dtype": "float32", "batch_invariant": True},
        {"kernel_precision": "ieee"},
    ),
}


def bundle(name: str) -> Bundle:
    """Return the bundle of a name.

    Raises:
        InputError: if there is none.
    """
    if name not in BUNDLES:
        raise unknown("bundle", name, BUNDLES)
    return BUNDLES[name]
