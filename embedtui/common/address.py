"""Addresses of embedding servers: told from models' names, and never carrying a secret.

An address is written `http://host:port/v1#MODEL`: where the server's OpenAI-style routes are, and
what it calls the model. Both decide about vectors, so both are kept with a run. A server whose
routes are at its root is written `http://host:port/embeddings`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from embedtui.common.errors import InputError

_PORTS = {"http": 80, "https": 443}
_USUAL_PATH = "/v1"
_ROUTE = "/embeddings"
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
"""A host's name in ASCII; what else there is (percent signs, backslashes, look-alikes of other
scripts) is read in different ways by different libraries."""
_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")
"""A host that ends in a number is an IPv4 address or nothing (WHATWG URL, "ends in a number")."""
ANY_HOST = "server"
"""The host that stands in a recording for that of its maker."""


@dataclass(frozen=True)
class Origin:
    """A server as far as keys are concerned: scheme, host and port, in one spelling."""

    scheme: str
    host: str
    """In lower case; an IP address as `ipaddress` writes it."""
    port: int

    @classmethod
    def parse(cls, url: str) -> Origin:
        """Return the origin of a URL.

        Raises:
            InputError: if it is no URL of http or https, or its host can be read in several ways.
        """
        return cls._of(_split(url))

    @classmethod
    def _of(cls, parts: SplitResult) -> Origin:
        host = parts.hostname or ""
        address = _ip(host)
        if address is None and (not _NAME.fullmatch(host) or _NUMBER.fullmatch(host)):
            raise InputError(
                "the host of the server's address can be read in several ways: give its name in "
                "letters, digits, dots and hyphens, or its IP address as in 127.0.0.1 or [::1]"
            )
        return cls(
            parts.scheme,
            host if address is None else str(address),
            parts.port or _PORTS[parts.scheme],
        )

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine.

        Only `localhost` and the loopback addresses do; any other name, however it begins, is
        whatever somebody's name server says.
        """
        address = _ip(self.host)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return self.host == "localhost" if address is None else address.is_loopback

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.scheme == "https"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


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
        if "api-version=" in parts.query:
            raise InputError(
                f"the address of {parts.hostname} asks for a dated version in its query, and "
                "embedtui sends no query: give Azure's address without a date, "
                "https://NAME.openai.azure.com/openai/v1#DEPLOYMENT"
            )
        if parts.username is not None or parts.password is not None or parts.query:
            raise InputError(
                f"the address of {parts.hostname} holds a user name, a password or a query: leave "
                "them out; the variable EMBEDTUI_API_KEY, or --ask-key, carries the key"
            )
        Origin._of(parts)  # refuses a host that is none
        path = parts.path.rstrip("/")
        if not path:
            path = _USUAL_PATH
        return cls(f"{parts.scheme}://{parts.netloc}{path.removesuffix(_ROUTE)}", parts.fragment)

    def with_model(self, model: str) -> Address:
        """Return the same server's address with a model's name."""
        return replace(self, model=model)

    @property
    def host(self) -> str:
        """Host and port, as a header names the server."""
        return urlsplit(self.base).netloc

    @property
    def origin(self) -> Origin:
        """The server as far as keys are concerned."""
        return Origin.parse(self.base)

    @property
    def root(self) -> str:
        """The address without /v1: where /version, /metrics and the like are."""
        return self.base.removesuffix(_USUAL_PATH)

    def __str__(self) -> str:
        path = urlsplit(self.base).path
        # What is read again has to be the same: no path would become the usual one.
        base = f"{self.base}{_ROUTE}" if not path or path.endswith(_ROUTE) else self.base
        return f"{base}#{self.model}" if self.model else base


def is_address(text: str) -> bool:
    """Say whether a model is named by the address of a server."""
    return text.strip().lower().startswith(tuple(f"{scheme}://" for scheme in _PORTS))


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


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
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise InputError(f"the address of a server names no host: {wanted}")
    return parts
