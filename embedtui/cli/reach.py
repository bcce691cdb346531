"""The options that say how a server is reached, the same for every command that asks one."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import Any

import click

from embedtui.engine.endpoint.access import Access, Secret
from embedtui.errors import InputError

_USUAL_SECONDS = 120.0

_OPTIONS = (
    click.option(
        "--timeout",
        type=click.FloatRange(0.1, 86_400),
        default=_USUAL_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="For a server: what one request may take.",
    ),
    click.option(
        "--ask-key",
        is_flag=True,
        help="For a server: ask for its key. Else EMBEDTUI_API_KEY or OPENAI_API_KEY is sent.",
    ),
)


def reach(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def access_of(timeout: float, *, ask_key: bool) -> Access:
    """Return how servers are asked; a key is typed where nobody sees it.

    Raises:
        InputError: if there is no terminal to type it at.
    """
    if not ask_key:
        return Access(timeout=timeout)
    if not sys.stdin.isatty():
        raise InputError("--ask-key needs a terminal: set EMBEDTUI_API_KEY instead")
    return Access(key=Secret(getpass.getpass("key of the server: ").strip()), timeout=timeout)
