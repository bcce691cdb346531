"""One text under the magnifying glass: its vectors, its batches, its distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure import unit
from embedtui.plan.scenarios import Metric
from embedtui.results.results import Results, SettingResults

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AtSize:
    """A text at one batch size."""

    batch_size: int
    distance: float | None
    """To the unbatched vector; None where it is equal bit for bit."""
    position: int
    together: int
    """Texts in its batch, itself among them."""
    mates: tuple[str, ...]
    """Ids of those that shared its batch and are known; a recording may have left some out."""
    steps: tuple[int, ...]
    """Texts of each step that the scheduler made of the batch."""


@dataclass(frozen=True)
class Detail:
    """All that is known of one text under one setting."""

    id: str
    text: str
    tokens: int
    truncated_from: int | None
    sizes: tuple[AtSize, ...]
    error: float | None
    """Unbatched against the reference, in the metric that was asked for."""
    drift_at: int | None
    """The batch size with the largest drift; None where every vector is equal bit for bit."""
    drift: Floats | None
    """Batched minus unbatched at that size, by dimension, of unit vectors."""
    reference: Floats | None
    """Unbatched minus reference, by dimension, of unit vectors."""


def detail_of(run: Results, setting: SettingResults, row: int, metric: Metric) -> Detail:
    """Gather what is known of the text in `row` of the pack."""
    pack = run.plan.pack
    sizes = []
    for size in setting.batched:
        rows, distances = setting.drift(size)
        place = np.flatnonzero(rows == row)
        if len(place):
            identical = bool(distances.identical[place[0]])
            value = float(getattr(distances, metric)[place[0]])
            batch = _batch(setting, size, row)
            sizes.append(
                AtSize(
                    size,
                    None if identical else value,
                    int(setting.pass_of(size).position[row]),
                    setting.pass_of(size).handed_in(batch),
                    tuple(pack.texts[mate].id for mate in batch if mate != row),
                    tuple(s for s, _ in _steps(setting, size, batch)),
                )
            )
    moved = [(one.distance, one.batch_size) for one in sizes if one.distance is not None]
    drift_at = max(moved)[1] if moved else None
    prepared = setting.prepared
    return Detail(
        id=pack.texts[row].id,
        text=pack.texts[row].text,
        tokens=prepared.tokens[row] if prepared else 0,
        truncated_from=prepared.truncated.get(row) if prepared else None,
        sizes=tuple(sizes),
        error=_error(run, setting, row, metric),
        drift_at=drift_at,
        drift=None if drift_at is None else _gap(setting, drift_at, row),
        reference=_reference_gap(run, setting, row),
    )


def _batch(setting: SettingResults, size: int, row: int) -> tuple[int, ...]:
    return next((rows for rows in setting.pass_of(size).batch_rows if row in rows), ())


def _steps(
    setting: SettingResults, size: int, rows: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    found = setting.pass_of(size).batch(rows)
    return () if found is None else found[1]


def _gap(setting: SettingResults, size: int, row: int) -> Floats:
    one = unit(setting.pass_of(size).vectors[row : row + 1])
    gap: Floats = (one - unit(setting.unbatched.vectors[row : row + 1]))[0]
    return gap


def _reference_gap(run: Results, setting: SettingResults, row: int) -> Floats | None:
    reference, unbatched = run.reference, setting.unbatched
    if not reference.done[row] or reference.vectors.shape != unbatched.vectors.shape:
        return None
    exact = unit(reference.vectors[row : row + 1])
    gap: Floats = (unit(unbatched.vectors[row : row + 1]) - exact)[0]
    return gap


def _error(run: Results, setting: SettingResults, row: int, metric: Metric) -> float | None:
    found = setting.precision_error(run.reference)
    if found is None:
        return None
    place = np.flatnonzero(found[0] == row)
    return float(getattr(found[1], metric)[place[0]]) if len(place) else None
