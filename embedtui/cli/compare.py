"""`embedtui compare`: two run files of the same plan, before and after something changed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.padding import Padding
from rich.text import Text

from embedtui.assess.changes import Change, changes
from embedtui.cli import output
from embedtui.cli.parameter_types import RunRef
from embedtui.cli.shared_options import json_option
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.report.run_report import diagnosis
from embedtui.storage import run_file


@click.command("compare")
@click.argument("before", type=RunRef())
@click.argument("after", type=RunRef())
@json_option()
def command(before: Path, after: Path, as_json: bool) -> ExitCode:
    """Say what moved the vectors between two run files of the same model, texts and setting.

    For an upgrade of vLLM or the driver, another GPU, another container: run the same plan before
    and after. Each is a file, a recording's name, or the word last for the newest run in the data
    folder. Exits with 1 where vectors moved by more than running again does.
    """
    earlier, later = run_file.read(before), run_file.read(after)
    found = changes(earlier, later)
    if as_json:
        output.write_json(
            "changes/1",
            settings=[asdict(one) | {"diagnosis": diagnosis(one.diagnosis)} for one in found],
        )
    else:
        console = output.out()
        for one in found:
            console.print(Text.assemble((printable(one.label), "bold"), f": {_figures(one)}"))
            cause = one.diagnosis
            said = f"Cause, {cause.confidence}: {cause.name}. Seen: {cause.evidence}. "
            said += f"Why: {cause.explanation}. Do: {cause.fix}."
            console.print(Padding(Text(printable(said)), (0, 0, 0, 2)))
    moved = any(one.diagnosis.cause not in {"none", "noise"} for one in found)
    return ExitCode.CHECK_FAILED if moved else ExitCode.DONE


def _figures(one: Change) -> str:
    if one.identical == one.texts:
        return f"all {one.texts} texts bitwise identical"
    return f"L2 up to {one.l2_max:.1e}, {one.texts - one.identical} of {one.texts} texts changed"
