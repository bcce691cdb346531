"""`embedtui run`: the main job without a screen."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click
from click.core import ParameterSource

from embedtui.cli import output, tables
from embedtui.cli.progress import Display, Silence, display_for
from embedtui.engine.client import Engines
from embedtui.engine.messages import TooLong
from embedtui.engine.settings import parse_overrides
from embedtui.errors import Cancelled, EmbedtuiError
from embedtui.printable import printable
from embedtui.record import exports, report
from embedtui.record.run_file import Recorder, new_path
from embedtui.study.batch_sizes import parse_batch_sizes
from embedtui.study.choices import Choices, plan_of
from embedtui.study.results import Results
from embedtui.study.study import Study


@click.command(
    epilog="\b\nExamples:\n"
    "  embedtui run                      minilm, three dtypes, 264 passages\n"
    "  embedtui run ./my-model --texts my.jsonl --dtype float16,float32\n"
    "  embedtui run --dtype float16 --setting pooling_accumulation=float32,model\n"
    "  embedtui run --limit 32 --batch-sizes 2-32*2 --json > report.json\n"
)
@click.argument("model", default="minilm")
@click.option(
    "--texts",
    default="passages",
    show_default=True,
    metavar="PACK|FILE",
    help="A text pack (passages, queries, long, multilingual, code, edge) or a file: "
    ".txt, .jsonl, .csv, .tsv, .parquet.",
)
@click.option("--column", metavar="NAME", help="The file's column of texts.  [default: text]")
@click.option(
    "--id-column", metavar="NAME", help="The file's column of ids.  [default: id, if any]"
)
@click.option("--limit", type=int, metavar="N", help="Take the first N texts only.")
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
@click.option(
    "--repeats",
    default=1,
    show_default=True,
    type=click.IntRange(0, 100),
    metavar="N",
    help="Run the unbatched and the largest batches again N times: the noise floor.",
)
@click.option(
    "--prompt",
    default="",
    metavar="NAME|TEXT",
    help="Put before every text: one of the model's own prompts (query, passage) or a text such as "
    "'query: '.",
)
@click.option(
    "--too-long",
    type=click.Choice(["truncate", "refuse"]),
    default="truncate",
    show_default=True,
    help="What to do with texts beyond the model's limit.",
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
def run(
    model: str,
    texts: str,
    column: str | None,
    id_column: str | None,
    limit: int | None,
    dtype: str,
    batch_sizes: str,
    assignments: tuple[str, ...],
    also: tuple[str, ...],
    repeats: int,
    prompt: str,
    too_long: TooLong,
    no_truth: bool,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure how far the embeddings of MODEL move with dtype and batch size.

    MODEL is an alias (minilm), a folder, or a hub id such as intfloat/e5-small. Every setting is
    loaded by the real vLLM engine; every batch is a step of exactly that many texts, verified at
    the scheduler. For each setting a table shows three things side by side: batch drift (batched
    against unbatched), the noise floor (the same run again) and the precision error (against
    float64 on the same weights).
    """
    console = output.err()
    choices = Choices(
        model=model,
        texts=texts,
        column=column,
        id_column=id_column,
        limit=limit,
        chosen=tuple(
            parse_overrides(one)
            for one in (_asked(dtype, assignments), *(text.split(",") for text in also))
        ),
        batch_sizes=parse_batch_sizes(batch_sizes),
        repeats=repeats,
        truth=not no_truth,
        too_long=too_long,
        prompt=prompt,
    )
    plan, weights_bytes = plan_of(
        choices, lambda what: None if quiet else console.print(what, soft_wrap=True)
    )
    results = Results()
    engines = Engines()
    recorder = Recorder(out or new_path(plan))
    display: Display = Silence() if quiet else display_for(results, console)
    study = Study(plan, engines, [recorder, results, display], weights_bytes=weights_bytes)
    try:
        failure = _run_to_the_end(study, engines, console.print)
    finally:
        display.close()
        recorder.close()
        if not any(setting.unbatched.count for setting in results.settings):
            recorder.path.unlink(missing_ok=True)  # nothing was measured: the name is free again
    if failure is not None and not any(s.unbatched.count for s in results.settings):
        raise failure
    made = report.build(results)
    if as_json:
        output.write(exports.to_json(made))
    else:
        tables.show(made, output.out())
    if not quiet:
        console.print(f"Run file: {printable(str(recorder.path))}", soft_wrap=True)
    if results.status == "cancelled":
        raise Cancelled(f"{results.reason}; what was measured until then is in the run file")
    if results.status == "failed":
        raise failure or study.failures[0]
    return 0


def _run_to_the_end(
    study: Study, engines: Engines, say: Callable[[str], None]
) -> EmbedtuiError | None:
    """Run the study in a thread while this one listens to signals; return what it raised.

    The first Ctrl+C lets the batch in hand come back, the second kills the engine.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            study.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            raised.append(error)

    asked = threading.Event()

    def on_signal(signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGINT and not asked.is_set():
            asked.set()
            study.cancel()
        else:
            threading.Thread(target=study.kill, daemon=True).start()

    previous = {
        signum: signal.signal(signum, on_signal) for signum in (signal.SIGINT, signal.SIGTERM)
    }
    worker = threading.Thread(target=work, name="study")
    engines.start()
    worker.start()
    said = False
    try:
        while worker.is_alive():
            worker.join(0.1)
            if asked.is_set() and not said:
                said = True
                say("stopping after this batch; Ctrl+C again kills the engine")
    finally:
        engines.close()
        for signum, handler in previous.items():
            signal.signal(signum, handler)
    if not raised:
        return None
    if isinstance(raised[0], EmbedtuiError):
        return raised[0]
    raise raised[0]


def _asked(dtype: str, assignments: tuple[str, ...]) -> list[str]:
    """Return all that was asked; a dtype among the settings takes the place of the default."""
    source = click.get_current_context().get_parameter_source("dtype")
    among = any(text.partition("=")[0].strip() == "dtype" for text in assignments)
    if among and source is ParameterSource.DEFAULT:
        return list(assignments)
    return [f"dtype={dtype}", *assignments]
