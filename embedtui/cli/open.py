"""`embedtui open`: run files in the explorer's screens, without an engine."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from embedtui.cli import output, overview, tables
from embedtui.cli.group import Command
from embedtui.cli.parameter_types import RunsRef, ThemeName
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.shared_options import Asked, full_option, given_by_hand, json_option, refuse
from embedtui.common.errors import ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.plan.scenarios import scenario
from embedtui.report import run_report
from embedtui.storage import library, run_file

_LOOKS = ("theme", "slow_link", "ascii_only")


@click.command(
    "open",
    cls=Command,
    epilog="\b\nExamples:\n"
    "  embedtui open                  what there is\n"
    "  embedtui open h200             recorded on an H200, shipped with embedtui\n"
    "  embedtui open last             the newest run of your own\n"
    "  embedtui open ./run.sqlite     a run of your own, or a colleague's\n"
    "  embedtui open h200 --plain     a table instead of screens\n",
)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", type=RunsRef())
@click.option(
    "--list", "listing", is_flag=True, help="List what there is; the same without a name."
)
@click.option("--plain", is_flag=True, help="Print a table; the same where there is no terminal.")
@full_option()
@click.option(
    "--theme", type=ThemeName(), metavar="NAME", help="Colours; `embedtui list themes` lists them."
)
@click.option("--slow-link", is_flag=True, help="Draw once a second, for a slow line.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Show nothing beyond ASCII.")
@json_option("the list of what there is as JSON")
@with_search_progress
def command(
    names: tuple[str, ...],
    listing: bool,
    plain: bool,
    full: bool,
    theme: str | None,
    slow_link: bool,
    ascii_only: bool,
    as_json: bool,
) -> int:
    """Look at runs without an engine: recordings that come with embedtui, and run files.

    NAME is a recording or the beginning of its name (h200), a run in the data folder, the word last
    for the newest of those, or a file.
    Without one it lists what there is.
    """
    given = given_by_hand()
    if listing and names:
        raise InputError("--list lists all there is: leave out the names")
    if not names:
        refuse(given, ["plain", "full", *_LOOKS], "it is for runs, and none is named")
        _list(as_json=as_json)
        return ExitCode.DONE
    refuse(given, ["as_json"], "it lists what there is; `embedtui export RUN` prints one as JSON")
    if plain or full:
        refuse(given, _LOOKS, "it is for screens, not for tables")
    files = [path for name in names for path in library.find(name)]
    for path in files:
        library.describe(path)  # what cannot be read is told before there is a screen
    from embedtui.tui.terminal.guard import is_terminal  # noqa: PLC0415 - of the screen alone

    if plain or full or not is_terminal():
        for path in files:
            results = run_file.read(path)
            overview.show(overview.overview_of(results, scenario("rag")), output.out())
            if full:
                tables.show(run_report.build(results), output.out())
        return ExitCode.DONE
    from embedtui.cli.explore import start  # noqa: PLC0415 - likewise

    looks: dict[str, Any] = {
        "theme": theme,
        "slow_link": "on" if slow_link else None,
        "ascii": True if ascii_only or output.wants_ascii() else None,
    }
    return start(Asked({}, frozenset()), looks, opened=tuple(dict.fromkeys(files)))


def _list(*, as_json: bool) -> None:
    shipped = library.describe_all(list(library.recordings().values()))
    own = library.describe_all(library.own_runs())
    if as_json:
        output.write_json("runs/1", recordings=_as_dicts(shipped), own=_as_dicts(own))
        return
    console = output.out()
    for title, held in (
        ("Recordings that come with embedtui", shipped),
        ("Runs of your own, the newest first", own),
    ):
        if not held:
            continue
        console.print(Text(title, style="bold"))
        for one in held:
            settings = "1 setting" if one.settings == 1 else f"{one.settings} settings"
            facts = [one.model, one.texts, settings, f"recorded {one.where}"]
            if one.status != "finished":
                facts.append(one.status)
            console.print(
                Text.assemble(
                    (f"  {printable(one.name)}", "green"), "\n    ", printable(" · ".join(facts))
                ),
                soft_wrap=True,
            )


def _as_dicts(held: list[library.RunSummary]) -> list[dict[str, Any]]:
    return [{**vars(one), "path": str(one.path)} for one in held]
