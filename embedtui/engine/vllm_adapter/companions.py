"""Packages beside vLLM that text models never need, and that may break its import."""

from __future__ import annotations

import importlib
import sys

COMPANIONS = ("torchvision", "torchaudio", "torchcodec")
"""Packages that text models never need and that break `import transformers` when they were built
for another torch (`operator torchvision::nms does not exist`)."""


def hide_broken_companions() -> None:
    """Let this process believe that companions which cannot be imported are absent.

    None in sys.modules makes `import` raise ModuleNotFoundError and find_spec return None, which
    is what transformers asks before it uses them. One that works stays: some vLLM versions import
    torchvision for a warm-up on the GPU.
    """
    import torch  # noqa: F401, PLC0415 - the companions have to fail on their own account

    for name in COMPANIONS:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - it may fail in any way
            for loaded in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
                del sys.modules[loaded]
            sys.modules[name] = None  # type: ignore[assignment]
