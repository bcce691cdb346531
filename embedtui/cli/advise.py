"""`embedtui run --advise`: the cheapest setting that holds, found without the whole grid."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from embedtui.assess.advice import Advice, Step, advise, by_speed
from embedtui.assess.answers import Entry
from embedtui.assess.tolerance import MARKS
from embedtui.assess.vector_faults import faults_of
from embedtui.cli import output
from embedtui.cli.recorded_run import measure, started_engines
from embedtui.cli.shared_options import Asked
from embedtui.cli.sweep import use_of
from embedtui.common import machine
from embedtui.common.errors import Cancelled, EmbedtuiError, ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.engine.port import EnginePool
from embedtui.engine.settings import Setting
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.options import model_kind
from embedtui.plan.plan import Plan
from embedtui.plan.scenarios import Scenario
from embedtui.plan.sweep import Sweep, load_sweep
from embedtui.report.verdict_report import verdicts_report
from embedtui.results.results import Results


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
    with started_engines() as engines, tempfile.TemporaryDirectory() as folder:
        trials = _Trials(plan, weights_bytes, engines, Path(folder), tell, quiet)
        found = advise(
            plan.settings,
            plan.batch_sizes,
            wanted,
            trials.take,
            lambda step: tell(_said(step, wanted)),
        )
    if not found.steps:
        raise trials.failure()
    if as_json:
        output.write_json("advice/2", **_as_json(found, wanted, plan.skipped))
    else:
        _show(found, wanted)
    return ExitCode.DONE if found.answers.command else ExitCode.CHECK_FAILED


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

    def take(self, setting: Setting, sizes: tuple[int, ...]) -> Entry | None:
        """Measure a setting at these batch sizes; return nothing where it failed."""
        part = replace(self.plan, settings=(setting,), batch_sizes=sizes, skipped=(), sweep="")
        path = self.folder / f"{len(self.earlier)}.sqlite"
        found = measure(
            part, self.weights_bytes, self.engines, path, quiet=self.quiet, earlier=self.earlier
        )
        self.earlier.append(found.results)
        if found.results.status == "cancelled":
            raise Cancelled("cancelled before there was advice")
        if found.failure is not None:
            self.failures.append(found.failure)
            self.tell(f"{setting.short_label}: {found.failure}")
            return None
        (results,) = found.results.settings
        faults = faults_of(found.results, results)
        fault = faults[0].kind if faults else ""
        return Entry(setting.short_label, found.results, results, fault)

    def failure(self) -> EmbedtuiError:
        """Return why nothing was measured."""
        return next(
            iter(self.failures),
            InputError(
                "no server can be asked for any of these settings: give others with --sweep"
            ),
        )


def _said(step: Step, use: Scenario) -> str:
    sizes = ", ".join(str(size) for size in step.batch_sizes if size > 1)
    return (
        f"→ {step.entry.label}: {_speed(step)}, {step.verdicts.both()} at batch size {sizes} "
        f"({step.verdicts.decisive.summary(use)})"
    )


def _speed(step: Step) -> str:
    return "speed unknown" if step.speed is None else f"{step.speed:.0f} texts/s"


def _show(found: Advice, use: Scenario) -> None:
    console = output.out()
    console.print(
        f"{use.name} bears {use.limit}. Measured {found.cells} cells; the whole grid has "
        f"{found.grid}."
    )
    latest = {step.entry.label: step for step in found.steps}
    for step in sorted(latest.values(), key=by_speed):
        mark = MARKS[step.verdicts.outcome] or "?"
        sizes = ", ".join(str(size) for size in step.batch_sizes if size > 1)
        console.print(
            Text(
                f"  {mark} {printable(step.entry.label)}: {_speed(step)}, "
                f"{step.verdicts.both()} at batch size {sizes} "
                f"({step.verdicts.decisive.summary(use)})"
            )
        )
    console.print(Text.assemble(("Serve with: ", "bold"), printable(found.answers.serve.text)))
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
                "texts_per_second": step.speed,
                "verdicts": verdicts_report(step.verdicts, use),
            }
            for step in found.steps
        ],
        "skipped": [{"label": label, "reason": reason} for label, reason in skipped],
    }
