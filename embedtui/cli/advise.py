"""`embedtui run --advise`: the cheapest setting that holds, found without the whole grid."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from embedtui.assess.advice import Advice, Step, advise, by_speed
from embedtui.assess.answers import Answer, Answers, Entry
from embedtui.assess.tolerance import MARKS
from embedtui.assess.vector_faults import faults_of
from embedtui.cli import output
from embedtui.cli.recorded_run import measure, started_engines
from embedtui.cli.shared_options import Asked
from embedtui.cli.sweep import use_of
from embedtui.common import machine
from embedtui.common.errors import Cancelled, EmbedtuiError, ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.common.wording import text_count
from embedtui.engine.port import EnginePool
from embedtui.engine.settings import Setting
from embedtui.measure.intervals import about_equal
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.options import model_kind
from embedtui.plan.plan import Plan
from embedtui.plan.scenarios import Scenario
from embedtui.plan.sweep import Sweep, load_sweep
from embedtui.report.verdict_report import verdicts_report
from embedtui.results.results import Results
from embedtui.results.speeds import fastest

_MUCH = 1.5
"""So many times slower than what holds, and vLLM's default is worth a line."""


def give_advice(asked: Asked, among: str, *, as_json: bool, quiet: bool) -> ExitCode:
    """Find the cheapest setting of a model that a use can bear, among those of a sweep.

    Each candidate is measured unbatched and at the largest batch. From the fastest on, those that
    may hold are measured at the other batch sizes, until one holds. What is recommended was
    measured here, on these texts.
    """
    asked = asked.in_mode("advise")
    console = output.err()

    def tell(what: str) -> None:
        if not quiet:
            console.print(what, soft_wrap=True)

    sweep = load_sweep(among)
    choices = _candidates(asked, sweep)
    wanted = use_of(asked, sweep)
    plan, weights_bytes = plan_of(choices, tell)
    if len(plan.batch_sizes) < 2:
        raise InputError("one batch size cannot drift: give larger ones with --batch-sizes")
    plan = _held(plan, tell)
    with started_engines() as engines, tempfile.TemporaryDirectory() as folder:
        trials = _Trials(plan, weights_bytes, engines, Path(folder), tell, quiet)
        found = advise(
            plan.settings,
            plan.batch_sizes,
            wanted,
            trials.take,
            lambda step: tell(f"→ {_said(step, wanted)}"),
        )
        if trials.cut:
            found = replace(found, answers=_UNDECIDED)
    if not found.steps:
        raise trials.cut or trials.failure()
    if as_json:
        output.write_json("advice/2", **_as_json(found, wanted, plan.skipped))
    else:
        _show(found, wanted)
    if trials.cut:
        raise trials.cut
    return ExitCode.DONE if found.answers.command else ExitCode.CHECK_FAILED


def _held(plan: Plan, tell: Callable[[str], None]) -> Plan:
    """Return the plan with batch sizes that its texts can fill: a claim is about steps that were.

    What vLLM is asked first is what `auto` is, so that nothing is measured twice.
    """
    count = len(plan.pack)
    sizes = tuple(sorted({min(size, count) for size in plan.batch_sizes}))
    if sizes != plan.batch_sizes:
        tell(f"{text_count(count)}: batches of {count} are the largest that are measured")
    first = sorted(plan.settings, key=lambda setting: setting.dtype != "auto")
    return replace(plan, batch_sizes=sizes, settings=tuple(first))


def _candidates(asked: Asked, sweep: Sweep) -> Choices:
    """Return the settings among which one is looked for.

    Raises:
        InputError: if the sweep has several parts, or the model is a server.
    """
    base = asked.choices(repeats=0)
    taken = {"model", "repeats", "restarts", *asked.given}
    choices, *further = sweep.plans(base, machine.engine_device(), taken)
    if further:
        raise InputError(
            f"{printable(sweep.name, 80)} has several parts: --advise takes one of settings"
        )
    asked.refuse_unusable("advise", choices)
    if model_kind(choices) != "local":
        raise InputError(
            "--advise loads a model here in many settings, and a server has the one that it has: "
            "`embedtui check` holds it to a use"
        )
    return choices


@dataclass
class _Trials:
    """Measures one setting after the other, each beside what was measured before."""

    plan: Plan
    weights_bytes: int | None
    engines: EnginePool
    folder: Path
    tell: Callable[[str], None]
    quiet: bool
    earlier: list[Results] = field(default_factory=list)
    failures: list[EmbedtuiError] = field(default_factory=list)
    chosen_by_vllm: dict[Setting, Setting] = field(default_factory=dict)
    """What settings with `auto` are, in full, and how they were asked for."""
    cut: Cancelled | None = None
    """Why nothing more is measured, once that is so."""

    def take(self, setting: Setting, sizes: tuple[int, ...]) -> Entry | None:
        """Measure a setting at these batch sizes; return nothing where it failed or was cut off."""
        if self.cut is not None:
            return None
        asked = self.chosen_by_vllm.get(setting)
        if asked is not None and asked != setting:
            label = asked.short_label
            self.tell(f"{setting.short_label}: not measured again, it is what {label} is here")
            return None
        part = replace(self.plan, settings=(setting,), batch_sizes=sizes, skipped=(), sweep="")
        path = self.folder / f"{len(self.earlier)}.sqlite"
        found = measure(
            part, self.weights_bytes, self.engines, path, quiet=self.quiet, earlier=self.earlier
        )
        self.earlier.append(found.results)
        if found.results.status == "cancelled":
            reason = found.results.reason or "cancelled"
            self.cut = Cancelled(f"{reason} before there was advice; nothing is recommended")
            return None
        if found.failure is not None:
            self.failures.append(found.failure)
            self.tell(f"{setting.short_label}: {found.failure}")
            return None
        (results,) = found.results.settings
        faults = faults_of(found.results, results)
        fault = faults[0].kind if faults else ""
        label, now = setting.short_label, results.effective
        if setting.dtype == "auto":
            self.chosen_by_vllm[_in_full(setting, now.dtype or "auto", now.execution or "auto")] = (
                setting
            )
            label = label.replace("auto", f"auto ({now.dtype})", 1)
        return Entry(label, found.results, results, fault)

    def failure(self) -> EmbedtuiError:
        """Return why nothing was measured."""
        return next(
            iter(self.failures),
            InputError(
                "no server can be asked for any of these settings: give others with --sweep"
            ),
        )


_UNDECIDED = Answers(Answer("SERVE", "open", "undecided: it was cut off"))


def _in_full(setting: Setting, dtype: str, execution: str) -> Setting:
    """Return a setting with what vLLM chose in the place of `auto`."""
    return replace(
        setting,
        dtype=dtype if setting.dtype == "auto" else setting.dtype,
        execution=execution if setting.execution == "auto" else setting.execution,
    )


def _said(step: Step, use: Scenario) -> str:
    setting = step.entry.setting
    held = {setting.pass_of(size).most_together for size in step.batch_sizes if size > 1}
    sizes = ", ".join(map(str, sorted(size for size in held if size)))
    return printable(
        f"{step.entry.label}: {_speed(step)}, {step.verdicts.both()} at batch size {sizes} "
        f"({step.verdicts.decisive.summary(use)})"
    )


def _fastest(step: Step) -> float | None:
    """Return texts per second at the fastest batch size, as the recommendation says it."""
    found = fastest(step.entry.setting)
    return found[1].median if found else None


def _speed(step: Step) -> str:
    speed = _fastest(step)
    return "speed unknown" if speed is None else f"{speed:.0f} texts/s"


def _beside_default(steps: Sequence[Step]) -> str:
    """Say how far vLLM's default is from the fastest that holds, where timings tell that."""
    timed = [(found[1], step) for step in steps if (found := fastest(step.entry.setting))]
    default = next((one for one in timed if one[1].entry.setting.setting.dtype == "auto"), None)
    able = [one for one in timed if one[1].verdicts.fits and not one[1].entry.fault]
    best = max(able, key=lambda one: one[0].median, default=None)
    if default is None or best is None or about_equal(default[0], best[0]):
        return ""
    slow, fast = default[0].median, best[0].median
    if fast < _MUCH * slow:
        return ""
    return (
        f"vLLM's default here, {default[1].entry.label}, is {fast / slow:.1f} times slower than "
        f"{best[1].entry.label}: {slow:.0f} against {fast:.0f} texts/s"
    )


def _show(found: Advice, use: Scenario) -> None:
    console = output.out()
    console.print(
        f"{use.name} limit: {use.limit}. Measured {found.cells} cells; the whole grid has "
        f"{found.grid}."
    )
    latest = {step.entry.label: step for step in found.steps}
    for step in sorted(latest.values(), key=by_speed):
        mark = MARKS[step.verdicts.outcome] or "?"
        console.print(Text(f"  {mark} {_said(step, use)}"))
    if slower := _beside_default(list(latest.values())):
        console.print(Text(printable(slower), style="yellow"))
    console.print(Text.assemble(("SERVE ", "bold"), printable(found.answers.serve.text)))
    if found.answers.command:
        console.print(Text(f"  {printable(found.answers.command)}"), soft_wrap=True)


def _as_json(found: Advice, use: Scenario, skipped: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    chosen = found.answers.recommended
    return {
        "scenario": use.key,
        "limit": use.limit,
        "recommended": None if chosen is None else found.entries[chosen].setting.setting.as_dict(),
        "serve": found.answers.serve.text,
        "command": found.answers.command,
        "cells": found.cells,
        "grid": found.grid,
        "steps": [
            {
                "label": step.entry.setting.setting.label,
                "batch_sizes": list(step.batch_sizes),
                "texts_per_second": _fastest(step),
                "verdicts": verdicts_report(step.verdicts, use),
            }
            for step in found.steps
        ],
        "skipped": [{"label": label, "reason": reason} for label, reason in skipped],
    }
