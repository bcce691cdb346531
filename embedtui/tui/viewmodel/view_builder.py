"""Composes what the screens show from a session, off the thread that draws.

Composing is done again only for settings whose figures have grown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from embedtui.assess.answers import Entry, answer
from embedtui.common.machine import vllm_of
from embedtui.plan.scenarios import Metric
from embedtui.report import layer_report
from embedtui.report.report_types_layers import LayersReport, NoLayersReport
from embedtui.results.results import Results, SettingResults
from embedtui.tui.state.searches import Searches, jobs_of
from embedtui.tui.state.session import Session, Snapshot
from embedtui.tui.viewmodel.groups import (
    Group,
    focus_of,
    groups_of,
    skipped_of,
    waiting_of,
)
from embedtui.tui.viewmodel.setting_figures import (
    column_of,
    line_of,
    per_text_of,
    worst_of,
)
from embedtui.tui.viewmodel.setting_styles import SettingStyles
from embedtui.tui.viewmodel.view_state import (
    Key,
    Lists,
    Pair,
    PerText,
    SettingRow,
    View,
    ViewState,
)


class ViewBuilder:
    """Composes views and remembers what need not be composed again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._styles = SettingStyles()
        self._extents: dict[Key, tuple[object, Metric, tuple[float, float] | None]] = {}
        self._style_of: Mapping[Key, str] = {}
        self._lines: dict[Key, tuple[object, SettingRow]] = {}
        self._strings: tuple[str, Sequence[str], Sequence[str]] | None = None
        self._kept_pair: tuple[tuple[SettingRow, SettingRow], Pair] | None = None
        self._per_text: tuple[object, PerText] | None = None
        self._by_layer: tuple[object, LayersReport | NoLayersReport | None] | None = None
        self.searches = Searches()

    def compose(self, view_state: ViewState) -> View:
        """Return what is to be shown, computed of a snapshot: nobody waits meanwhile."""
        now = self._session.snapshot()
        everything = groups_of(now)
        groups = [
            replace(group, shown=tuple(s for s in group.shown if s[0] not in view_state.hidden))
            for group in everything
        ]
        shown = [one for group in groups for one in group.shown]
        self._style_of = self._styles.assign(key for g in everything for key, _ in g.shown)
        lines, *others = (self._lines_of(group, view_state, now) for group in groups)
        earlier = tuple(line for rows in others for line in rows)
        self._lines = {key: kept for key, kept in self._lines.items() if key in dict(shown)}
        self._search(shown, view_state, now)
        entries = [
            _entry(line, run, setting)
            for line, (_, (run, setting)) in zip(lines, groups[0].shown, strict=True)
        ]
        focus = focus_of(groups, view_state.focus)
        per_text = None if focus is None else self._texts(focus[0], *focus[1], view_state.metric)
        progress = now.progress
        return View(
            version=now.version,
            state=now.state,
            stage=now.stalled or (progress.what if progress.total else now.stage),
            problem=now.problem,
            lines=lines,
            answers=answer(entries, view_state.scenario),
            per_text=per_text,
            pair=self._pair(dict(groups[0].shown), lines, view_state),
            layers=None if focus is None else self._layers(*focus[1]),
            lists=self._lists(focus, (*lines, *earlier), view_state),
            seconds=now.seconds,
            done=progress.done,
            total=progress.total,
            measuring=progress.measuring and not now.stalled,
            rate=progress.texts_per_second,
            seconds_left=progress.seconds_left,
            view_state=view_state,
            earlier=earlier,
            recorded=now.recorded,
            histogram_sizes=focus[1][1].batched if focus else (),
            focus_key=focus[0] if focus else None,
            **_facts(now, everything[0], focus[1][0] if focus else None),
        )

    def _lines_of(
        self, group: Group, view_state: ViewState, now: Snapshot
    ) -> tuple[SettingRow, ...]:
        return tuple(
            self._line(
                key, run, setting, view_state, now.faults.get(setting.identity, ""), group.title
            )
            for key, (run, setting) in group.shown
        )

    def _search(
        self,
        shown: Sequence[tuple[Key, tuple[Results, SettingResults]]],
        view_state: ViewState,
        now: Snapshot,
    ) -> None:
        """Have neighbours searched, first of the selected setting, then of all others."""
        mixed = view_state.scenario.situation == "queries-alone"
        first = [one for key, one in shown if key == view_state.focus]
        ordered = first + [one for key, one in shown if key != view_state.focus]
        jobs = [
            job
            for run, setting in ordered
            if setting.identity not in now.faults
            for job in jobs_of(run, setting, mixed=mixed)
        ]
        self.searches.want(jobs, busy=now.state != "idle")

    def _lists(
        self,
        focus: tuple[Key, tuple[Results, SettingResults]] | None,
        lines: Sequence[SettingRow],
        view_state: ViewState,
    ) -> Lists | None:
        """Return the lists of the selected setting: of batches, or of the reference."""
        if focus is None:
            return None
        key, (run, setting) = focus
        line = next(line for line in lines if line.key == key)
        found = {} if line.fault else self.searches.lists_of(setting)
        if view_state.heat == "error":
            title, one = "float64, then unbatched", found.get("reference")
        else:
            size = view_state.histogram_of or (line.lists[0] if line.lists else None)
            title = "unbatched, then batched" if size is None else f"unbatched, then @{size}"
            one = None if size is None else found.get(size)
        ids, texts = self._strings_of(run)
        searching = self.searches.share if self.searches.pending(setting) else None
        return Lists(
            line.label, title, one, line.fault, searching, run.plan.pack.labels, ids, texts
        )

    def _pair(
        self,
        shown: dict[Key, tuple[Results, SettingResults]],
        lines: Sequence[SettingRow],
        view_state: ViewState,
    ) -> Pair | None:
        chosen = [line for key in view_state.compared for line in lines if line.key == key]
        if len(chosen) != 2 or chosen[0].key[1] != chosen[1].key[1]:
            return None
        (run, one), (_, other) = (shown[line.key] for line in chosen)
        version = (chosen[0], chosen[1])
        if self._kept_pair is None or self._kept_pair[0] != version:
            ids, texts = self._strings_of(run)
            drifts = [worst_of(setting, view_state.metric) for setting in (one, other)]
            apart = one.between(1, other)
            column = None
            if apart is not None:
                column = column_of("A to B", len(ids), *apart, view_state.metric)
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
        self,
        key: Key,
        run: Results,
        setting: SettingResults,
        view_state: ViewState,
        fault: str,
        group: str,
    ) -> SettingRow:
        batches = sum(one.batches for one in setting.passes.values())
        found = self.searches.lists_of(setting)
        version = (
            setting.identity,
            batches,
            run.reference.chunks,
            tuple(found),
            setting.status,
            run.status,
            group,
            fault,
            view_state.metric,
            view_state.scenario,
            view_state.histogram_of,
        )
        if key in self._lines and self._lines[key][0] == version:
            return self._lines[key][1]
        label = setting.setting.short_label
        line = line_of(
            key, label, self._style_of[key], run, setting, view_state, fault, found, group
        )
        line = replace(line, extent=self._extent(line, setting, view_state.metric))
        self._extents[key] = setting.identity, view_state.metric, line.extent
        self._lines[key] = version, line
        return line

    def _extent(
        self, line: SettingRow, setting: SettingResults, metric: Metric
    ) -> tuple[float, float] | None:
        """Return what the line's charts have had to hold: an axis that jumps cannot be read."""
        found = line.histogram
        values = [one for one in (found.low, found.high, line.noise, line.error) if one]
        identity, by, before = self._extents.get(line.key, (None, metric, None))
        if identity == setting.identity and by == metric:
            values += before or ()
        return (min(values), max(values)) if values else None

    def _texts(self, key: Key, run: Results, setting: SettingResults, metric: Metric) -> PerText:
        batches = sum(one.batches for one in setting.passes.values())
        version = (setting.identity, batches, run.reference.chunks, metric)
        if self._per_text is None or self._per_text[0] != version:
            ids, texts = self._strings_of(run)
            self._per_text = version, per_text_of(key, run, setting, metric, ids, texts)
        return self._per_text[1]

    def _layers(
        self, run: Results, setting: SettingResults
    ) -> LayersReport | NoLayersReport | None:
        version = (setting.identity, setting.layers.version, run.reference.chunks)
        if self._by_layer is None or self._by_layer[0] != version:
            self._by_layer = version, layer_report.build(run, setting)
        return self._by_layer[1]


def _entry(line: SettingRow, run: Results, setting: SettingResults) -> Entry:
    lists = line.mixed or (line.lists[1] if line.lists else None)
    return Entry(line.label, run, setting, line.fault, lists, line.error_lists, line.verdicts)


def _facts(now: Snapshot, group: Group, focused: Results | None) -> dict[str, Any]:
    """Return what is said of the latest run, and of the one whose setting is selected."""
    if not now.runs:
        return dict.fromkeys(("model", "texts", "machine", "status"), "")
    latest = now.runs[-1]
    told = focused or latest
    server = told.environment.get("device") == "server"
    return {
        "model": told.plan.model_name,
        "texts": told.plan.pack.name,
        "texts_count": len(told.plan.pack),
        "machine": str(told.environment["machine"]),
        "engine": "" if server else f"vLLM {vllm_of(told.environment)}",
        "random_weights": told.plan.random_weights,
        "status": latest.status,
        "batch_sizes": latest.plan.batch_sizes,
        "waiting": waiting_of(latest, group),
        "skipped": skipped_of(latest),
    }
