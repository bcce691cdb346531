"""`embedtui [MODEL]`: the explorer, where there is a terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedtui.cli import output
from embedtui.cli.group import Command
from embedtui.cli.parameter_types import ThemeName
from embedtui.cli.shared_options import Asked, refuse, run_options
from embedtui.common.errors import InputError
from embedtui.common.printable import printable

if TYPE_CHECKING:
    from embedtui.config import Config
    from embedtui.report.stories import Told


class _Explorer(Command):
    """The command that has no name."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how it is used."""
        formatter.write_usage("embedtui", "[MODEL|URL] [OPTIONS]")


@click.command(cls=_Explorer)
@run_options("explore")
@click.option(
    "--theme", type=ThemeName(), metavar="NAME", help="Colours; `embedtui list themes` lists them."
)
@click.option("--refresh", type=click.FloatRange(0.2, 10), metavar="HZ", help="Pictures a second.")
@click.option("--slow-link", is_flag=True, help="Draw once a second, for a slow line.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Show nothing beyond ASCII.")
def explore(
    asked: Asked, theme: str | None, refresh: float | None, slow_link: bool, ascii_only: bool
) -> int:
    """Open the explorer: choose, press r, watch the drift appear.

    What was chosen last comes back; options count for this time.
    """
    # Nothing of this is needed by the other commands, and the screen is to stand at once.
    from embedtui.tui.terminal.guard import is_terminal  # noqa: PLC0415

    if not is_terminal():
        raise InputError(
            "the explorer needs a terminal; `embedtui run` does the same work without one"
        )
    if slow_link:
        refuse(asked.given, ["refresh"], "--slow-link draws once a second")
    looks = {
        "theme": theme,
        "refresh": refresh,
        "slow_link": "on" if slow_link else None,
        "ascii": True if ascii_only or output.wants_ascii() else None,
    }
    return start(asked, looks)


def start(
    asked: Asked,
    looks: dict[str, Any],
    opened: tuple[Path, ...] = (),
    story: Told | None = None,
) -> int:
    """Show the explorer with what was asked for this time; of run files where some are `opened`.

    A `story` of them is told at first.

    Raises:
        InputError: for something that was given and the model cannot use.
    """
    # Nothing of this is needed by the other commands, and the screen is to stand at once.
    from embedtui.cli.server_options import access_of  # noqa: PLC0415
    from embedtui.common import paths  # noqa: PLC0415
    from embedtui.config import config_path, load  # noqa: PLC0415
    from embedtui.plan.options import refuse_unusable  # noqa: PLC0415
    from embedtui.plan.scenarios import scenario_problems  # noqa: PLC0415
    from embedtui.tui.actions import IDS, clashes  # noqa: PLC0415
    from embedtui.tui.start import show  # noqa: PLC0415

    path = config_path()
    config, problems = load(path, IDS)
    problems += [*clashes(config.keys), *scenario_problems()]
    values = {key: value for key, value in asked.values.items() if key != "key_for"}
    kept = {key: value for key, value in {**values, **looks}.items() if value is not None}
    now = checked_options(kept, config)
    # A server that a key is for may be chosen on the screen.
    refuse_unusable(asked.given - {"key_for"}, "explore", [replace(config, **now).choices()])
    access = access_of(asked, named=now.get("model", ""))
    logs = paths.logs_folder()
    ended = show(config, now, problems, path, logs=logs, access=access, opened=opened, story=story)
    for line in ended.told:
        output.err().print(printable(line), soft_wrap=True)
    return ended.code


def checked_options(given: dict[str, Any], config: Config) -> dict[str, Any]:
    """Return what counts for this time as the config has it.

    Raises:
        InputError: for a switch, a value or a batch size that there is not.
    """
    from embedtui.engine.settings import SWITCHES, parse_overrides  # noqa: PLC0415 - as above
    from embedtui.plan.options import BY_NAME  # noqa: PLC0415 - likewise

    assignments = [f"dtype={given.pop('dtype')}"] if "dtype" in given else []
    assignments += given.pop("setting", ())
    for name in BY_NAME.keys() & given:
        if problem := BY_NAME[name].key.problem(name, given[name]):
            raise InputError(problem)
    if assignments:
        chosen = parse_overrides(assignments)
        shown = {
            one.key: tuple(map(one.show, chosen[one.key])) for one in SWITCHES if one.key in chosen
        }
        given["settings"] = {**config.settings, **shown}
    return given
