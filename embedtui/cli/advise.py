"""`embedtui advise`: the cheapest setting that holds, found without the whole grid."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from embedtui import machine
from embedtui.cli import output
from embedtui.cli.measure import measure, started_engines
from embedtui.engine.settings import Setting
from embedtui.errors import Cancelled, EmbedtuiError, InputError
from embedtui.printable import printable
from embedtui.record import exports
from embedtui.study.advise import Advice, Step, advise, by_speed
from embedtui.study.answers import Entry
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.choices import Choices, plan_of
from embedtui.study.findings import faults_of
from embedtui.study.results import Results
from embedtui.study.scenarios import Scenario, scenario
from embedtui.study.sweep import load_sweep


@click.command("advise")
@click.argument("model", default="minilm")
@click.option(
    "--scenario",
    "use",
    default="rag",
    show_default=True,
    metavar="NAME",
    help="What the embeddings are for: rag, deduplication, clustering, classification, "
    "cache-keys, golden.",
)
@click.option(
    "--among",
    default="serving",
    show_default=True,
    metavar="NAME|FILE",
    help="The sweep or plan file whose settings are candidates.",
)
@click.option(
    "--texts",
    default="passages",
    show_default=True,
    metavar="PACK|FILE",
    help="A text pack or a file.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Take the first N texts only.")
@click.option("--batch-sizes", metavar="N,...", help="Texts per step, such as 1,2,4-64*2.")
@click.option("--prompt", default="", metavar="NAME|TEXT", help="Put before every text.")
@click.option("--json", "as_json", is_flag=True, help="Print the advice as JSON.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def command(
    model: str,
    use: str,
    among: str,
    texts: str,
    limit: int | None,
    batch_sizes: str | None,
    prompt: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Find the cheapest setting of MODEL whose batch drift a use can bear.

    Each candidate is measured unbatched and at the largest batch. From the fastest on, those that
    may hold are measured at the other batch sizes, until one holds. What is recommended was
    measured here, on these texts.
    """
    wanted = scenario(use)
    base = Choices(model=model, texts=texts, limit=limit, repeats=0, prompt=prompt)
    given = {"model", *(["texts"] if texts != "passages" else []), *(["limit"] if limit else [])}
    if batch_sizes is not None:
        base = replace(base, batch_sizes=parse_batch_sizes(batch_sizes))
        given.add("batch_sizes")
    (choices, *further) = load_sweep(among).plans(
        base, machine.engine_device(), given | {"repeats", "restarts"}
    )
    if further:
        raise InputError(f"{printable(among, 80)} has several parts: advise takes one of settings")
    console = output.err()

    def tell(what: str) -> None:
        if not quiet:
            console.print(what, soft_wrap=True)

    plan, weights_bytes = plan_of(choices, tell)
    if len(plan.batch_sizes) < 2:
        raise InputError("one batch size cannot drift: give larger ones with --batch-sizes")
    earlier: list[Results] = []
    failures: list[EmbedtuiError] = []
    with started_engines() as engines, tempfile.TemporaryDirectory() as folder:

        def take(setting: Setting, sizes: tuple[int, ...]) -> Entry | None:
            part = replace(plan, settings=(setting,), batch_sizes=sizes, skipped=(), sweep="")
            path = Path(folder) / f"{len(earlier)}.sqlite"
            found = measure(part, weights_bytes, engines, path, quiet=quiet, earlier=earlier)
            earlier.append(found.results)
            if found.results.status == "cancelled":
                raise Cancelled("cancelled before there was advice")
            if found.failure is not None:
                failures.append(found.failure)
                tell(f"{setting.brief}: {found.failure}")
                return None
            (results,) = found.results.settings
            faults = faults_of(found.results, results)
            fault = faults[0].kind if faults else ""
            return Entry(setting.brief, found.results, results, fault)

        found = advise(
            plan.settings, plan.batch_sizes, wanted, take, lambda step: tell(_said(step, wanted))
        )
    if not found.steps:
        raise (
            failures[0]
            if failures
            else InputError(
                "no server can be asked for any of these settings: give others with --among"
            )
        )
    if as_json:
        output.write(exports.dump(_as_json(found, wanted, plan.skipped)))
    else:
        _show(found, wanted)
    return 0 if found.answers.command else 1


def _said(step: Step, use: Scenario) -> str:
    sizes = ", ".join(str(size) for size in step.batch_sizes if size > 1)
    verdict = {True: "holds", False: "does not hold", None: "cannot be judged"}
    return (
        f"→ {step.entry.label}: {_speed(step)}, {verdict[step.judgement.holds]} at "
        f"batch size {sizes} ({step.judgement.said(use)})"
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
        mark = {True: "✔", False: "✗", None: "?"}[step.judgement.holds]
        sizes = ", ".join(str(size) for size in step.batch_sizes if size > 1)
        console.print(
            Text(
                f"  {mark} {printable(step.entry.label)}: {_speed(step)}, "
                f"{step.judgement.said(use)} at batch size {sizes}"
            )
        )
    console.print(Text.assemble(("Serve with: ", "bold"), printable(found.answers.serve.text)))
    if found.answers.command:
        console.print(Text(f"  {printable(found.answers.command)}"), soft_wrap=True)


def _as_json(found: Advice, use: Scenario, skipped: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    chosen = found.answers.recommended
    return {
        "schema": "embedtui.advice/1",
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
                "holds": step.judgement.holds,
                "worst": step.judgement.worst if step.judgement.holds is not None else None,
                "metric": use.metric,
            }
            for step in found.steps
        ],
        "skipped": [{"label": label, "reason": reason} for label, reason in skipped],
    }
