"""`embedtui export`: a run file as something that other programs read."""

from __future__ import annotations

from pathlib import Path

import click

from embedtui.cli import output
from embedtui.errors import InputError
from embedtui.printable import printable
from embedtui.record import exports, report, run_file


@click.command("export")
@click.argument("run_path", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--to",
    "form",
    type=click.Choice(list(exports.FORMATS)),
    default="json",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of standard output.",
)
def export(run_path: Path, form: str, out: Path | None) -> None:
    """Turn a run file into JSON, CSV or Markdown; a run that was cut off as well.

    The figures are computed from the vectors in the file and equal those of the run to the bit.
    """
    text = exports.FORMATS[form](report.build(run_file.read(run_path)))
    if out is None:
        output.write(text)
        return
    if out.exists() and out.samefile(run_path):
        raise InputError(f"{printable(str(out))} is the run file itself: give another --out")
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{printable(str(out))} cannot be written: {error.strerror}") from error
