"""Which of a server's models is meant: the only one that it lists, or the one that was named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from embedtui.common.address import Address
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.engine.access import Access
from embedtui.engine.remote import server_facts
from embedtui.engine.remote.http_client import HttpClient

_SHOWN = 12


def choose(
    address: Address, access: Access, stop: Callable[[], bool] = lambda: False
) -> tuple[Address, int | None]:
    """Return the address with a model's name, and the longest text in tokens where it is told.

    Raises:
        ServerError: if nobody answers there, or not to us.
        InputError: if there are several and none was named.
    """
    served = _served(address, access, stop)
    if not served:
        if not address.model:
            raise InputError(f"{address.base} lists no models: name one, as {address}#MODEL")
        return address, None
    names = [one.name for one in served]
    if address.model:
        # Servers have models that they do not list; what is not there they say themselves.
        length = next((one.max_length for one in served if one.name == address.model), 0)
        return address, length or None
    if len(names) > 1:
        shown = ", ".join(printable(name, 80) for name in names[:_SHOWN])
        more = ", …" if len(names) > _SHOWN else ""
        raise InputError(
            f"{address.base} has several models: give {address}#MODEL with one of {shown}{more}"
        )
    return address.with_model(names[0]), served[0].max_length or None


def listed(address: Address, access: Access) -> list[str]:
    """Return the names of the models that a server lists; none where it has no such list.

    Raises:
        ServerError: if nobody answers there, or not to us.
    """
    return [one.name for one in _served(address, access, lambda: False)]


def _served(
    address: Address, access: Access, stop: Callable[[], bool]
) -> list[server_facts.Served]:
    client = HttpClient(address, access, Path(os.devnull))
    try:
        return server_facts.models(client, address, stop) or []
    finally:
        client.close()
