"""How a server is reached, by the options that say so."""

from __future__ import annotations

import getpass
import sys

from embedtui.cli.shared_options import Asked
from embedtui.common.address import Address, is_address
from embedtui.common.errors import InputError
from embedtui.engine.access import Access, key_of, origins
from embedtui.plan.options import BY_NAME


def access_of(asked: Asked, *, named: str = "") -> Access:
    """Return how servers are asked; a key is typed where nobody sees it.

    `named` is the model or the server of the command line.

    Raises:
        InputError: if a key is to be typed, and there is no one server that it is for, or no
            terminal to type it at.
    """
    key_for = asked.values.get("key_for", ())
    timeout = asked.values.get("timeout", BY_NAME["timeout"].default)
    access = Access(timeout=timeout, allowed=origins(key_for))
    if is_address(named):
        access = access.naming(Address.parse(named))
    if not asked.values.get("ask_key"):
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
