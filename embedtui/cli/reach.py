"""The options that say how a server is reached, the same for every command that asks one."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from embedtui.address import Address, is_address
from embedtui.engine.endpoint.access import Access, key_of, origins
from embedtui.errors import InputError

_USUAL_SECONDS = 120.0

KEY_FOR = click.option(
    "--key-for",
    multiple=True,
    metavar="URL",
    help="For a server: send it EMBEDTUI_API_KEY, also where a file names it or over plain http.",
)
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
        help="For a server: ask for its key. Else EMBEDTUI_API_KEY goes to the server that the "
        "command line names, over https or on this machine; OPENAI_API_KEY to api.openai.com.",
    ),
    KEY_FOR,
)


def reach(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def access_of(
    timeout: float = _USUAL_SECONDS,
    *,
    ask_key: bool = False,
    key_for: Sequence[str] = (),
    named: str = "",
) -> Access:
    """Return how servers are asked; a key is typed where nobody sees it.

    `named` is the model or the server of the command line, `key_for` the servers of --key-for.

    Raises:
        InputError: if a key is to be typed, and there is no one server that it is for, or no
            terminal to type it at.
    """
    access = Access(timeout=timeout, allowed=origins(key_for))
    if is_address(named):
        access = access.naming(Address.parse(named))
    if not ask_key:
        return access
    meant = [named] if is_address(named) else key_for
    if len(meant) != 1:
        raise InputError(
            "--ask-key needs the one server that the key is for: give its address in place of "
            "MODEL, or as --key-for URL"
        )
    if not sys.stdin.isatty():
        raise InputError("--ask-key needs a terminal: set EMBEDTUI_API_KEY instead")
    return _with_typed_key(access, Address.parse(meant[0]))


def _with_typed_key(access: Access, address: Address) -> Access:
    origin = address.origin
    open_way = not (origin.is_encrypted or origin.is_loopback)
    warning = ", which others on the way can read" if open_way else ""
    key = key_of(getpass.getpass(f"key of {origin}{warning}: "), "what was typed")
    return access if key is None else access.with_key(address, key)
