"""Variants of the model's pipeline as a run file keeps them: one JSON object for each setting."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from embedtui.engine.messages import Variant
from embedtui.results.events import VariantsCompared

VARIANTS = "variants of "
"""A key of the run with the setting's number behind it; files without it hold none."""


def written(event: VariantsCompared) -> dict[str, Any]:
    """Return what `read` makes the event of."""
    return {"pooling": event.pooling, "variants": [asdict(one) for one in event.variants]}


def read(setting: int, values: dict[str, Any]) -> VariantsCompared:
    """Return the event that was written.

    Raises:
        LookupError, TypeError, ValueError: if the values are none that were written.
    """
    found = tuple(
        Variant(str(one["kind"]), str(one["name"]), tuple(float(far) for far in one["l2"]))
        for one in values["variants"]
    )
    if not all(one.l2 for one in found):
        raise ValueError("a variant was held against no text")
    return VariantsCompared(setting, found, str(values["pooling"]))
