"""`embedtui run --sweep`: one run per model, one grid of them all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from embedtui.cli import grid_tables as shown_grid
from embedtui.cli import output
from embedtui.cli.recorded_run import Measured, measure, started_engines
from embedtui.cli.shared_options import Asked
from embedtui.common import machine
from embedtui.common.errors import EmbedtuiError, ExitCode, InputError
from embedtui.common.machine import Device
from embedtui.common.printable import printable
from embedtui.engine.access import Access
from embedtui.engine.port import EnginePool
from embedtui.plan.make_plan import plan_of
from embedtui.plan.options import model_kind
from embedtui.plan.plan import Plan
from embedtui.plan.scenarios import Scenario, scenario
from embedtui.plan.sweep import Sweep, load_sweep
from embedtui.report import exports, sweep_report
from embedtui.storage import run_file
from embedtui.storage.unfinished import find_unfinished


def run_sweep(
    ref: str,
    asked: Asked,
    access: Access,
    *,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    fresh: bool,
) -> ExitCode:
    """Measure every part and model of a sweep and print the grid; return the exit code.

    One that cannot be run does not end the others. What an earlier start of the same sweep has
    measured is taken from its run file.
    """
    sweep = load_sweep(ref)
    access = replace(access, timeout=timeout_of(asked, sweep))
    plans = sweep.plans(asked.choices(), device_here(), asked.given)
    asked.refuse_unusable("sweep", *plans)
    if out is not None and len(plans) > 1:
        raise InputError("--out names one run file, and a sweep writes one for each model")
    console = output.err()

    def tell(what: str) -> None:
        if not quiet:
            console.print(what, soft_wrap=True)

    done: list[Measured] = []
    failures: list[EmbedtuiError] = []
    importing = any(model_kind(choices) != "server" for choices in plans)
    with started_engines(access, importing=importing) as engines:
        for number, choices in enumerate(plans, 1):
            model = choices.model
            if len(plans) > 1:
                tell(f"{number} of {len(plans)}: model {printable(model)}")
            try:
                plan, weights_bytes = plan_of(choices, tell, access)
                done.append(_one(plan, weights_bytes, engines, out, quiet=quiet, fresh=fresh))
            except EmbedtuiError as error:
                if len(plans) == 1:
                    raise
                failures.append(error)
                tell(f"{printable(model)}: {error}")
                continue
            if done[-1].results.status == "cancelled":
                break
    use = use_of(asked, sweep)
    return _told(sweep, done, failures, use=use, as_json=as_json, quiet=quiet)


def device_here() -> Device:
    """Return what vLLM computes on here; a plan of servers needs none."""
    try:
        return machine.engine_device()
    except InputError:
        return "cpu"


def use_of(asked: Asked, sweep: Sweep | None = None) -> Scenario:
    """Return what the embeddings are for: as given by hand, else as the plan file says."""
    key, situation = str(asked.values["scenario"]), asked.values.get("situation")
    if sweep is not None:
        key = key if "scenario" in asked.given else sweep.scenario or key
        situation = situation or sweep.situation
    return scenario(key, situation)


def timeout_of(asked: Asked, sweep: Sweep) -> float:
    """Return what one request to a server may take: as given by hand, else as the file says."""
    usual = float(asked.values["timeout"])
    return usual if "timeout" in asked.given else sweep.timeout or usual


def _told(
    sweep: Sweep,
    done: list[Measured],
    failures: list[EmbedtuiError],
    *,
    use: Scenario,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    """Print what the models came to; raise what has to end the command with another code."""
    runs = [one.results for one in done if any(s.unbatched.count for s in one.results.settings)]
    if not runs:
        raise next((one.failure for one in done if one.failure), None) or failures[0]
    made = sweep_report.build(sweep.name, runs, use, with_reports=as_json)
    if as_json:
        output.write(exports.dump(made))
    else:
        shown_grid.show(made, output.out(), use.key)
    if not quiet:
        for one in done:
            one.print_path()
    for one in done:
        one.ended()
    if failures:
        raise failures[0]
    return ExitCode.DONE


def _one(
    plan: Plan,
    weights_bytes: int | None,
    engines: EnginePool,
    out: Path | None,
    *,
    quiet: bool,
    fresh: bool,
) -> Measured:
    """Measure one model, going on in the file of a start that was cut off."""
    begun = None if fresh or out is not None else find_unfinished(plan)
    if begun is None:
        return measure(plan, weights_bytes, engines, out, quiet=quiet)
    earlier = run_file.read(begun)
    if not quiet:
        held = sum(one.batches for s in earlier.settings for one in s.passes.values())
        output.err().print(
            f"going on with {printable(str(begun))}: {held} batches are there "
            "(--fresh begins anew)",
            soft_wrap=True,
        )
    return measure(plan, weights_bytes, engines, begun, quiet=quiet, earlier=[earlier], go_on=True)
