"""`embedtui compare`: two run files of the same plan, before and after something changed."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.padding import Padding
from rich.text import Text

from embedtui.cli import output
from embedtui.printable import printable
from embedtui.record import exports, library, run_file
from embedtui.study.changes import Change, changes


@click.command("compare")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(before: str, after: str, as_json: bool) -> int:
    """Say what moved the vectors between two run files of the same model, texts and setting.

    For an upgrade of vLLM or the driver, another GPU, another container: run the same plan before
    and after. Each is a file, or the word last for the newest run in the data folder. Exits with 1
    where vectors moved by more than running again does.
    """
    earlier, later = (run_file.read(library.file_of(ref)) for ref in (before, after))
    found = changes(earlier, later)
    if as_json:
        output.write(
            exports.dump({"schema": "embedtui.changes/1", "settings": [asdict(c) for c in found]})
        )
    else:
        console = output.out()
        for one in found:
            console.print(Text.assemble((printable(one.label), "bold"), f": {_figures(one)}"))
            cause = one.diagnosis
            said = f"Cause, {cause.sure}: {cause.name}. Seen: {cause.seen}. Why: {cause.why}."
            console.print(Padding(Text(printable(f"{said} Do: {cause.do}.")), (0, 0, 0, 2)))
    return int(any(one.diagnosis.cause not in {"none", "noise"} for one in found))


def _figures(one: Change) -> str:
    if one.identical == one.texts:
        return f"all {one.texts} texts bitwise identical"
    return f"L2 up to {one.l2_max:.1e}, {one.texts - one.identical} of {one.texts} texts changed"
