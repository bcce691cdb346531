"""`embedtui run`: the main job without a screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from embedtui.cli import output, overview, tables
from embedtui.cli.advise import give_advice
from embedtui.cli.group import Command
from embedtui.cli.layers import measure_layers
from embedtui.cli.parameter_types import SweepName
from embedtui.cli.recorded_run import measure, needs_vllm, started_engines
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.server_options import access_of
from embedtui.cli.shared_options import (
    FLAGS,
    Asked,
    full_option,
    json_option,
    out_option,
    quiet_option,
    refuse,
    run_options,
)
from embedtui.cli.sweep import run_sweep, use_of
from embedtui.common.errors import ExitCode
from embedtui.engine.access import Access
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.scenarios import Scenario
from embedtui.report import exports, run_report


@click.command(
    cls=Command,
    epilog="\b\nExamples:\n"
    "  embedtui run                      minilm, three dtypes, 264 passages\n"
    "  embedtui run ./my-model --texts my.jsonl --dtype float16,float32\n"
    "  embedtui run --dtype float16 --setting pooling_accumulation=float32,model\n"
    "  embedtui run --sweep precision    every switch this machine has\n"
    "  embedtui run --advise --scenario rag\n"
    "  embedtui run --layers-only --dtype bfloat16 --limit 16\n"
    "  embedtui run --limit 32 --batch-sizes 2-32*2 --json > report.json\n",
)
@run_options("run")
@click.option(
    "--sweep",
    type=SweepName(),
    metavar="NAME|FILE",
    help="Measure the settings and models of a plan file (TOML), or of a sweep: precision, "
    "serving, h200. Prints one grid. One that was cut off goes on where it ended.",
)
@click.option("--fresh", is_flag=True, help="Begin a sweep anew.")
@click.option(
    "--advise",
    is_flag=True,
    help="Find the fastest setting that holds without measuring the whole sweep (serving, unless "
    "--sweep names another).",
)
@click.option(
    "--layers-only",
    is_flag=True,
    help="Show in which layers error and batch drift arise, and nothing else: one dtype, one batch "
    "size, 32 texts unless told otherwise.",
)
@click.option(
    "--under",
    type=click.FloatRange(0, min_open=True),
    metavar="L2",
    help="With layers: find the fewest that in float32 bring every text's error under this.  "
    "[default: half of what it is]",
)
@out_option()
@json_option("the report as JSON")
@full_option()
@quiet_option()
@with_search_progress
def run(
    asked: Asked,
    sweep: str | None,
    fresh: bool,
    advise: bool,
    layers_only: bool,
    under: float | None,
    out: Path | None,
    as_json: bool,
    full: bool,
    quiet: bool,
) -> ExitCode:
    """Measure how far the embeddings of MODEL move with dtype and batch size.

    Each setting is loaded by the real vLLM engine. Measured are batch drift (in a batch against
    alone), the noise floor (the same run again) and the precision error (against float64 on the
    same weights).
    """
    _refuse_unused(asked, advise=advise, layers_only=layers_only)
    if sweep is not None or advise or layers_only or as_json:
        refuse(asked.given, ["full"], "it is for the tables of one run")
    if layers_only:
        return measure_layers(asked, under, out=out, as_json=as_json, quiet=quiet)
    if advise:
        return give_advice(asked, sweep or "serving", as_json=as_json, quiet=quiet)
    access = access_of(asked, named=asked.values["model"])
    if sweep is not None:
        asked.refuse_unusable("sweep")
        return run_sweep(sweep, asked, access, out=out, as_json=as_json, quiet=quiet, fresh=fresh)
    refuse(asked.given, ["fresh"], "it is for --sweep")
    choices = replace(asked.choices(), layers_under=under)
    asked.refuse_unusable("run", choices)
    return _run(choices, access, use_of(asked), out=out, as_json=as_json, full=full, quiet=quiet)


def _refuse_unused(asked: Asked, *, advise: bool, layers_only: bool) -> None:
    """Refuse what a mode of the command leaves nothing for.

    Raises:
        InputError: naming the option and the reason.
    """
    if layers_only:
        refuse(asked.given, ["sweep", "fresh", "advise"], f"{FLAGS['layers']} does without it")
        return
    if advise:
        reason = f"{FLAGS['advise']} does without it"
        refuse(asked.given, ["fresh", "out", "under"], reason)
    if "sweep" in asked.given or not asked.values.get("layers"):
        refuse(asked.given, ["under"], "it is for --layers and --layers-only")


def _run(
    choices: Choices,
    access: Access,
    use: Scenario,
    *,
    out: Path | None,
    as_json: bool,
    full: bool,
    quiet: bool,
) -> ExitCode:
    """Measure one model and print what it came to; return the exit code."""
    console = output.err()
    plan, weights_bytes = plan_of(
        choices, lambda what: None if quiet else console.print(what, soft_wrap=True), access
    )
    with started_engines(access, importing=needs_vllm(plan)) as engines:
        measured = measure(plan, weights_bytes, engines, out, quiet=quiet)
    results = measured.results
    if measured.failure is not None and not any(s.unbatched.count for s in results.settings):
        raise measured.failure
    if as_json:
        output.write(exports.to_json(run_report.build(results, use=use)))
    else:
        overview.show(overview.overview_of(results, use), output.out())
        if full:
            tables.show(run_report.build(results, use=use), output.out())
    if not quiet:
        measured.print_path()
    return measured.ended()
