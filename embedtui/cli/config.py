"""`embedtui config`, and `embedtui list themes`: what the explorer is set to, and could be."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import click
from rich.text import Text

from embedtui import config as settings
from embedtui.cli import output
from embedtui.cli.group import Command, Group
from embedtui.cli.shared_options import json_option
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.config import SECTIONS, Config, config_path

if TYPE_CHECKING:
    from embedtui.tui.themes import ThemeFile


@click.group(cls=Group)
def config() -> None:
    """Show the config file: looks, keys, and what was chosen last."""


@config.command("path")
@json_option()
def path(as_json: bool) -> None:
    """Print where the config file is, whether it exists or not."""
    if as_json:
        output.write_json("config-path/1", path=str(config_path()), exists=config_path().exists())
        return
    output.out().print(printable(str(config_path())), soft_wrap=True)


@config.command("show")
@json_option()
def show(as_json: bool) -> ExitCode:
    """Print every key, its value and what it is for; tell what is wrong with the file.

    The exit code is 2 where something is.
    """
    from embedtui.tui.actions import IDS, clashes  # noqa: PLC0415 - the explorer's, without its screen

    loaded, problems = settings.load(config_path(), IDS)
    problems += clashes(loaded.keys)
    if as_json:
        output.write_json("config/1", **_as_dict(loaded))
    else:
        _print(loaded)
    for problem in problems:
        output.err().print(f"embedtui: {problem}", soft_wrap=True)
    return ExitCode.BAD_INPUT if problems else ExitCode.DONE


@click.command("themes", cls=Command)
@json_option()
def list_themes(as_json: bool) -> ExitCode:
    """List the colour themes, those that come with embedtui and yours.

    The exit code is 2 where a file of yours is wrong.
    """
    from embedtui.tui import themes  # noqa: PLC0415 - they are checked as the screen would

    yours, errors = themes.load_user(config_path().parent / "themes")
    known = (*yours, *themes.shipped())
    if as_json:
        listed = [_theme(one.name, one.description, _mode(one), one.yours) for one in known]
        output.write_json("themes/1", themes=listed)
    for theme in () if as_json else known:
        mode = _mode(theme)
        whose = ", yours" if theme.yours else ""
        output.out().print(
            Text.assemble(
                (f"{printable(theme.name, 24):<14}", "bold"),
                f"{mode + whose:<14} {printable(theme.description)}",
            ),
            soft_wrap=True,
        )
    for error in errors:
        output.err().print(f"embedtui: {printable(str(error))}", soft_wrap=True)
    return ExitCode.BAD_INPUT if errors else ExitCode.DONE


def _mode(theme: ThemeFile) -> str:
    return "ANSI" if theme.ansi else "dark" if theme.dark else "light"


def _theme(name: str, description: str, mode: str, yours: bool) -> dict[str, object]:
    return {"name": name, "description": description, "mode": mode, "yours": yours}


def _as_dict(loaded: Config) -> dict[str, object]:
    values = {one.name: getattr(loaded, one.name) for one in fields(Config)}
    values["settings"] = {key: list(found) for key, found in loaded.settings.items()}
    return values | {"keys": dict(loaded.keys)}


def _print(loaded: Config) -> None:
    console = output.out()
    for section, what in SECTIONS.items():
        console.print(Text(f"[{section}]  {what}" if section else what, style="bold"))
        if section in {"settings", "keys"}:
            for key, value in getattr(loaded, section).items():
                said = ", ".join(value) if isinstance(value, tuple) else value
                console.print(f"  {key} = {printable(said)}", soft_wrap=True)
            continue
        for one in fields(Config):
            if one.metadata.get("section") == section:
                value = getattr(loaded, one.name)
                default = value == getattr(Config(), one.name)
                mark = "" if default else " (set)"
                said = "true" if value is True else "false" if value is False else str(value)
                console.print(
                    Text.assemble(
                        f"  {one.name} = {printable(said)}{mark}",
                        (f"   {one.metadata['help']}", "dim"),
                    ),
                    soft_wrap=True,
                )
