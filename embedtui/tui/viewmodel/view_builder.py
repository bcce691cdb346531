"""Composes what the screens show from a session, off the thread that draws.

Composing is done again only for settings whose figures have grown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from embedtui.assess.answers import Answers, Entry, answer
from embedtui.plan.scenarios import Metric, Scenario
from embedtui.report import layer_report
from embedtui.report.report_types_layers import LayersReport, NoLayersReport
from embedtui.results.results import Results, SettingResults
from embedtui.tui.state.searches import Searches, jobs_of
from embedtui.tui.state.session import Session, Snapshot
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
        self._lines: dict[Key, tuple[object, SettingRow]] = {}
        self._strings: tuple[str, Sequence[str], Sequence[str]] | None = None
        self._kept_pair: tuple[tuple[SettingRow, SettingRow], Pair] | None = None
        self._per_text: tuple[object, PerText] | None = None
        self._by_layer: tuple[object, LayersReport | NoLayersReport | None] | None = None
        self.searches = Searches()

    def compose(self, view_state: ViewState) -> View:
        """Return what is to be shown, computed of a snapshot: nobody waits meanwhile."""
        now = self._session.snapshot()
        known = shown_of(now)
        styles = self._styles.assign(known)
        shown = [s for s in known.items() if s[0] not in view_state.hidden]
        labels = _labels([(key, run) for key, (run, _) in shown])
        lines = tuple(
            self._line(
                key,
                label,
                styles[key],
                run,
                setting,
                view_state,
                now.faults.get(setting.identity, ""),
            )
            for (key, (run, setting)), label in zip(shown, labels, strict=True)
        )
        self._lines = {key: kept for key, kept in self._lines.items() if key in dict(shown)}
        self._search(shown, view_state, now)
        entries = [
            _entry(line, run, setting)
            for line, (_, (run, setting)) in zip(lines, shown, strict=True)
        ]
        focus = _focus(shown, view_state.focus, now)
        answers = answers_of(entries, lines, focus[0] if focus else None, view_state.scenario)
        per_text = None if focus is None else self._texts(focus[0], *focus[1], view_state.metric)
        latest = now.runs[-1] if now.runs else None
        progress = now.progress
        return View(
            version=now.version,
            state=now.state,
            stage=now.stalled or (progress.what if progress.total else now.stage),
            problem=now.problem,
            lines=lines,
            answers=answers,
            per_text=per_text,
            pair=self._pair(dict(shown), lines, view_state),
            layers=None if focus is None else self._layers(*focus[1]),
            lists=self._lists(focus, lines, view_state),
            model=latest.plan.model_name if latest else "",
            texts=latest.plan.pack.name if latest else "",
            machine=str(latest.environment["machine"]) if latest else "",
            status=latest.status if latest else "",
            seconds=now.seconds,
            done=progress.done,
            total=progress.total,
            measuring=progress.measuring and not now.stalled,
            rate=progress.texts_per_second,
            seconds_left=progress.seconds_left,
            view_state=view_state,
            skipped=_skipped(latest) if latest else (),
            recorded=now.recorded,
            texts_count=len(latest.plan.pack) if latest else 0,
            histogram_sizes=focus[1][1].batched if focus else (),
            focus_key=focus[0] if focus else None,
        )

    def _search(
        self,
        shown: Sequence[tuple[Key, tuple[Results, SettingResults]]],
        view_state: ViewState,
        now: Snapshot,
    ) -> None:
        """Have neighbours searched, first of the setting in hand, then of all others."""
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
        """Return the lists of the setting in hand: of batches, or of the reference."""
        if focus is None:
            return None
        key, (run, setting) = focus
        line = next(line for line in lines if line.key == key)
        found = self.searches.lists_of(setting)
        if view_state.heat == "error":
            title, one = "float64, then unbatched", found.get("reference")
        else:
            size = view_state.histogram_of or (line.lists[0] if line.lists else None)
            title = "unbatched, then batched" if size is None else f"unbatched, then @{size}"
            one = None if size is None else found.get(size)
        ids, texts = self._strings_of(run)
        searching = self.searches.share if self.searches.pending(setting) else None
        return Lists(line.label, title, one, searching, run.plan.pack.labels, ids, texts)

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
        label: str,
        style: str,
        run: Results,
        setting: SettingResults,
        view_state: ViewState,
        fault: str,
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
            label,
            fault,
            view_state.metric,
            view_state.scenario,
            view_state.histogram_of,
        )
        if key in self._lines and self._lines[key][0] == version:
            return self._lines[key][1]
        line = line_of(key, label, style, run, setting, view_state, fault, found)
        self._lines[key] = version, line
        return line

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


def shown_of(now: Snapshot) -> dict[Key, tuple[Results, SettingResults]]:
    """Return the newest figures of every setting that has any, oldest setting first."""
    found: dict[Key, tuple[Results, SettingResults]] = {}
    for run in now.runs:
        for setting in run.settings:
            key = key_of(run, setting)
            begun = setting.unbatched.count > 0
            if begun or (setting.status == "failed" and key not in found):
                found[key] = run, setting
    return found


def _focus(
    shown: Sequence[tuple[Key, tuple[Results, SettingResults]]], wanted: Key | None, now: Snapshot
) -> tuple[Key, tuple[Results, SettingResults]] | None:
    """Return the setting in hand: the one that was chosen, else the first of what runs now.

    Figures of another model or other texts, which stand above it, are not what was asked last.
    """
    chosen = next((one for one in shown if one[0] == wanted), None)
    if chosen is not None or not shown:
        return chosen
    newest = now.runs[-1]
    of_newest = (one for one in shown if one[1][0].plan == newest.plan)
    return shown[0] if now.recorded else next(of_newest, shown[0])


def _entry(line: SettingRow, run: Results, setting: SettingResults) -> Entry:
    lists = line.mixed or (line.lists[1] if line.lists else None)
    return Entry(line.label, run, setting, line.fault, lists, line.error_lists, line.verdicts)


def answers_of(
    entries: Sequence[Entry], lines: Sequence[SettingRow], focus: Key | None, use: Scenario
) -> Answers:
    """Answer for the model and the texts of the setting in hand, and for no others beside it.

    What other runs of the session showed stays in the table; a verdict has one model and one set of
    texts.
    """
    places = [n for n, line in enumerate(lines) if focus is None or line.key[:2] == focus[:2]]
    found = answer([entries[place] for place in places], use)
    if found.recommended is None:
        return found
    return replace(found, recommended=places[found.recommended])


def _skipped(run: Results) -> tuple[tuple[str, str], ...]:
    refused = [(s.setting.short_label, s.reason) for s in run.settings if s.status == "refused"]
    return (*run.plan.skipped, *refused)


def key_of(run: Results, setting: SettingResults) -> Key:
    """Return what a setting is known by across runs."""
    return run.plan.model_hash or run.plan.model, run.plan.pack.sha256, setting.setting


def _labels(shown: list[tuple[Key, Results]]) -> list[str]:
    """Name each setting by what tells it from the others: the model and the texts if need be."""
    models = {key[0] for key, _ in shown}
    packs = {key[1] for key, _ in shown}
    labels = []
    for (_, _, setting), run in shown:
        parts = [setting.short_label]
        if len(packs) > 1:
            parts.insert(0, f"{run.plan.pack.name} {len(run.plan.pack)}")
        if len(models) > 1:
            parts.insert(0, run.plan.model_name)
        labels.append(" · ".join(parts))
    return labels
