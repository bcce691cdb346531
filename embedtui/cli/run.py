"""`embedtui run`: the main job without a screen."""

from __future__ import annotations

from pathlib import Path

import click

from embedtui.cli import output, tables
from embedtui.cli.parameter_types import SweepName
from embedtui.cli.recorded_run import measure, needs_vllm, started_engines
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.server_options import access_of
from embedtui.cli.shared_options import (
    Asked,
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
    epilog="\b\nExamples:\n"
    "  embedtui run                      minilm, three dtypes, 264 passages\n"
    "  embedtui run ./my-model --texts my.jsonl --dtype float16,float32\n"
    "  embedtui run --dtype float16 --setting pooling_accumulation=float32,model\n"
    "  embedtui run --sweep precision    every switch this machine has\n"
    "  embedtui run --limit 32 --batch-sizes 2-32*2 --json > report.json\n"
)
@run_options("run")
@click.option(
    "--sweep",
    type=SweepName(),
    metavar="NAME|FILE",
    help="Measure the settings and models of a plan file (TOML), or of the sweep `precision`, and "
    "print one grid. One that was cut off goes on where it ended.",
)
@click.option("--fresh", is_flag=True, help="Begin a sweep anew.")
@out_option()
@json_option("the report as JSON")
@quiet_option()
@with_search_progress
def run(
    asked: Asked, sweep: str | None, fresh: bool, out: Path | None, as_json: bool, quiet: bool
) -> ExitCode:
    """Measure how far the embeddings of MODEL move with dtype and batch size.

    MODEL is an alias (minilm), a folder, a hub id such as intfloat/e5-small, or the address of a
    server, http://host:port/v1. Every setting is loaded by the real vLLM engine; every batch is a
    step of exactly that many texts, verified at the scheduler. A server is sent as many texts as
    one request and as so many requests at once. For each setting a table shows three things side by
    side: batch drift (batched against unbatched), the noise floor (the same run again) and the
    precision error (against float64 on the same weights).
    """
    access = access_of(asked, named=asked.values["model"])
    if sweep is not None:
        asked.refuse_unusable("sweep")
        return run_sweep(sweep, asked, access, out=out, as_json=as_json, quiet=quiet, fresh=fresh)
    refuse(asked.given, ["fresh"], "it is for --sweep")
    choices = asked.choices()
    asked.refuse_unusable("run", choices)
    return _run(choices, access, use_of(asked), out=out, as_json=as_json, quiet=quiet)


def _run(
    choices: Choices, access: Access, use: Scenario, *, out: Path | None, as_json: bool, quiet: bool
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
    made = run_report.build(results, use=use)
    if as_json:
        output.write(exports.to_json(made))
    else:
        tables.show(made, output.out())
    if not quiet:
        measured.print_path()
    return measured.ended()
