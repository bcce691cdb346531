"""`embedtui check`: does what is served hold, for cron and for CI."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.padding import Padding
from rich.text import Text

from embedtui import machine
from embedtui.address import is_address
from embedtui.cli import output
from embedtui.cli.measure import Measured, measure, needs_vllm, started_engines
from embedtui.cli.reach import access_of, reach
from embedtui.engine.endpoint.access import Access
from embedtui.engine.settings import parse_overrides
from embedtui.errors import InputError
from embedtui.machine import Device
from embedtui.printable import printable
from embedtui.record import checked, history, recording, run_file
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.checks import Check, check
from embedtui.study.choices import Choices, plan_of
from embedtui.study.confidence import claim, draws_for
from embedtui.study.plan import Plan
from embedtui.study.results import Results
from embedtui.study.scenarios import Scenario, scenario
from embedtui.study.sweep import load_sweep

_MARKS = {"holds": ("✔ ", "green"), "failed": ("! ", "yellow")}
_MOST_DRAWS = 1000
_OF_THE_TEXTS = {"truncated", "beyond-positions"}
"""Warnings that are the same in every check of these texts: nothing that a check has found."""


def _file(*names: str, told: str) -> Callable[[Any], Any]:
    """Return an option that names a file."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*names, type=kind, metavar="FILE", help=told)


@click.command(
    "check",
    epilog="\b\nExamples:\n"
    "  embedtui check http://localhost:8000/v1 --scenario rag\n"
    "  embedtui check minilm --dtype float16 --record golden.sqlite\n"
    "  embedtui check minilm --dtype float16 --golden golden.sqlite\n"
    '  embedtui check --serve "minilm --dtype float16" --golden golden.sqlite\n'
    "  embedtui check plan.toml --junit report.xml --markdown summary.md\n"
    "\b\nExit codes: 0 holds, 1 falls short or has a fault, 2 bad usage or input,\n"
    "3 the engine or the server failed, 130 cancelled.",
)
@click.argument("target", required=False, metavar="[MODEL|URL|PLAN.toml]")
@click.option(
    "--serve",
    metavar="ARGUMENTS",
    help="Start vLLM's server with these arguments, check it, stop it.",
)
@click.option(
    "--scenario",
    "use",
    default="rag",
    show_default=True,
    metavar="NAME",
    help="What the embeddings are for, and so the drift that they can bear.",
)
@click.option(
    "--texts",
    default="passages",
    show_default=True,
    metavar="PACK|FILE",
    help="The texts to check with; those of a golden file where there is one.",
)
@click.option("--column", metavar="NAME", help="The file's column of texts.")
@click.option("--limit", type=int, metavar="N", help="Take the first N texts only.")
@click.option(
    "--dtype",
    default="auto",
    show_default=True,
    metavar="DTYPE,...",
    help="For a model on this machine: as it is served.",
)
@click.option(
    "--setting",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE[,VALUE]",
    help="Change a switch; `embedtui settings` explains them.",
)
@click.option(
    "--batch-sizes",
    default="1,8,64",
    show_default=True,
    metavar="N,...",
    help="Texts at once; the largest is drawn in many orders.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="How sure a check that holds shall be.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of all orders of the texts that may fall short unseen.",
)
@click.option("--prompt", default="", metavar="TEXT", help="Put before every text.")
@click.option("--against", default="", metavar="MODEL", help="For a server: the same model here.")
@_file("--record", told="Keep the vectors in FILE: golden vectors for later checks.")
@_file("--golden", told="Hold the vectors against those of FILE; its texts are used.")
@_file(
    "--history",
    "history_file",
    told="Write the check down in FILE.  [default: history.sqlite in the data folder]",
)
@click.option("--no-history", is_flag=True, help="Write nothing down.")
@_file("--junit", told="Write JUnit XML.")
@_file("--markdown", told="Write a summary for the page of a CI job.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (docs/checks.md).")
@click.option("--quiet", is_flag=True, help="No progress, also in a terminal.")
@click.option(
    "--ready-timeout",
    type=click.FloatRange(1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long a server that --serve starts may take to be ready.",
)
@reach
def command(
    target: str | None,
    serve: str | None,
    use: str,
    texts: str,
    column: str | None,
    limit: int | None,
    dtype: str,
    assignments: tuple[str, ...],
    batch_sizes: str,
    confidence: float,
    share: float,
    prompt: str,
    against: str,
    record: Path | None,
    golden: Path | None,
    history_file: Path | None,
    no_history: bool,
    junit: Path | None,
    markdown: Path | None,
    as_json: bool,
    quiet: bool,
    ready_timeout: float,
    timeout: float,
    ask_key: bool,
    key_for: tuple[str, ...],
) -> int:
    """Say whether a model, a server or a plan's settings hold for a use; one line if they do.

    Texts go alone, in batches, and in as many random orders of the largest batches as the wanted
    confidence asks for. With --golden the vectors are also held against recorded ones: whether
    vLLM, the driver, the GPU or the server moved them, how far, and whether retrieval would notice.
    """
    if (target is None) == (serve is None):
        raise InputError("give a model, a server's address or a plan file, or --serve: one of them")
    base = Choices(
        model=target or "",
        texts=texts,
        column=column,
        limit=limit,
        batch_sizes=parse_batch_sizes(batch_sizes),
        repeats=1,
        shuffles=_draws(confidence, share),
        truth=bool(against),
        prompt=prompt,
        against=against,
    )
    if max(base.batch_sizes) < 2:
        raise InputError("a check compares batches with texts alone: give a batch size above 1")
    job = _Job(
        use=scenario(use),
        confidence=confidence,
        golden=None if golden is None else run_file.read(golden),
        access=access_of(timeout, ask_key=ask_key, key_for=key_for, named=target or ""),
        quiet=quiet or not sys.stderr.isatty(),
        record=_new(record),
    )
    with contextlib.ExitStack() as stack:
        if serve is not None:
            base = replace(base, model=stack.enter_context(job.serving(serve, ready_timeout)))
        checks = job.run(_parts(base, dtype, assignments))
    for path, form in ((markdown, checked.to_markdown), (junit, checked.to_junit)):
        if path is not None:
            _write(path, form(checks))
    for one in () if no_history else checks:
        history.append(history_file or history.default_path(), one)
    if as_json:
        output.write(checked.to_json(checks))
    else:
        _show(checks)
    return job.ended(checks)


@dataclass
class _Job:
    """One check from its plans to its exit code."""

    use: Scenario
    confidence: float
    golden: Results | None
    access: Access
    quiet: bool
    record: Path | None
    done: list[Measured] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Say what is waited for, to a person who watches."""
        if not self.quiet:
            output.err().print(printable(what), soft_wrap=True)

    @contextlib.contextmanager
    def serving(self, arguments: str, seconds: float) -> Iterator[str]:
        """Start a server, and stop it whatever happens; yield its address."""
        from embedtui.engine.endpoint.started import arguments_of, started  # noqa: PLC0415

        words = arguments_of(arguments)
        with started(words, self.access, self.tell, ready_seconds=seconds) as (address, access):
            self.access = access
            yield str(address)

    def run(self, parts: Sequence[Choices]) -> list[Check]:
        """Measure every part and judge it.

        Run files stay only where there is something to look into.
        """
        planned = [self._plan(choices) for choices in parts]
        if self.record is not None and len(planned) > 1:
            raise InputError("--record keeps the vectors of one model, and the plan has several")
        importing = any(needs_vllm(plan) for plan, _ in planned)
        checks = []
        with started_engines(self.access, importing=importing) as engines:
            for plan, weights in planned:
                measured = measure(plan, weights, engines, None, quiet=self.quiet)
                path = measured.path
                if measured.results.status == "cancelled":
                    measured.tell_path()
                    measured.ended()
                self.done.append(measured)
                one = check(
                    measured.results, self.use, confidence=self.confidence, golden=self.golden
                )
                if self.record is not None and path is not None:
                    recording.write(path, self.record)
                if one.outcome != "holds":
                    measured.tell_path()
                elif path is not None:
                    path.unlink(missing_ok=True)
                checks.append(one)
        return checks

    def ended(self, checks: Sequence[Check]) -> int:
        """Return the exit code: that of a failure, else whether everything holds."""
        failure = next((one.failure for one in self.done if one.failure is not None), None)
        if failure is not None:
            return failure.exit_code
        return 0 if all(one.outcome == "holds" for one in checks) else 1

    def _plan(self, choices: Choices) -> tuple[Plan, int | None]:
        plan, weights = plan_of(choices, self.tell, self.access)
        if self.golden is None:
            return plan, weights
        recorded = self.golden.plan
        if _usual("texts") and _usual("limit"):
            plan = replace(plan, pack=recorded.pack)
        if _usual("prompt"):
            plan = replace(plan, prompt=recorded.prompt, query_prompt=recorded.query_prompt)
        return plan, weights


def _parts(base: Choices, dtype: str, assignments: tuple[str, ...]) -> list[Choices]:
    """Return what is to be checked: one model or server, or every part of a plan file."""
    if base.model.endswith(".toml") and Path(base.model).is_file():
        sweep = load_sweep(base.model)
        given = {name for name in ("texts", "column", "limit", "batch_sizes") if not _usual(name)}
        parts = sweep.plans(replace(base, model="minilm"), _device(), {*given, "shuffles", "truth"})
        return [replace(part, shuffles=base.shuffles, truth=False) for part in parts]
    words = list(assignments)
    among = any(word.partition("=")[0].strip() == "dtype" for word in words)
    if not among and not (is_address(base.model) and _usual("dtype")):
        words.insert(0, f"dtype={dtype}")
    return [replace(base, chosen=(parse_overrides(words),) if words else ())]


def _device() -> Device:
    """Return what vLLM computes on here; a plan of servers needs none."""
    try:
        return machine.engine_device()
    except InputError:
        return "cpu"


def _draws(confidence: float, share: float) -> int:
    draws = draws_for(confidence, share)
    if draws > _MOST_DRAWS:
        raise InputError(
            f"{draws} random orders would be needed: ask for less --confidence or a larger --share"
        )
    return draws


def _usual(name: str) -> bool:
    """Say whether an option was left alone."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.DEFAULT


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


def _show(checks: Sequence[Check]) -> None:
    """Print a line for each check that holds, and every sentence of those that do not."""
    console = output.out()
    unicode = output.unicode_works(console)
    for one in checks:
        mark, style = _MARKS.get(one.outcome, ("✗ ", "red"))
        head = Text.assemble((mark if unicode else "", style), (_head(one), "bold"))
        if one.outcome == "holds":
            console.print(head.append(f": {_in_short(one)}"), soft_wrap=True)
        else:
            console.print(head, soft_wrap=True)
            for setting in one.settings:
                said = f"{setting.label}: {setting.outcome}; {setting.said}"
                console.print(Padding(Text(printable(said)), (0, 0, 0, 2)))
                if setting.cause is not None:
                    cause = setting.cause
                    line = f"{cause.name}; seen: {cause.seen}; do: {cause.do}"
                    console.print(Padding(Text(printable(line), style="dim"), (0, 0, 0, 4)))
        for warning in one.warnings:
            if one.outcome == "holds" and warning.kind in _OF_THE_TEXTS:
                continue
            console.print(
                Padding(Text(f"warning: {printable(warning.message)}", "yellow"), (0, 0, 0, 2))
            )


def _head(one: Check) -> str:
    plan = one.results.plan
    return printable(
        f"{plan.model_name} {one.outcome} for {one.use.name} ({one.use.limit}), "
        f"{len(plan.pack)} texts"
    )


def _in_short(one: Check) -> str:
    worst = max(one.settings, key=lambda setting: setting.drift.worst)
    said = [f"batch drift {worst.drift.said(one.use)}"]
    if len(one.settings) > 1:
        said[0] += f" at most, {len(one.settings)} settings"
    said.append(claim(one.confidence, min(setting.draws for setting in one.settings)))
    said += [setting.golden.said(one.use) for setting in one.settings if setting.golden][:1]
    return printable("; ".join(said))
