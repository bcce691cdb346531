"""The figures of one setting as the screens show them, computed from its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from embedtui.assess import verdict
from embedtui.assess.answers import Entry, largest_drift
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.retrieval import Retrieval, harm
from embedtui.assess.setting_answers import answer_setting
from embedtui.assess.tolerance import judge, largest_by_text, not_judged
from embedtui.assess.trends import trend_of
from embedtui.engine.serve_command import serve_command
from embedtui.measure import Distances, largest_finite
from embedtui.measure.log_histogram import log_histogram
from embedtui.plan.scenarios import Metric
from embedtui.results.results import Results, SettingResults
from embedtui.results.speeds import fastest, speed_of
from embedtui.tui.state.searches import Against
from embedtui.tui.viewmodel.view_state import (
    Bools,
    DistanceColumn,
    Floats,
    Key,
    PerText,
    SettingRow,
    ViewState,
)


def line_of(
    key: Key,
    label: str,
    style: str,
    run: Results,
    setting: SettingResults,
    view_state: ViewState,
    fault: str,
    found: Mapping[Against, Retrieval],
    group: str,
) -> SettingRow:
    """Return a setting ready to be drawn."""
    metric, use = view_state.metric, view_state.scenario
    lists = worst_lists_of(found)
    mixed = found.get("mixed") if use.situation == "queries-alone" else None
    points = tuple(_points(setting, metric))
    noise, error = setting.noise(), setting.precision_error(run.reference)
    sizes, most = (1, *setting.batched), fastest(setting)
    speeds = {size: one.median for size in sizes if (one := speed_of(setting, size))}
    values, identical = _histogram_values(setting, view_state)
    verdicts = not_judged(use, fault) if fault else judge(run, setting, use)
    causes = () if fault else tuple(diagnose(run, setting, []))
    batched, exact = mixed or (lists[1] if lists else None), found.get("reference")
    entry = Entry(label, run, setting, fault, batched, exact, verdicts)
    return SettingRow(
        key=key,
        label=label,
        style=style,
        status=setting.status,
        reason=setting.reason,
        drift=largest_drift(setting, metric),
        identical=bool(points) and all(value is None for _, value in points),
        noise=largest_finite(getattr(noise[1], metric)) if noise else None,
        noise_identical=bool(noise and noise[1].identical.all()),
        error=largest_finite(getattr(error[1], metric)) if error else None,
        speed=(most[0], most[1].median) if most else None,
        verdicts=verdicts,
        fault=fault,
        points=points,
        errors=tuple(_errors(run, setting, metric)),
        memory=setting.effective.memory_bytes,
        served=serve_command(setting.setting, 1) is not None,
        speeds=tuple(speeds.items()),
        histogram=log_histogram(values, identical),
        texts_count=len(run.plan.pack),
        causes=causes,
        answers=answer_setting(entry, use, causes),
        sentence=fault
        or verdict.setting_verdict(
            run, setting, {setting.number: []}, use, lambda *_: verdict.Lists(lists, mixed, exact)
        ),
        log=setting.log,
        done=setting.unbatched.count,
        lists=lists,
        mixed=mixed,
        error_lists=exact,
        group=group,
    )


def _points(setting: SettingResults, metric: Metric) -> Iterator[tuple[int, float | None]]:
    """Yield each batch size with its largest drift, None for equal bits."""
    for size in setting.batched:
        distances = setting.drift_in_any_order(size)
        values = getattr(distances, metric)
        usable = np.isfinite(values)
        if usable.any():
            same = bool(distances.identical[usable].all())
            yield size, None if same else float(values[usable].max())


def worst_lists_of(found: Mapping[Against, Retrieval]) -> tuple[int, Retrieval] | None:
    """Return the batch size that changes most lists of neighbours, and its lists."""
    batched = [(size, one) for size, one in found.items() if isinstance(size, int)]
    return max(sorted(batched, key=_size), key=lambda pair: harm(pair[1]), default=None)


def _size(pair: tuple[int, Retrieval]) -> int:
    return pair[0]


def _errors(run: Results, setting: SettingResults, metric: Metric) -> Iterator[tuple[int, float]]:
    for size in (1, *setting.batched):
        found = setting.precision_error(run.reference, size)
        most = largest_finite(getattr(found[1], metric)) if found else None
        if most is not None:
            yield size, most


def _histogram_values(setting: SettingResults, view_state: ViewState) -> tuple[Floats, Bools]:
    """Return the drift of each text: at one batch size, or the largest at any."""
    if view_state.histogram_of is not None and view_state.histogram_of in setting.batched:
        distances = setting.drift(view_state.histogram_of)[1]
        return getattr(distances, view_state.metric), distances.identical
    worst, identical = worst_of(setting, view_state.metric)
    measured = np.isfinite(worst)
    return worst[measured], identical[measured]


def worst_of(setting: SettingResults, metric: Metric) -> tuple[Floats, Bools]:
    """Return each text's largest drift at any batch size, and whether it is equal at all."""
    drifts = [(rows, d) for size in setting.batched for _, rows, d in setting.drifts(size)]
    return largest_by_text(len(setting.unbatched.done), drifts, metric)


def per_text_of(
    key: Key,
    run: Results,
    setting: SettingResults,
    metric: Metric,
    ids: Sequence[str],
    texts: Sequence[str],
) -> PerText:
    """Return the setting text by text; distances are NaN where nothing was measured."""
    count = len(ids)
    sizes = setting.batched
    columns = []
    for size in sizes:
        rows, distances = setting.drift(size)
        columns.append(column_of(f"@{size}", count, rows, distances, metric))
    found = setting.precision_error(run.reference)
    prepared = setting.prepared
    tokens = np.zeros(count, dtype=np.int64)
    if prepared is not None:
        tokens[:] = prepared.tokens
    return PerText(
        key=key,
        ids=ids,
        texts=texts,
        tokens=tokens,
        position=setting.pass_of(sizes[-1]).position.copy()
        if sizes
        else np.full(count, -1, np.int32),
        columns=tuple(columns),
        error=column_of("error", count, *found, metric) if found else None,
        trend=trend_of(setting, metric),
    )


def column_of(
    title: str, count: int, rows: npt.NDArray[np.intp], distances: Distances, metric: Metric
) -> DistanceColumn:
    """Spread the distances of some `rows` over all `count` texts."""
    values = np.full(count, np.nan)
    identical = np.zeros(count, dtype=np.bool_)
    values[rows] = getattr(distances, metric)
    identical[rows] = distances.identical
    return DistanceColumn(title, values, identical)
