"""The part of the report that is about a setting's layers; docs/report.md explains it."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedtui.assess.layer_verdict import layers_verdict
from embedtui.measure import finite
from embedtui.measure.layer_errors import LayerSite
from embedtui.report.report_types_layers import (
    LayersReport,
    NoLayersReport,
    SiteReport,
    StatesReport,
)
from embedtui.results.layer_results import Curve
from embedtui.results.results import Results, SettingResults


def build(results: Results, setting: SettingResults) -> LayersReport | NoLayersReport | None:
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
        "sites": _places(setting),
        "error": finite(found.largest_error),
        "sum_gap": finite(sum_gap(results, setting)),
        "independence": finite(found.independence),
        "one_exact": _numbers(found.alone()),
        "target": finite(found.target(under)),
        "float32": None
        if choice is None
        else {
            "layers": list(choice.layers),
            "predicted": choice.error,
            "measured": finite(found.measured_with(choice)),
            "all_sets_tried": not choice.greedy,
        },
        "all_float32": None
        if everything is None
        else {
            "predicted": everything.error,
            "measured": finite(found.measured_with(everything)),
        },
        "verdict": layers_verdict(found, under),
    }


def figures(place: SiteReport, found: LayersReport) -> dict[str, str]:
    """Return a place's figures as a table shows them, by column; empty for what is not there."""
    error, drift, exact = place["error"], place["drift"], None
    if place["layer"] is not None and place["part"] in {"mlp", "layer"} and found["one_exact"]:
        exact = found["one_exact"][place["layer"]]
    equal = drift is not None and drift["identical"] == drift["texts"]
    share = place["share"]
    return {
        "error": _shown(None if error is None else error["p50"]),
        "growth": f"{error['ratio']:.2f}" if error and error["ratio"] is not None else "",
        "adds": _shown(place["contribution"]),
        # No share is shown as -0%.
        "share": "" if share is None else f"{round(share, 2) + 0.0:.0%}",
        "drift": "bitwise" if equal else _shown(None if drift is None else drift["max"]),
        "equal": f"{drift['identical']}/{drift['texts']}" if drift else "",
        "exact": _shown(exact),
    }


COLUMNS_EXPLAINED = (
    "error: relative L2 of states to float64, median over texts; growth: over the place before; "
    "adds: what this part alone moves the final vector, L2; drift: of a batch, largest; equal: "
    "texts whose states in a batch are bitwise those alone; exact: the final error, largest, with "
    "this layer alone in float32"
)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1e}" if value else "0"


def sum_gap(results: Results, setting: SettingResults) -> float | None:
    """Return how far the parts' sum is from the precision error that the run measured itself."""
    error = setting.precision_error(results.reference)
    if error is None:
        return None
    rows, distances = error
    return setting.layers.sum_gap(
        {int(row): float(l2) for row, l2 in zip(rows, distances.l2, strict=True)}
    )


def _places(setting: SettingResults) -> list[SiteReport]:
    found = setting.layers
    error, drift, contributions = found.error(), found.drift(), found.contributions()
    curve = error or drift
    assert curve is not None, "something is there"
    places = (*curve.places, LayerSite("pooling"))
    listed: list[SiteReport] = []
    for number, place in enumerate(places):
        listed.append(
            {
                "part": place.part,
                "layer": place.layer if place.layer >= 0 else None,
                "name": str(place),
                "error": _at(error, place),
                "drift": _at(drift, place),
                "contribution": finite(contributions.lengths[number] if contributions else None),
                "share": finite(contributions.shares[number] if contributions else None),
            }
        )
    return listed


def _at(curve: Curve | None, place: LayerSite) -> StatesReport | None:
    """Return a curve at a place; a layer that is not split is there as its MLP."""
    if curve is None:
        return None
    for known in (place, LayerSite("mlp", place.layer)):
        if known in curve.places:
            at = curve.places.index(known)
            return {
                "max": finite(curve.largest[at]),
                "p50": finite(curve.median[at]),
                "ratio": finite(curve.ratios[at]),
                "identical": int(curve.identical[at]),
                "texts": curve.texts,
            }
    return None


def _numbers(values: np.ndarray[Any, Any] | None) -> list[float | None] | None:
    return None if values is None else [finite(float(value)) for value in values]
