"""Which settings of a session stand together: those of one model, the same texts and choices.

A verdict, a rank and a chart have one model, one set of texts and the same batches: what earlier
runs found of others stays to be looked at, in a group of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedtui.results.results import Results, SettingResults
from embedtui.tui.state.session import Snapshot
from embedtui.tui.viewmodel.view_state import Key

Shown = tuple[Key, tuple[Results, SettingResults]]


@dataclass(frozen=True)
class Group:
    """Settings that may be compared."""

    title: str
    """What was run; empty for the latest."""
    shown: tuple[Shown, ...]


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


def groups_of(now: Snapshot) -> list[Group]:
    """Return the settings of the latest run, then those of earlier ones, the newest first."""
    if not now.runs:
        return [Group("", ())]
    latest = now.runs[-1]
    of: dict[tuple[object, ...], list[Shown]] = {_choice_of(latest): []}
    runs = {_choice_of(run): run for run in now.runs}
    shown = shown_of(now).items()
    for choice in reversed(runs):
        of.setdefault(choice, [])
    for key, (run, setting) in shown:
        of[_choice_of(run)].append((key, (run, setting)))
    return [
        Group("" if choice == _choice_of(latest) else _title(runs[choice], latest), tuple(rows))
        for choice, rows in of.items()
        if rows or choice == _choice_of(latest)
    ]


def key_of(run: Results, setting: SettingResults) -> Key:
    """Return what a setting is known by across runs."""
    return _model_of(run), run.plan.pack.sha256, setting.setting


def waiting_of(run: Results, group: Group) -> tuple[str, ...]:
    """Return the settings of a run that have no figures yet, and are in none of the group's."""
    known = {key[2] for key, _ in group.shown}
    return tuple(
        one.setting.short_label
        for one in run.settings
        if one.setting not in known and one.status not in {"failed", "refused"}
    )


def skipped_of(run: Results) -> tuple[tuple[str, str], ...]:
    """Return label and reason of each setting of a run that cannot be had."""
    refused = [(s.setting.short_label, s.reason) for s in run.settings if s.status == "refused"]
    return (*run.plan.skipped, *refused)


def focus_of(groups: Sequence[Group], wanted: Key | None) -> Shown | None:
    """Return the selected setting: the one that was chosen, else the first of the latest run."""
    every = [one for group in groups for one in group.shown]
    chosen = next((one for one in every if one[0] == wanted), None)
    return chosen or next(iter(groups[0].shown), None)


def _model_of(run: Results) -> str:
    return run.plan.model_hash or run.plan.model


def _choice_of(run: Results) -> tuple[object, ...]:
    plan = run.plan
    inputs = (plan.prompt, plan.query_prompt, plan.too_long)
    return (
        _model_of(run),
        plan.pack.sha256,
        inputs,
        plan.batch_sizes,
        plan.shuffles,
        plan.order_seed,
    )


def _title(run: Results, latest: Results) -> str:
    plan = run.plan
    parts = [plan.model_name, f"{len(plan.pack)} {plan.pack.name}"]
    if plan.batch_sizes != latest.plan.batch_sizes:
        parts.append(f"batch sizes to {plan.batch_sizes[-1]}")
    if plan.prompt != latest.plan.prompt:
        parts.append("another prompt")
    return "earlier: " + ", ".join(parts)
