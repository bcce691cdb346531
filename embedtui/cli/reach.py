"""How a server is reached, by the options that say so."""

from __future__ import annotations

import getpass
import sys

from embedtui.cli.shared import Asked
from embedtui.engine.endpoint.access import Access, Secret
from embedtui.errors import InputError


def access_of(asked: Asked) -> Access:
    """Return how servers are asked; a key is typed where nobody sees it.

    Raises:
        InputError: if there is no terminal to type it at.
    """
    timeout = asked.values["timeout"]
    if not asked.values["ask_key"]:
        return Access(timeout=timeout)
    if not sys.stdin.isatty():
        raise InputError("--ask-key needs a terminal: set EMBEDTUI_API_KEY instead")
    return Access(key=Secret(getpass.getpass("key of the server: ").strip()), timeout=timeout)
