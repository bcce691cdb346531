"""Addresses of embedding servers: told from models' names, and never carrying a secret.

An address is written `http://host:port/v1#MODEL`: where the server's OpenAI-style routes are, and
what it calls the model. Both decide about vectors, so both are kept with a run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from embedtui.errors import InputError

_SCHEMES = ("http", "https")
_USUAL_PATH = "/v1"
_ROUTE = "/embeddings"
ANY_HOST = "server"
"""The host that stands in a recording for that of its maker."""


@dataclass(frozen=True)
class Address:
    """Where a server is, and which of its models is meant."""

    base: str
    """Scheme, host, port and path of the routes, without a slash at the end."""
    model: str = ""
    """The model's name as the server calls it; empty as long as nobody has said."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address as a person types it.

        What could be a secret (a user's name and password, a query) is refused without being
        repeated: an address is printed, recorded, and seen in the list of processes.

        Raises:
            InputError: if it is no address, or holds more than one should.
        """
        parts = _split(text)
        if parts.username is not None or parts.password is not None or parts.query:
            raise InputError(
                f"the address of {parts.hostname} holds a user name, a password or a query: leave "
                "them out; the variable EMBEDTUI_API_KEY, or --ask-key, carries the key"
            )
        path = parts.path.rstrip("/").removesuffix(_ROUTE)
        return cls(f"{parts.scheme}://{parts.netloc}{path or _USUAL_PATH}", parts.fragment)

    def of(self, model: str) -> Address:
        """Return the same server's address with a model's name."""
        return replace(self, model=model)

    @property
    def host(self) -> str:
        """Host and port, as a header names the server."""
        return urlsplit(self.base).netloc

    @property
    def root(self) -> str:
        """The address without /v1: where /version, /metrics and the like are."""
        return self.base.removesuffix(_USUAL_PATH)

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        name = urlsplit(self.base).hostname or ""
        return name in {"localhost", "::1"} or name.startswith("127.")

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.base.startswith("https:")

    def __str__(self) -> str:
        return f"{self.base}#{self.model}" if self.model else self.base


def is_address(text: str) -> bool:
    """Say whether a model is named by the address of a server."""
    return text.strip().lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


def _split(text: str) -> SplitResult:
    wanted = "give it as http://host:port/v1, with #MODEL where the server has several"
    if not text.isprintable():
        raise InputError(
            f"the address of a server has characters in it that none can have: {wanted}"
        )
    try:
        parts = urlsplit(text.strip())
        port = parts.port  # raises where it is no number
    except ValueError as error:
        raise InputError(f"the address of a server cannot be read: {wanted}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise InputError(f"the address of a server names no host: {wanted}")
    return parts
