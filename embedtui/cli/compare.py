"""`embedtui compare`: two runs before and after a change, or two settings as index and queries."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.padding import Padding
from rich.text import Text

from embedtui.assess.changes import Change, changes
from embedtui.cli import output
from embedtui.cli.group import Command
from embedtui.cli.mix import mix
from embedtui.cli.parameter_types import SideRef, run_file_of
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.shared_options import json_option
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.report.run_report import diagnosis
from embedtui.storage import run_file


@click.command(
    "compare",
    cls=Command,
    epilog="\b\nExamples:\n"
    "  embedtui compare old.sqlite new.sqlite  what an upgrade moved, and why\n"
    "  embedtui compare last                 each setting asked by each\n"
    "  embedtui compare last#1 last#2        index of one, queries of other\n"
    "  embedtui compare old.sqlite#1@64 new.sqlite#1@1\n",
)
@click.argument("before", metavar="RUN", type=SideRef())
@click.argument("after", metavar="[RUN]", required=False, type=SideRef())
@json_option()
@with_search_progress
def command(before: str, after: str | None, as_json: bool) -> ExitCode:
    """Say what moved the vectors between two runs, or what mixing two settings does to a search.

    Two run files of the same model, texts and settings, before and after: which vectors moved, how
    far, and why. For an upgrade of vLLM or the driver, another GPU, another container. Exits with 1
    where vectors moved by more than running again does.

    RUN alone, or two times RUN#SETTING or RUN#SETTING@BATCH: an index by the first, in its largest
    batches unless a size is given, searched with queries by the second, alone; as an index is that
    another server built. With RUN alone every setting is asked by every other.

    RUN is a file, a recording's name, or last, the newest run in the data folder. SETTING is its
    number in the run or its label with commas, such as float32,kernel_precision=ieee.
    """
    if after is None or _has_setting(before) or _has_setting(after):
        return mix(before, after, as_json=as_json)
    return _changes(run_file_of(before), run_file_of(after), as_json=as_json)


def _has_setting(ref: str) -> bool:
    return "#" in ref and not Path(ref).is_file()


def _changes(before: Path, after: Path, *, as_json: bool) -> ExitCode:
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
