"""What the screens show, composed from a session off the thread that draws.

Plain frozen data: a widget that gets it has nothing left to compute. Composing is done again only
for settings whose figures have grown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from embedtui.engine.serving import serve_command
from embedtui.engine.settings import Setting
from embedtui.measure import Distances, largest_finite
from embedtui.measure.histogram import LogHistogram, log_histogram
from embedtui.record import layer_report
from embedtui.record.report_types_layers import LayersReport, NoLayersReport
from embedtui.study import verdict
from embedtui.study.answers import Answers, Entry, answer, fastest, largest_drift
from embedtui.study.diagnosis import Diagnosis, diagnose
from embedtui.study.judgement import Judgement, judge
from embedtui.study.results import Results, SettingResults
from embedtui.study.retrieval import Retrieval
from embedtui.study.scenarios import Metric, Scenario
from embedtui.study.trends import Trend, trend_of
from embedtui.texts import Labels
from embedtui.tui.searches import Against, Searches, jobs_of
from embedtui.tui.session import Session, State

SERIES = 8
"""Settings that have an ink of their own; the ninth takes the first one's again."""

Key = tuple[str, str, Setting]
"""Model, digest of the texts, setting: what makes one line on the charts."""

Heat = Literal["drift", "error"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Wish:
    """What the screen wants to be shown, beside what there is."""

    scenario: Scenario
    metric: Metric
    focus: Key | None = None
    """The setting that the table and the details speak of; None for the first."""
    hidden: frozenset[Key] = frozenset()
    histogram_of: int | None = None
    """The batch size of the histogram; None for each text's largest drift at any."""
    compared: tuple[Key | None, Key | None] = (None, None)
    heat: Heat = "drift"
    """What the heat map and the front of the sweep show."""


@dataclass(frozen=True)
class Line:
    """One setting, ready to be drawn."""

    key: Key
    label: str
    ink: str
    status: str
    """running, finished, cancelled, failed or cut off."""
    reason: str
    drift: float | None
    """Largest drift at any batch size in the wished metric; None before the first batch."""
    identical: bool
    """Whether all that was compared is equal bit for bit."""
    noise: float | None
    """Largest difference between a batch and the same batch again."""
    noise_identical: bool
    error: float | None
    """Largest precision error."""
    speed: tuple[int, float] | None
    """The fastest batch size, and texts per second at it."""
    unbatched_speed: float | None
    judgement: Judgement
    fault: str
    points: tuple[tuple[int, float | None], ...]
    """Batch size and largest drift; None for equal bits."""
    errors: tuple[tuple[int, float], ...]
    """Batch size, 1 among them, and the largest distance from the truth."""
    speeds: tuple[tuple[int, float], ...]
    memory: int | None
    """Bytes that the engine held when it was loaded."""
    served: bool
    """Whether a server can be asked for this setting."""
    histogram: LogHistogram
    sentence: str
    """The verdict on this setting, in words."""
    causes: tuple[Diagnosis, ...]
    """What moved its vectors, the worst first."""
    log: str
    done: int
    """Texts that have come back unbatched."""
    lists: tuple[int, Retrieval] | None = None
    """The batch size that changes most lists of neighbours, of those that were searched."""


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of neighbours of the focused setting."""

    label: str
    title: str
    """What is held against what."""
    found: Retrieval | None
    """None as long as nothing was found."""
    searching: float | None
    """The share of a search that is done; None where nothing is searched."""
    labels: Labels | None
    ids: Sequence[str]
    texts: Sequence[str]


@dataclass(frozen=True)
class DistanceColumn:
    """Distances of all texts at one batch size, or to the truth."""

    title: str
    values: Floats
    """One for each text of the pack; NaN where it was not measured."""
    identical: Bools


@dataclass(frozen=True)
class PerText:
    """The focused setting text by text."""

    key: Key
    ids: Sequence[str]
    texts: Sequence[str]
    tokens: npt.NDArray[np.int64]
    position: npt.NDArray[np.int32]
    """Place within its batch at the largest batch size; -1 where it was not measured."""
    columns: tuple[DistanceColumn, ...]
    """By batch size, ascending."""
    error: DistanceColumn | None
    trend: Trend | None
    """Drift beside place and length, at the largest batch size."""


@dataclass(frozen=True)
class Pair:
    """Two settings of the same texts side by side."""

    lines: tuple[Line, Line]
    ids: Sequence[str]
    texts: Sequence[str]
    worst: tuple[Floats, Floats]
    """Each text's largest drift at any batch size, in either setting; NaN where not measured."""
    identical: tuple[Bools, Bools]
    apart: DistanceColumn | None
    """The unbatched vectors of one setting against the other's; None for unequal widths."""


@dataclass(frozen=True)
class View:
    """All that the screens show at one moment."""

    version: int
    state: State
    stage: str
    problem: str
    lines: tuple[Line, ...]
    answers: Answers
    per_text: PerText | None
    pair: Pair | None
    layers: LayersReport | NoLayersReport | None
    """What the report says of the focused setting's layers; None where nobody looked."""
    lists: Lists | None
    model: str
    texts: str
    machine: str
    status: str
    """How the latest run stands: running, finished, cancelled, failed."""
    seconds: float
    """How long the latest run has taken."""
    done: int
    total: int
    measuring: bool
    rate: float | None
    seconds_left: float | None
    wish: Wish
    skipped: tuple[tuple[str, str], ...] = ()
    """Label and reason of each setting of the latest run that cannot be had."""
    recorded: str = ""
    """Where and when the figures were recorded; empty for what is measured here."""
    texts_count: int = 0
    histogram_sizes: tuple[int, ...] = field(default=())
    """Batch sizes that the histogram can be had for."""

    @property
    def focus(self) -> Line | None:
        """The line that the table speaks of."""
        for line in self.lines:
            if line.key == self.wish.focus:
                return line
        return self.lines[0] if self.lines else None

    def line(self, key: Key | None) -> Line | None:
        """Return the line of a key, if it is shown."""
        return next((line for line in self.lines if line.key == key), None)


class Composer:
    """Composes views and remembers what need not be composed again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inks: dict[Key, str] = {}
        self._lines: dict[Key, tuple[object, Line]] = {}
        self._strings: tuple[str, Sequence[str], Sequence[str]] | None = None
        self._kept_pair: tuple[tuple[Line, Line], Pair] | None = None
        self._per_text: tuple[object, PerText] | None = None
        self._by_layer: tuple[object, LayersReport | NoLayersReport | None] | None = None
        self.searches = Searches()

    def compose(self, wish: Wish) -> View:
        """Return what is to be shown, read under the session's lock."""
        session = self._session
        with session.lock:
            shown = [s for s in self.shown().items() if s[0] not in wish.hidden]
            labels = _labels([(key, run) for key, (run, _) in shown])
            lines = tuple(
                self._line(key, label, run, setting, wish)
                for (key, (run, setting)), label in zip(shown, labels, strict=True)
            )
            self._lines = {key: kept for key, kept in self._lines.items() if key in dict(shown)}
            self._search(shown, wish)
            entries = [
                Entry(line.label, run, setting, line.fault, line.lists[1] if line.lists else None)
                for line, (_, (run, setting)) in zip(lines, shown, strict=True)
            ]
            answers = answer(entries, wish.scenario, wish.metric)
            focus = next((s for s in shown if s[0] == wish.focus), shown[0] if shown else None)
            per_text = None if focus is None else self._texts(focus[0], *focus[1], wish.metric)
            latest = session.runs[-1] if session.runs else None
            progress = session.progress
            return View(
                version=session.version,
                state=session.state,
                stage=progress.what if progress.total else session.stage,
                problem=session.problem,
                lines=lines,
                answers=answers,
                per_text=per_text,
                pair=self._pair(dict(shown), lines, wish),
                layers=None if focus is None else self._layers(*focus[1]),
                lists=self._lists(focus, lines, wish),
                model=latest.plan.model_name if latest else "",
                texts=latest.plan.pack.name if latest else "",
                machine=str(latest.environment["machine"]) if latest else "",
                status=latest.status if latest else "",
                seconds=session.seconds,
                done=progress.done,
                total=progress.total,
                measuring=progress.measuring,
                rate=progress.texts_per_second,
                seconds_left=progress.seconds_left,
                wish=wish,
                skipped=_skipped(latest) if latest else (),
                recorded=session.recorded,
                texts_count=len(latest.plan.pack) if latest else 0,
                histogram_sizes=focus[1][1].batched if focus else (),
            )

    def shown(self) -> dict[Key, tuple[Results, SettingResults]]:
        """Return the newest figures of every setting that has any, oldest setting first."""
        found: dict[Key, tuple[Results, SettingResults]] = {}
        for run in self._session.runs:
            for setting in run.settings:
                key = key_of(run, setting)
                begun = setting.unbatched.count > 0
                if begun or (setting.status == "failed" and key not in found):
                    found[key] = run, setting
        return found

    def _search(
        self, shown: Sequence[tuple[Key, tuple[Results, SettingResults]]], wish: Wish
    ) -> None:
        """Have neighbours searched, first of the setting in hand, then of all others."""
        first = [one for key, one in shown if key == wish.focus]
        ordered = first + [one for key, one in shown if key != wish.focus]
        jobs = [
            job
            for run, setting in ordered
            if setting not in self._session.faults
            for job in jobs_of(run, setting)
        ]
        self.searches.want(jobs, busy=self._session.busy)

    def _lists(
        self,
        focus: tuple[Key, tuple[Results, SettingResults]] | None,
        lines: Sequence[Line],
        wish: Wish,
    ) -> Lists | None:
        """Return the lists of the setting in hand: of batches, or of the truth."""
        if focus is None:
            return None
        key, (run, setting) = focus
        line = next(line for line in lines if line.key == key)
        found = self.searches.found(setting)
        if wish.heat == "error":
            title, one = "float64, then unbatched", found.get("truth")
        else:
            size = wish.histogram_of or (line.lists[0] if line.lists else None)
            title = "unbatched, then batched" if size is None else f"unbatched, then @{size}"
            one = None if size is None else found.get(size)
        ids, texts = self._strings_of(run)
        searching = self.searches.share if self.searches.pending(setting) else None
        return Lists(line.label, title, one, searching, run.plan.pack.labels, ids, texts)

    def _pair(
        self, shown: dict[Key, tuple[Results, SettingResults]], lines: Sequence[Line], wish: Wish
    ) -> Pair | None:
        chosen = [line for key in wish.compared for line in lines if line.key == key]
        if len(chosen) != 2 or chosen[0].key[1] != chosen[1].key[1]:
            return None
        (run, one), (_, other) = (shown[line.key] for line in chosen)
        version = (chosen[0], chosen[1])
        if self._kept_pair is None or self._kept_pair[0] != version:
            ids, texts = self._strings_of(run)
            drifts = [_worst(setting, wish.metric) for setting in (one, other)]
            apart = one.between(1, other)
            column = None
            if apart is not None:
                column = _column("A to B", len(ids), *apart, wish.metric)
            pair = Pair(
                (chosen[0], chosen[1]),
                ids,
                texts,
                (drifts[0][0], drifts[1][0]),
                (drifts[0][1], drifts[1][1]),
                column,
            )
            self._kept_pair = version, pair
        return self._kept_pair[1]

    def _strings_of(self, run: Results) -> tuple[Sequence[str], Sequence[str]]:
        """Return ids and texts, the same objects for the same pack: the table indexes them once."""
        pack = run.plan.pack
        if self._strings is None or self._strings[0] != pack.sha256:
            ids = [one.id for one in pack.texts]
            self._strings = pack.sha256, ids, [one.text for one in pack.texts]
        return self._strings[1:]

    def _line(
        self, key: Key, label: str, run: Results, setting: SettingResults, wish: Wish
    ) -> Line:
        ink = self._inks.setdefault(key, f"series-{len(self._inks) % SERIES + 1}")
        batches = sum(one.batches for one in setting.passes.values())
        fault = self._session.faults.get(setting, "")
        found = self.searches.found(setting)
        version = (
            id(setting),
            batches,
            run.truth.chunks,
            tuple(found),
            setting.status,
            run.status,
            label,
            fault,
            wish.metric,
            wish.scenario,
            wish.histogram_of,
        )
        if key in self._lines and self._lines[key][0] == version:
            return self._lines[key][1]
        line = _line(key, label, ink, run, setting, wish, fault, _worst_lists(found))
        self._lines[key] = version, line
        return line

    def _texts(self, key: Key, run: Results, setting: SettingResults, metric: Metric) -> PerText:
        batches = sum(one.batches for one in setting.passes.values())
        version = (id(setting), batches, run.truth.chunks, metric)
        if self._per_text is None or self._per_text[0] != version:
            ids, texts = self._strings_of(run)
            self._per_text = version, _per_text(key, run, setting, metric, ids, texts)
        return self._per_text[1]

    def _layers(
        self, run: Results, setting: SettingResults
    ) -> LayersReport | NoLayersReport | None:
        version = (id(setting), setting.layers.version, run.truth.chunks)
        if self._by_layer is None or self._by_layer[0] != version:
            self._by_layer = version, layer_report.build(run, setting)
        return self._by_layer[1]


def _skipped(run: Results) -> tuple[tuple[str, str], ...]:
    refused = [(s.setting.brief, s.reason) for s in run.settings if s.status == "refused"]
    return (*run.plan.skipped, *refused)


def key_of(run: Results, setting: SettingResults) -> Key:
    """Return what a setting is known by across runs."""
    return run.plan.model_hash or run.plan.model, run.plan.pack.sha256, setting.setting


def _line(
    key: Key,
    label: str,
    ink: str,
    run: Results,
    setting: SettingResults,
    wish: Wish,
    fault: str,
    lists: tuple[int, Retrieval] | None,
) -> Line:
    metric = wish.metric
    points, everything = [], []
    for size in setting.batched:
        distances = setting.drift_in_any_order(size)
        values = getattr(distances, metric)
        usable = np.isfinite(values)
        if usable.any():
            same = bool(distances.identical[usable].all())
            points.append((size, None if same else float(values[usable].max())))
            everything.append(same)
    noise = setting.noise()
    error = setting.precision_error(run.truth)
    judgement = judge(setting, wish.scenario)
    passes = {size: setting.of(size) for size in (1, *setting.batched)}
    values, identical = _histogram_values(setting, wish)
    return Line(
        key=key,
        label=label,
        ink=ink,
        status=setting.status,
        reason=setting.reason,
        drift=largest_drift(setting, metric),
        identical=bool(everything) and all(everything),
        noise=largest_finite(getattr(noise[1], metric)) if noise else None,
        noise_identical=bool(noise and noise[1].identical.all()),
        error=largest_finite(getattr(error[1], metric)) if error else None,
        speed=fastest(setting),
        unbatched_speed=setting.unbatched.texts_per_second,
        judgement=judgement,
        fault=fault,
        points=tuple(points),
        errors=tuple(_errors(run, setting, metric)),
        memory=setting.effective.memory_bytes,
        served=serve_command(setting.setting, 1) is not None,
        speeds=tuple((s, v) for s, one in passes.items() if (v := one.texts_per_second)),
        histogram=log_histogram(values, identical),
        causes=() if fault else tuple(diagnose(run, setting, [])),
        sentence=fault
        or verdict.of_setting(run, setting, {setting.number: []}, lambda _run, _setting: lists),
        log=setting.log,
        done=setting.unbatched.count,
        lists=lists,
    )


def _worst_lists(found: Mapping[Against, Retrieval]) -> tuple[int, Retrieval] | None:
    batched = [(size, one) for size, one in found.items() if size != "truth"]
    return max(batched, key=lambda pair: (*pair[1].order_changed, pair[0]), default=None)


def _errors(run: Results, setting: SettingResults, metric: Metric) -> Iterator[tuple[int, float]]:
    for size in (1, *setting.batched):
        found = setting.precision_error(run.truth, size)
        most = largest_finite(getattr(found[1], metric)) if found else None
        if most is not None:
            yield size, most


def _histogram_values(setting: SettingResults, wish: Wish) -> tuple[Floats, Bools]:
    """Return the drift of each text: at one batch size, or the largest at any."""
    if wish.histogram_of is not None and wish.histogram_of in setting.batched:
        distances = setting.drift(wish.histogram_of)[1]
        return getattr(distances, wish.metric), distances.identical
    worst, identical = _worst(setting, wish.metric)
    measured = np.isfinite(worst)
    return worst[measured], identical[measured]


def _worst(setting: SettingResults, metric: Metric) -> tuple[Floats, Bools]:
    """Return each text's largest drift at any batch size, and whether it is equal at all."""
    texts = len(setting.unbatched.done)
    worst = np.full(texts, np.nan)
    identical = np.ones(texts, dtype=np.bool_)
    for size in setting.batched:
        for _, rows, distances in setting.drifts(size):
            worst[rows] = np.fmax(worst[rows], getattr(distances, metric))
            identical[rows] &= distances.identical
    return worst, identical


def _per_text(
    key: Key,
    run: Results,
    setting: SettingResults,
    metric: Metric,
    ids: Sequence[str],
    texts: Sequence[str],
) -> PerText:
    count = len(ids)
    sizes = setting.batched
    columns = []
    for size in sizes:
        rows, distances = setting.drift(size)
        columns.append(_column(f"@{size}", count, rows, distances, metric))
    found = setting.precision_error(run.truth)
    prepared = setting.prepared
    tokens = np.zeros(count, dtype=np.int64)
    if prepared is not None:
        tokens[:] = prepared.tokens
    return PerText(
        key=key,
        ids=ids,
        texts=texts,
        tokens=tokens,
        position=setting.of(sizes[-1]).position.copy() if sizes else np.full(count, -1, np.int32),
        columns=tuple(columns),
        error=_column("error", count, *found, metric) if found else None,
        trend=trend_of(setting, metric),
    )


def _column(
    title: str, count: int, rows: npt.NDArray[np.intp], distances: Distances, metric: Metric
) -> DistanceColumn:
    values = np.full(count, np.nan)
    identical = np.zeros(count, dtype=np.bool_)
    values[rows] = getattr(distances, metric)
    identical[rows] = distances.identical
    return DistanceColumn(title, values, identical)


def _labels(shown: list[tuple[Key, Results]]) -> list[str]:
    """Name each setting by what tells it from the others: the model and the texts if need be."""
    models = {key[0] for key, _ in shown}
    packs = {key[1] for key, _ in shown}
    labels = []
    for (_, _, setting), run in shown:
        parts = [setting.brief]
        if len(packs) > 1:
            parts.insert(0, f"{run.plan.pack.name} {len(run.plan.pack)}")
        if len(models) > 1:
            parts.insert(0, run.plan.model_name)
        labels.append(" · ".join(parts))
    return labels
