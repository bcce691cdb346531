"""The sentences about layers: where error and drift begin, how they grow, what would mend it."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.measure.layer_errors import LayerSite
from embedtui.results.layer_results import Adds, LayerResults

_SPREAD = 0.75
"""A stretch longer than this share of the model says nothing of where an error comes from."""
_FORTIETH = 0.025
"""Growth of one place over the one before that is no growth."""


def layers_verdict(found: LayerResults, under: float | None = None) -> str:
    """Say in a few sentences what was found in the layers of a setting; empty for nothing."""
    said = [_error(found), _exact(found, under), _drift(found)]
    if found.reason:
        said.append(found.reason)
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in said if one)


def _error(found: LayerResults) -> str:
    curve, adds = found.error(), found.contributions()
    if curve is None:
        return ""
    begins = curve.begins
    if begins is None or adds is None:
        return "error against float64: none that is finite"
    first = float(curve.median[curve.places.index(begins)])
    last = float(curve.median[-1])
    where = f"error begins at {_the(begins)}, {first:.1e} of the states"
    jumps = adds.jumps
    if jumps:
        times = adds.lengths[adds.parts.index(jumps[0])] / _middle(adds)
        grows = f"jumps at {_the(jumps[0])}, which adds {times:.0f} times what the middle part adds"
    elif last > first * (1 + _FORTIETH):
        grows = f"grows evenly, to {last:.1e}"
    else:
        grows = f"does not grow, {last:.1e} at the end"
    begin, end, share, part = adds.most
    halves = ""
    if any(part.part == "attention" for part in adds.parts):
        attention, mlp = adds.share_of("attention"), adds.share_of("mlp")
        halves = f" (all attention {attention:.0%}, all MLPs {mlp:.0%})"
    most = f"{_stretch(begin, end)} {share:.0%} of it"
    if part > _SPREAD:
        most = "it comes from all over the model"
    return f"{where}, and {grows}; {most}{halves}"


def _middle(adds: Adds) -> float:
    ordered = sorted(float(length) for length in adds.lengths[:-1])
    return ordered[len(ordered) // 2] or min((one for one in ordered if one), default=1.0)


def _stretch(begin: LayerSite, end: LayerSite) -> str:
    if begin.layer >= 0 and end.layer >= 0:
        if begin.layer == end.layer:
            return f"layer {begin.layer} makes"
        return f"layers {begin.layer}–{end.layer} make"
    if begin == end:
        return f"{_the(begin)} make" if begin.part == "embeddings" else f"{_the(begin)} makes"
    named = [f"layer {one.layer}" if one.layer >= 0 else _the(one) for one in (begin, end)]
    return f"all from {named[0]} to {named[1]} makes"


def _exact(found: LayerResults, under: float | None) -> str:
    wanted, largest, everything = found.target(under), found.largest_error, found.all_exact()
    if wanted is None or largest is None or everything is None:
        return ""
    if largest <= wanted:
        return f"the final error, {largest:.1e}, is under {wanted:.1e} as it is"
    choice = found.choice(under)
    tried = found.measured_with(choice or everything)
    measured = "" if tried is None else f", {tried:.1e} measured"
    if choice is None:
        return (
            f"no layers in float32 would bring the final error, {largest:.1e}, under {wanted:.1e}: "
            f"with all of them it would still be {everything.error:.1e} as predicted{measured}"
        )
    return (
        f"in float32, {layers_named(choice.layers)} would bring the final error from "
        f"{largest:.1e} under {wanted:.1e}: to {choice.error:.1e} as predicted{measured}"
    )


def _drift(found: LayerResults) -> str:
    curve = found.drift()
    if curve is None:
        return ""
    size = found.batch_sizes[-1]
    begins = curve.moved
    if begins is None:
        return f"no batch drift in any layer at batch size {size}: all states are bitwise identical"
    place = curve.places.index(begins)
    moved = curve.texts - int(curve.identical[place])
    return (
        f"batch drift at batch size {size} begins at {_the(begins)}, in {moved} of {curve.texts} "
        f"texts, and is {float(curve.largest[-1]):.1e} at the end"
    )


def layers_named(layers: Sequence[int]) -> str:
    """Return layers as words, runs of neighbours drawn together: `layers 1, 3–5`."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][1] + 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    said = [str(a) if a == b else f"{a}–{b}" for a, b in runs]
    return f"layer{'s' if len(layers) > 1 else ''} {', '.join(said)}"


def _the(place: LayerSite) -> str:
    return str(place) if place.layer >= 0 else f"the {place}"
