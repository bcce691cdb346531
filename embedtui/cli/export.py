"""`embedtui export`: a run file as something that other programs read."""

from __future__ import annotations

from pathlib import Path

import click

from embedtui.cli import output
from embedtui.cli.group import Choice, Command
from embedtui.cli.parameter_types import RunRef
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.shared_options import file_option, given_by_hand, refuse
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.plan.batch_sizes import parse_batch_sizes
from embedtui.report import exports, run_report
from embedtui.storage import recording, run_file


@click.command("export", cls=Command)
@click.argument("run_path", metavar="RUN", type=RunRef())
@click.option(
    "--to",
    "form",
    type=Choice([*exports.FORMATS, "recording"]),
    default="json",
    show_default=True,
    help="What to write.",
)
@file_option("--out", told="Write to FILE instead of standard output.")
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="In a recording: keep one of every N texts.",
)
@click.option(
    "--batch-sizes",
    metavar="N,...",
    help="In a recording: keep these batch sizes.  [default: all]",
)
@click.option(
    "--settings",
    metavar="N,...",
    help="In a recording: keep these settings, counted from 1.  [default: all]",
)
@click.option(
    "--no-reference", is_flag=True, help="In a recording: leave out the float64 reference."
)
@with_search_progress
def export(
    run_path: Path,
    form: str,
    out: Path | None,
    every: int,
    batch_sizes: str | None,
    settings: str | None,
    no_reference: bool,
) -> None:
    """Turn a run file into JSON, CSV or Markdown; a run that was cut off as well.

    RUN is a file, a recording's name, or the word last for the newest run in the data folder.

    The figures are computed from the vectors in the file and equal those of the run to the bit.
    A recording is a run file to hand on: small, and without this machine's folders and logs.
    """
    if form == "recording":
        if out is None:
            raise InputError("a recording is a file: give --out")
        sizes = None if batch_sizes is None else parse_batch_sizes(batch_sizes)
        recording.write(
            run_path,
            out,
            every=every,
            batch_sizes=sizes,
            settings=_numbers(settings),
            reference=not no_reference,
        )
        return
    recorded = ["every", "batch_sizes", "settings", "no_reference"]
    refuse(given_by_hand(), recorded, "it is for --to recording")
    text = exports.FORMATS[form](run_report.build(run_file.read(run_path)))
    if out is None:
        output.write(text)
        return
    if out.exists() and out.samefile(run_path):
        raise InputError(f"{printable(str(out))} is the run file itself: give another --out")
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{printable(str(out))} cannot be written: {error.strerror}") from error


def _numbers(text: str | None) -> list[int] | None:
    """Return the whole numbers that a list of them names.

    Raises:
        InputError: if it names anything else.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise InputError(f"--settings {printable(text, 40)}: give whole numbers, as in 1,3")
    return [int(part) for part in parts]
