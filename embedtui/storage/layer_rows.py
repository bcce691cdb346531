"""What a run file keeps of layers: an event as its kind, facts in JSON, and figures as bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.measure.layer_errors import ErrorDecomposition, LayerSite
from embedtui.results.events import LayersCompared, LayersFailed, LayersJudged, LayersMixed

LayerEvent = LayersCompared | LayersJudged | LayersMixed | LayersFailed


def written(event: LayerEvent) -> tuple[str, str, bytes]:
    """Return kind, facts and figures of an event."""
    match event:
        case LayersCompared():
            facts: dict[str, Any] = {
                "batch_size": event.batch_size,
                "rows": event.rows,
                "places": event.places,
                "identical": event.identical.astype(int).tolist(),
                "steps": event.steps,
            }
            return "compared", _json(facts), _bytes(event.relative)
        case LayersJudged():
            facts = {"row": event.row, "places": event.budget.places, "layers": len(event.alone)}
            figures = (event.relative, event.alone, event.budget.parts)
            return "judged", _json(facts), b"".join(map(_bytes, figures))
        case LayersMixed():
            facts = {"layers": event.layers, "rows": event.rows}
            return "mixed", _json(facts), _bytes(event.errors)
        case LayersFailed():
            return "failed", _json({"reason": event.reason}), b""


def read(setting: int, kind: str, facts: dict[str, Any], figures: bytes) -> LayerEvent:
    """Return the event that was written.

    Raises:
        LookupError, ValueError, TypeError: if the bytes are not those that were written.
    """
    values = np.frombuffer(figures, dtype="<f8")
    match kind:
        case "compared":
            places, rows = _places(facts), tuple(facts["rows"])
            return LayersCompared(
                setting,
                facts["batch_size"],
                rows,
                places,
                values.reshape(len(rows), len(places)),
                np.asarray(facts["identical"], dtype=np.bool_).reshape(len(rows), len(places)),
                tuple((int(a), int(b)) for a, b in facts["steps"]),
            )
        case "judged":
            places, layers = _places(facts), int(facts["layers"])
            alone = len(places) + layers
            parts = alone + 1
            budget = ErrorDecomposition(values[alone:].reshape(parts, parts), places)
            return LayersJudged(
                setting, facts["row"], values[: len(places)], budget, values[len(places) : alone]
            )
        case "mixed":
            return LayersMixed(setting, tuple(facts["layers"]), tuple(facts["rows"]), values)
        case "failed":
            return LayersFailed(setting, str(facts["reason"]))
    raise ValueError(f"unknown kind of layers {kind!r}")


def _places(facts: dict[str, Any]) -> tuple[LayerSite, ...]:
    return tuple(LayerSite.from_names(part, int(layer)) for part, layer in facts["places"])


def _bytes(values: npt.NDArray[np.float64]) -> bytes:
    return values.astype("<f8").tobytes()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
