"""`embedtui run`: the main job without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from embedtui import machine
from embedtui.address import is_address
from embedtui.cli import output, tables
from embedtui.cli.measure import measure, needs_vllm, started_engines
from embedtui.cli.reach import access_of, reach
from embedtui.cli.searching import tells_searches
from embedtui.cli.sweep import run_sweep
from embedtui.engine.messages import TooLong
from embedtui.engine.settings import parse_overrides
from embedtui.record import exports, report
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.bundles import BUNDLES, bundle
from embedtui.study.choices import Choices, plan_of
from embedtui.study.scenarios import scenario


def _times(name: str, usual: int, told: str) -> Callable[[Any], Any]:
    """Return an option that says how often something is done."""
    return click.option(
        name,
        default=usual,
        show_default=True,
        type=click.IntRange(0, 100),
        metavar="N",
        help=told,
    )


@click.command(
    epilog="\b\nExamples:\n"
    "  embedtui run                      minilm, three dtypes, 264 passages\n"
    "  embedtui run ./my-model --texts my.jsonl --dtype float16,float32\n"
    "  embedtui run --dtype float16 --setting pooling_accumulation=float32,model\n"
    "  embedtui run --sweep precision    every switch this machine has\n"
    "  embedtui run --limit 32 --batch-sizes 2-32*2 --json > report.json\n"
)
@click.argument("model", default="minilm")
@click.option(
    "--texts",
    default="passages",
    show_default=True,
    metavar="PACK|FILE|FOLDER",
    help="A text pack (passages, queries, long, multilingual, code, edge, retrieval), a file "
    "(.txt, .jsonl, .csv, .tsv, .parquet) or a folder of queries and documents in BEIR's layout.",
)
@click.option("--column", metavar="NAME", help="The file's column of texts.  [default: text]")
@click.option(
    "--id-column", metavar="NAME", help="The file's column of ids.  [default: id, if any]"
)
@click.option("--limit", type=int, metavar="N", help="Take the first N texts only.")
@click.option(
    "--join",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Put every N texts together to one: long texts out of any pack.",
)
@click.option(
    "--dtype",
    default="bfloat16,float16,float32",
    show_default=True,
    metavar="DTYPE,...",
    help="Precisions to load the model in; `auto` is vLLM's own choice.",
)
@click.option(
    "--batch-sizes",
    default="1,2,4,8,16,32,64",
    show_default=True,
    metavar="N,...",
    help="Texts per step; ranges too: 2-8, 1-64*2. 1, unbatched, is always measured.",
)
@click.option(
    "--setting",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE[,VALUE]",
    help="Change a switch; several values are compared. `embedtui settings` explains them.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="KEY=VALUE,...",
    help="One setting more, told in full: --also dtype=bfloat16,threads=1",
)
@_times(
    "--repeats",
    1,
    "Run the unbatched and the largest batches again N times: the noise floor.",
)
@_times(
    "--shuffles",
    2,
    "Try the largest batches in N other orders too: one draw of company is a coin flip.",
)
@_times(
    "--restarts",
    0,
    "Load every engine anew N times and run the unbatched and the largest batches again.",
)
@click.option(
    "--prompt",
    default="",
    metavar="NAME|TEXT",
    help="Put before every text: one of the model's own prompts (query, passage) or a text such as "
    "'query: '.  [default: none; queries and documents of a labelled pack have the model's own]",
)
@click.option(
    "--too-long",
    type=click.Choice(["truncate", "refuse"]),
    default="truncate",
    show_default=True,
    help="What to do with texts beyond the model's limit.",
)
@click.option(
    "--bundle",
    "bundles",
    metavar="NAME,...",
    help=f"Settings by name: {', '.join(BUNDLES)}. `embedtui settings` explains them.",
)
@click.option(
    "--sweep",
    metavar="NAME|FILE",
    help="Measure the settings and models of a plan file (TOML), or of the sweep `precision`, and "
    "print one grid. One that was cut off goes on where it ended.",
)
@click.option("--fresh", is_flag=True, help="Begin a sweep anew.")
@click.option(
    "--scenario",
    "use",
    default="rag",
    show_default=True,
    metavar="NAME",
    help="What the embeddings are for; a sweep recommends for it.",
)
@click.option(
    "--against",
    default="",
    metavar="MODEL",
    help="For a server: the same model on this machine. Its float64 truth judges the server, and "
    "with --dtype or --setting local engines stand beside it.",
)
@reach
@_times(
    "--layers",
    0,
    "Look into the layers of every setting too, with the first N texts: see `embedtui layers`.",
)
@click.option("--no-truth", is_flag=True, help="Leave out the float64 truth and precision error.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The run file to write.  [default: one in the data folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (docs/report.md).")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@tells_searches
def run(
    model: str,
    texts: str,
    column: str | None,
    id_column: str | None,
    limit: int | None,
    join: int,
    dtype: str,
    batch_sizes: str,
    assignments: tuple[str, ...],
    also: tuple[str, ...],
    repeats: int,
    shuffles: int,
    restarts: int,
    prompt: str,
    bundles: str | None,
    sweep: str | None,
    fresh: bool,
    use: str,
    too_long: TooLong,
    against: str,
    timeout: float,
    ask_key: bool,
    key_for: tuple[str, ...],
    layers: int,
    no_truth: bool,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure how far the embeddings of MODEL move with dtype and batch size.

    MODEL is an alias (minilm), a folder, a hub id such as intfloat/e5-small, or the address of a
    server, http://host:port/v1. Every setting is loaded by the real vLLM engine; every batch is a
    step of exactly that many texts, verified at the scheduler. A server is sent as many texts as
    one request and as so many requests at once. For each setting a table shows three things side by
    side: batch drift (batched against unbatched), the noise floor (the same run again) and the
    precision error (against float64 on the same weights).
    """
    choices = Choices(
        model=model,
        texts=texts,
        column=column,
        id_column=id_column,
        limit=limit,
        join=join,
        chosen=tuple(
            parse_overrides(one)
            for one in (_asked(model, dtype, assignments), *(text.split(",") for text in also))
            if one
        ),
        batch_sizes=parse_batch_sizes(batch_sizes),
        repeats=repeats,
        shuffles=shuffles,
        restarts=restarts,
        truth=not no_truth,
        too_long=too_long,
        prompt=prompt,
        against=against,
        layers=layers,
    )
    access = access_of(timeout, ask_key=ask_key, key_for=key_for, named=model)
    if sweep is not None:
        return run_sweep(sweep, choices, _given(), access, use=scenario(use).key, out=out,
                         as_json=as_json, quiet=quiet, fresh=fresh)  # fmt: skip
    if bundles:
        choices = _with_bundles(choices, bundles, keep_dtypes=bool(assignments or also))
    console = output.err()
    plan, weights_bytes = plan_of(
        choices, lambda what: None if quiet else console.print(what, soft_wrap=True), access
    )
    with started_engines(access, importing=needs_vllm(plan)) as engines:
        measured = measure(plan, weights_bytes, engines, out, quiet=quiet)
    results = measured.results
    if measured.failure is not None and not any(s.unbatched.count for s in results.settings):
        raise measured.failure
    made = report.build(results)
    if as_json:
        output.write(exports.to_json(made))
    else:
        tables.show(made, output.out())
    if not quiet:
        measured.tell_path()
    return measured.ended()


def _given() -> set[str]:
    """Return the options that were given by hand."""
    context = click.get_current_context()
    return {
        name
        for name in context.params
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }


def _with_bundles(choices: Choices, names: str, *, keep_dtypes: bool) -> Choices:
    """Return the choices with named settings; they take the place of dtypes nobody asked for."""
    device = machine.engine_device()
    named = tuple(bundle(name.strip()).on(device) for name in names.split(",") if name.strip())
    kept = choices.chosen if keep_dtypes or "dtype" in _given() else ()
    return replace(choices, chosen=(*kept, *named))


def _asked(model: str, dtype: str, assignments: tuple[str, ...]) -> list[str]:
    """Return all that was asked; a dtype among the settings takes the place of the default.

    A server has the dtype that it was started with.
    """
    source = click.get_current_context().get_parameter_source("dtype")
    among = any(text.partition("=")[0].strip() == "dtype" for text in assignments)
    if (among or is_address(model)) and source is ParameterSource.DEFAULT:
        return list(assignments)
    return [f"dtype={dtype}", *assignments]
