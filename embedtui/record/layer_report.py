"""The part of the report that is about a setting's layers; docs/report.md explains it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from embedtui.measure.layers import Place
from embedtui.study.layer_results import Curve
from embedtui.study.layer_verdict import of_layers
from embedtui.study.results import Results, SettingResults


def build(results: Results, setting: SettingResults) -> dict[str, Any] | None:
    """Return what is known of the layers as plain values; None where nobody looked."""
    found = setting.layers
    if not found.there:
        return {"reason": found.reason} if found.reason else None
    under = results.plan.layers_under
    choice, everything = found.choice(under), found.all_exact()
    size = max(found.batch_sizes, default=0)
    low, high = found.realised(size)
    return {
        "reason": found.reason,
        "texts": len(found.rows),
        "batch": {"batch_size": size, "min": low, "max": high} if size else None,
        "places": _places(setting),
        "error": _number(found.largest_error),
        "sum_gap": _number(sum_gap(results, setting)),
        "independence": _number(found.independence),
        "one_exact": _numbers(found.alone()),
        "wanted": _number(found.wanted(under)),
        "float32": choice
        and {
            "layers": list(choice.layers),
            "predicted": choice.error,
            "measured": _number(found.measured_with(choice)),
            "all_sets_tried": not choice.greedy,
        },
        "all_float32": everything
        and {"predicted": everything.error, "measured": _number(found.measured_with(everything))},
        "verdict": of_layers(found, under),
    }


def sum_gap(results: Results, setting: SettingResults) -> float | None:
    """Return how far the parts' sum is from the precision error that the run measured itself."""
    error = setting.precision_error(results.truth)
    if error is None:
        return None
    rows, distances = error
    return setting.layers.sum_gap(
        {int(row): float(l2) for row, l2 in zip(rows, distances.l2, strict=True)}
    )


def _places(setting: SettingResults) -> list[dict[str, Any]]:
    found = setting.layers
    error, drift, adds = found.error(), found.drift(), found.adds()
    curve = error or drift
    assert curve is not None, "something is there"
    places = (*curve.places, Place("pooling"))
    listed = []
    for number, place in enumerate(places):
        listed.append(
            {
                "part": place.part,
                "layer": place.layer if place.layer >= 0 else None,
                "name": str(place),
                "error": _at(error, place),
                "drift": _at(drift, place),
                "adds": _number(adds.lengths[number] if adds else None),
                "share": _number(adds.shares[number] if adds else None),
            }
        )
    return listed


def _at(curve: Curve | None, place: Place) -> dict[str, Any] | None:
    """Return a curve at a place; a layer that is not split is there as its MLP."""
    if curve is None:
        return None
    for known in (place, Place("mlp", place.layer)):
        if known in curve.places:
            at = curve.places.index(known)
            return {
                "max": _number(curve.largest[at]),
                "p50": _number(curve.median[at]),
                "ratio": _number(curve.ratios[at]),
                "identical": int(curve.identical[at]),
                "texts": curve.texts,
            }
    return None


def _number(value: float | None) -> float | None:
    """JSON has no NaN: a figure that means nothing is null."""
    return None if value is None or not math.isfinite(value) else float(value)


def _numbers(values: np.ndarray[Any, Any] | None) -> list[float | None] | None:
    return None if values is None else [_number(float(value)) for value in values]
