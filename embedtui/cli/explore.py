"""`embedtui explore`: the screen; started by `embedtui` alone where there is a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedtui.cli import output
from embedtui.cli.reach import KEY_FOR, access_of
from embedtui.errors import InputError
from embedtui.printable import printable

if TYPE_CHECKING:
    from embedtui.config import Config


@click.command()
@click.argument("model", required=False)
@click.option("--texts", metavar="PACK|FILE", help="A text pack or a file.  [default: the last]")
@click.option("--limit", type=click.IntRange(0), metavar="N", help="The first N texts; 0 for all.")
@click.option("--dtype", metavar="DTYPE,...", help="Precisions to load the model in.")
@click.option("--batch-sizes", metavar="N,...", help="Texts per step; ranges too: 2-8, 1-64*2.")
@click.option("--theme", metavar="NAME", help="Colours; `embedtui themes` lists them.")
@click.option("--refresh", type=click.FloatRange(0.2, 10), metavar="HZ", help="Pictures a second.")
@click.option("--slow-link", is_flag=True, help="Draw once a second, for a slow line.")
@KEY_FOR
@click.option("--ascii", "ascii_only", is_flag=True, help="Show nothing beyond ASCII.")
def explore(
    model: str | None,
    texts: str | None,
    limit: int | None,
    dtype: str | None,
    batch_sizes: str | None,
    theme: str | None,
    refresh: float | None,
    slow_link: bool,
    key_for: tuple[str, ...],
    ascii_only: bool,
) -> int:
    """Open the explorer: choose, press r, watch the drift appear.

    MODEL is an alias, a folder or a hub id. What was chosen last comes back; options count for this
    time.
    """
    # Nothing of this is needed by the other commands, and the screen is to stand at once.
    from embedtui.tui.terminal.guard import is_terminal  # noqa: PLC0415

    if not is_terminal():
        raise InputError(
            "the explorer needs a terminal; `embedtui run` does the same work without one"
        )
    asked: dict[str, Any] = {
        "model": model,
        "texts": texts,
        "limit": limit,
        "dtype": dtype,
        "batch_sizes": batch_sizes,
        "theme": theme,
        "refresh": refresh,
        "slow_link": "on" if slow_link else None,
        "ascii": True if ascii_only or output.wants_ascii() else None,
    }
    return start(asked, key_for=key_for)


def start(
    asked: dict[str, Any], opened: tuple[Path, ...] = (), key_for: tuple[str, ...] = ()
) -> int:
    """Show the explorer with what was asked for this time; of run files where some are `opened`.

    `key_for` names servers that may have the key of the environment.
    """
    # Nothing of this is needed by the other commands, and the screen is to stand at once.
    from embedtui import paths  # noqa: PLC0415
    from embedtui.config import config_path, load  # noqa: PLC0415
    from embedtui.study.scenarios import scenario_problems  # noqa: PLC0415
    from embedtui.tui.actions import IDS, clashes  # noqa: PLC0415
    from embedtui.tui.start import show  # noqa: PLC0415

    path = config_path()
    config, problems = load(path, IDS)
    problems += [*clashes(config.keys), *scenario_problems()]
    given = _checked({key: value for key, value in asked.items() if value is not None}, config)
    access = access_of(named=given.get("model", ""), key_for=key_for)
    logs = paths.logs_folder()
    ended = show(config, given, problems, path, logs=logs, access=access, opened=opened)
    for line in ended.told:
        output.err().print(printable(line), soft_wrap=True)
    return ended.code


def _checked(given: dict[str, Any], config: Config) -> dict[str, Any]:
    """Return what counts for this time as the config has it.

    Raises:
        InputError: for a dtype or a batch size that there is not.
    """
    from embedtui.engine.settings import parse_overrides  # noqa: PLC0415 - only where it is given
    from embedtui.study.batch_sizes import parse_batch_sizes  # noqa: PLC0415 - likewise

    if "batch_sizes" in given:
        parse_batch_sizes(given["batch_sizes"])
    if "dtype" in given:
        dtypes = parse_overrides([f"dtype={given.pop('dtype')}"])
        given["settings"] = {**config.settings, "dtype": tuple(dtypes["dtype"])}
    return given
