"""`embedtui check`: does what is served hold, for cron and for CI."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from embedtui.assess.check_result import Check, Outcome, check, worst_of
from embedtui.assess.confidence import draws_for
from embedtui.assess.finding import Finding
from embedtui.cli import output
from embedtui.cli.check_output import show
from embedtui.cli.group import Command
from embedtui.cli.history import history_options
from embedtui.cli.recorded_run import Measured, measure, needs_vllm, started_engines
from embedtui.cli.server_options import access_of
from embedtui.cli.shared_options import (
    Asked,
    file_option,
    json_option,
    quiet_option,
    refuse,
    run_options,
)
from embedtui.cli.sweep import device_here, timeout_of, use_of
from embedtui.common.address import is_address
from embedtui.common.errors import ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.common.wording import text_count
from embedtui.engine.access import Access
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.options import Mode
from embedtui.plan.plan import Plan
from embedtui.plan.scenarios import Scenario
from embedtui.plan.sweep import load_sweep
from embedtui.report import check_report
from embedtui.results.results import Results
from embedtui.storage import check_history, recording, run_file

_MOST_DRAWS = 1000
_TO_BE_STARTED = "http://localhost"
"""Stands for the address of a server that --serve has not started yet."""
_EXIT_CODES: dict[Outcome, ExitCode] = {
    "holds": ExitCode.DONE,
    "inconclusive": ExitCode.INCONCLUSIVE,
    "falls short": ExitCode.CHECK_FAILED,
    "fault": ExitCode.CHECK_FAILED,
    "failed": ExitCode.ENGINE_FAILED,
}


class _Check(Command):
    """The command, which still understands `--history FILE` for what is `--history-file` now."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        return super().parse_args(ctx, _present(args, aloud=not ctx.resilient_parsing))


def _present(args: list[str], *, aloud: bool) -> list[str]:
    words = list(args)
    for place, word in enumerate(words):
        name, _, value = word.partition("=")
        value = value or next(iter(words[place + 1 :]), "")
        if name == "--history" and Path(value).suffix in {".sqlite", ".db"}:
            if aloud:
                output.err().print(
                    "embedtui: --history FILE is called --history-file; use that name"
                )
            words[place] = word.replace("--history", "--history-file", 1)
    return words


@click.command(
    "check",
    cls=_Check,
    epilog="\b\nExamples:\n"
    "  embedtui check http://localhost:8000/v1 --scenario rag\n"
    "  embedtui check minilm --dtype float16 --record golden.sqlite\n"
    "  embedtui check minilm --dtype float16 --golden golden.sqlite\n"
    '  embedtui check --serve "minilm --dtype float16" --golden golden.sqlite\n'
    "  embedtui check --history minilm\n"
    "  embedtui check plan.toml --junit report.xml --markdown summary.md\n"
    "\b\nExit codes: 0 holds, 1 falls short or has a fault, 2 bad usage or input,\n"
    "3 the engine or the server failed, 4 an error of embedtui's own,\n"
    "5 inconclusive, 130 cancelled.",
)
@click.argument("target", required=False, metavar="[MODEL|URL|PLAN.toml]")
@click.option(
    "--serve",
    metavar="ARGUMENTS",
    help="Start vLLM's server with these arguments, check it, stop it.",
)
@run_options("check")
@history_options
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    metavar="SHARE",
    help="How sure a check that holds shall be.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Share of all orders of the texts that may fall short unseen.",
)
@file_option("--record", told="Keep the vectors in FILE: golden vectors for later checks.")
@file_option("--golden", told="Hold the vectors against those of FILE; its texts are used.")
@file_option(
    "--history-file",
    told="Record the check in FILE.  [default: history.sqlite in the data folder]",
)
@click.option("--no-history", is_flag=True, help="Leave the check out of the history.")
@file_option("--junit", told="Write JUnit XML.")
@file_option("--markdown", told="Write a summary for the page of a CI job.")
@json_option()
@quiet_option()
@click.option(
    "--ready-timeout",
    type=click.FloatRange(1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long a server that --serve starts may take to be ready.",
)
def command(
    asked: Asked,
    target: str | None,
    serve: str | None,
    confidence: float,
    share: float,
    record: Path | None,
    golden: Path | None,
    history_file: Path | None,
    no_history: bool,
    junit: Path | None,
    markdown: Path | None,
    as_json: bool,
    quiet: bool,
    ready_timeout: float,
) -> ExitCode:
    """Say whether a model, a server or a plan's settings hold for a use; one line if they do.

    Texts go alone, in batches, and through every batch size in as many random orders as the wanted
    confidence asks for. A check is inconclusive where what was measured decides nothing, such as
    answers from a cache or an error against float64 that could not be had. With --golden the
    vectors are also held against recorded ones: whether vLLM, the driver, the GPU or the server
    moved them, how far, and whether retrieval would notice.
    """
    if (target is None) == (serve is None):
        raise InputError("give a model, a server's address or a plan file, or --serve: one of them")
    _refuse_unused(asked, serve, golden, no_history=no_history)
    access = access_of(asked, named=target or "")
    parts, use, timeout = _parts(
        asked, target or _TO_BE_STARTED, shuffles=_draws(confidence, share)
    )
    job = _Job(
        asked=asked,
        use=use,
        confidence=confidence,
        golden=None if golden is None else run_file.read(golden),
        access=replace(access, timeout=timeout),
        quiet=quiet or not sys.stderr.isatty(),
        record=_new(record),
        order_seed=asked.values["seed"] if "seed" in asked.given else secrets.randbits(32),
    )
    with contextlib.ExitStack() as stack:
        if serve is not None:
            address = stack.enter_context(job.serving(serve, ready_timeout))
            parts = [replace(part, model=address) for part in parts]
        checks = job.run(parts)
    for path, form in ((markdown, check_report.to_markdown), (junit, check_report.to_junit)):
        if path is not None:
            _write(path, form(checks))
    for one in () if no_history else checks:
        check_history.append(history_file or check_history.default_path(), one)
    if as_json:
        output.write(check_report.to_json(checks))
    else:
        show(checks)
    return job.ended(checks)


def _refuse_unused(
    asked: Asked, serve: str | None, golden: Path | None, *, no_history: bool
) -> None:
    """Refuse options of which others leave nothing.

    Raises:
        InputError: naming the option and the reason.
    """
    if serve is None:
        refuse(asked.given, ["ready_timeout"], "it is for --serve")
    if no_history:
        refuse(asked.given, ["history_file"], "--no-history records nothing")
    if golden is not None and not asked.given & {"texts", "limit"}:
        refuse(asked.given, ["column", "id_column"], "--golden has the texts")


@dataclass
class _Job:
    """One check from its plans to its exit code."""

    asked: Asked
    use: Scenario
    confidence: float
    golden: Results | None
    access: Access
    quiet: bool
    record: Path | None
    order_seed: int
    """Another one in every check, so that checks which follow each other try other orders."""
    done: list[Measured] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Say what is waited for, to a person who watches."""
        if not self.quiet:
            output.err().print(printable(what), soft_wrap=True)

    @contextlib.contextmanager
    def serving(self, arguments: str, seconds: float) -> Iterator[str]:
        """Start a server, and stop it whatever happens; yield its address."""
        from embedtui.engine.remote.started_server import arguments_of, started  # noqa: PLC0415

        words = arguments_of(arguments)
        with started(words, self.access, self.tell, ready_seconds=seconds) as (address, access):
            self.access = access
            yield str(address)

    def run(self, parts: Sequence[Choices]) -> list[Check]:
        """Measure every part and judge it.

        Run files stay only where there is something to look into.
        """
        planned = [self._plan(choices) for choices in parts]
        left_out = [_left_out(plan) for plan, _ in planned]
        planned = [(_fitting(plan), weights) for plan, weights in planned]
        if self.record is not None and len(planned) > 1:
            raise InputError("--record keeps the vectors of one model, and the plan has several")
        importing = any(needs_vllm(plan) for plan, _ in planned)
        checks = []
        with started_engines(self.access, importing=importing) as engines:
            for (plan, weights), unfit in zip(planned, left_out, strict=True):
                self.tell(_work(plan))
                measured = measure(plan, weights, engines, None, quiet=self.quiet)
                path = measured.path
                if measured.results.status == "cancelled":
                    measured.print_path()
                    measured.ended()
                self.done.append(measured)
                one = check(
                    measured.results,
                    self.use,
                    confidence=self.confidence,
                    golden=self.golden,
                    left_out=unfit,
                )
                if self.record is not None and path is not None:
                    recording.write(path, self.record)
                if one.outcome != "holds":
                    measured.print_path()
                elif path is not None:
                    path.unlink(missing_ok=True)
                checks.append(one)
        return checks

    def ended(self, checks: Sequence[Check]) -> ExitCode:
        """Return the exit code: that of a failure, else of the worst outcome."""
        failure = next((one.failure for one in self.done if one.failure is not None), None)
        if failure is not None:
            return failure.exit_code
        return _EXIT_CODES[worst_of(one.outcome for one in checks)]

    def _plan(self, choices: Choices) -> tuple[Plan, int | None]:
        # The seed draws texts where --limit leaves some out, and else the orders alone.
        choices = replace(choices, seed=choices.seed if choices.limit else 0)
        plan, weights = plan_of(choices, self.tell, self.access)
        plan = replace(plan, shuffle_every_size=True, order_seed=self.order_seed)
        # Where the files say that vectors will be others, or the situation depends on it, float64
        # has to tell how far.
        asked = self.use.binding == "exact" or bool(plan.differs or plan.default_prompt)
        plan = replace(plan, reference=plan.reference or asked)
        if self.golden is None:
            return plan, weights
        recorded = self.golden.plan
        if not self.asked.given & {"texts", "limit"}:
            plan = replace(plan, pack=recorded.pack)
        if "prompt" not in self.asked.given:
            plan = replace(plan, prompt=recorded.prompt, query_prompt=recorded.query_prompt)
        return plan, weights


def _parts(asked: Asked, target: str, *, shuffles: int) -> tuple[list[Choices], Scenario, float]:
    """Return what is to be checked, for which use, and what a request may take.

    One model is checked, or every part of a plan file.

    The confidence decides in how many orders, and errors are not looked at without a model to hold
    a server against.

    Raises:
        InputError: if an option cannot be used, or there are no batches to compare.
    """
    fixed = {"repeats": 1, "shuffles": shuffles, "reference": True}
    use, timeout = use_of(asked), float(asked.values["timeout"])
    mode: Mode = "check"
    if target.endswith(".toml") and Path(target).is_file():
        mode = "plan"
        asked.refuse_unusable(mode)
        sweep = load_sweep(target)
        use, timeout = use_of(asked, sweep), timeout_of(asked, sweep)
        base = asked.choices(model="minilm", **fixed)
        parts = sweep.plans(base, device_here(), asked.given | {"shuffles", "reference"})
    else:
        parts = [asked.choices(model=target, **fixed)]
    asked.refuse_unusable(mode, *parts)
    if any(max(part.batch_sizes) < 2 for part in parts):
        raise InputError("a check compares batches with texts alone: give a batch size above 1")
    alone = any(is_address(part.model) and not part.against for part in parts)
    if use.binding == "exact" and alone:
        raise InputError(
            f"--situation {use.situation}: it depends on the distance from float64: give --against "
            "with the server's model"
        )
    return [replace(part, reference=bool(part.against)) for part in parts], use, timeout


def _work(plan: Plan) -> str:
    """Say how much is to be measured, and what asks for less; how long it takes shows soon."""
    count, passes = len(plan.pack), len(plan.passes)
    settings = f", in {len(plan.settings)} settings" if len(plan.settings) > 1 else ""
    return (
        f"{text_count(count)} in {passes} passes{settings}: {count * passes} vectors each. --limit "
        "takes fewer texts, --share 0.2 fewer orders, and another --dtype may be faster; the time "
        "left shows once batches come back"
    )


def _left_out(plan: Plan) -> list[Finding]:
    """Return a warning for each batch size that holds all the texts at once.

    Raises:
        InputError: if all of them do.
    """
    count = len(plan.pack)
    unfit = [size for size in plan.batch_sizes if size >= count and size > 1]
    why = (
        f"{text_count(count)} make one batch of that size, so that every random order is the same "
        "company: give more texts (--texts, --limit) or smaller --batch-sizes"
    )
    if len(unfit) == sum(size > 1 for size in plan.batch_sizes):
        raise InputError(f"batch size {', '.join(map(str, unfit))}: {why}")
    return [
        Finding("batch-size", "warning", f"batch size {size} was not checked: {why}")
        for size in unfit
    ]


def _fitting(plan: Plan) -> Plan:
    """Return the plan without the batch sizes that hold all the texts at once."""
    sizes = tuple(size for size in plan.batch_sizes if size < len(plan.pack) or size == 1)
    return replace(plan, batch_sizes=sizes)


def _draws(confidence: float, share: float) -> int:
    draws = draws_for(confidence, share)
    if draws > _MOST_DRAWS:
        raise InputError(
            f"{draws} random orders would be needed: ask for less --confidence or a larger --share"
        )
    return draws


def _new(path: Path | None) -> Path | None:
    """Return a path that nothing stands in the way of, before anything is measured for it."""
    if path is not None and path.exists():
        raise InputError(
            f"{printable(str(path))} exists: golden vectors are not written over; remove it first"
        )
    return path


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{printable(str(path))} cannot be written: {error.strerror}") from error
