"""What it takes to ask a server: keys that are never shown, and how patient to be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from embedtui.common import crash
from embedtui.common.address import Address, Origin
from embedtui.common.errors import InputError

OWN_VARIABLE, OPENAI_VARIABLE = KEY_VARIABLES = ("EMBEDTUI_API_KEY", "OPENAI_API_KEY")
"""Variables of the environment that may hold a key."""
OPENAI = Origin("https", "api.openai.com", 443)
"""The one server that OPENAI_API_KEY is meant for."""
_KEY = re.compile(r"[!-~]+")
"""What a bearer token may consist of: visible ASCII characters (RFC 6750 allows fewer)."""


class Secret:
    """A text that says nothing of itself: not where it is printed, and not where a crash is told.

    A traceback may show the variables of every frame, by their `repr`.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        crash.keep_out(text)

    def reveal(self) -> str:
        """Return the text itself; for the one place that sends it."""
        return self._text

    def removed_from(self, text: str) -> str:
        """Return a server's text without the secret: some repeat what they were sent."""
        if not self._text:
            return text
        return text.replace(self._text, "…").replace(json.dumps(self._text)[1:-1], "…")

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret leaves this process for its server alone")


def key_of(text: str, source: str) -> Secret | None:
    """Return the key that was read from `source`; None where there is none.

    White space around it is what copying and `$(cat FILE)` leave.

    Raises:
        InputError: if a character is in it that no key has; a line break among them would be
            refused by the HTTP library, in words that repeat the key.
    """
    key = text.strip()
    if not key:
        return None
    if not _KEY.fullmatch(key):
        raise InputError(
            f"{source} holds a character that no key has (a line break, a space, a control "
            "character or one beyond ASCII): give the key alone"
        )
    return Secret(key)


@dataclass(frozen=True)
class Access:
    """How servers are asked, and which of them is sent which key."""

    keys: Mapping[Origin, Secret] = field(default_factory=dict)
    """Keys that were typed, each for one server."""
    named: frozenset[Origin] = frozenset()
    """Servers that a person named: on the command line, or in the explorer."""
    allowed: frozenset[Origin] = frozenset()
    """Servers that may have the key of the environment wherever their address came from, and on
    whatever way it goes (--key-for)."""
    timeout: float = 120.0
    """Seconds that one request may take, from the first byte sent to the last one received."""
    tries: int = 5
    """How often a request is sent before its failure counts."""
    first_wait: float = 0.5
    """Seconds before the second try; every further wait is twice as long."""
    longest_wait: float = 60.0
    """Seconds between two tries at most; a server that asks for more is told as a failure."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What is known of a server that was started from here: its arguments, and what it logged."""

    def naming(self, *addresses: Address) -> Access:
        """Return the same access after a person named these servers."""
        return replace(self, named=self.named | {one.origin for one in addresses})

    def with_key(self, address: Address, key: Secret) -> Access:
        """Return the same access with a key that was typed for one server."""
        return replace(self, keys={**self.keys, address.origin: key})

    def key_for(self, address: Address) -> Secret | None:
        """Return the key that this server is sent, if any.

        A key belongs to an origin. One that was typed goes to the server that it was typed for;
        EMBEDTUI_API_KEY to a server that a person named, if nobody on the way can read along;
        OPENAI_API_KEY to OpenAI.

        Raises:
            InputError: if a variable holds what cannot be a key.
        """
        origin = address.origin
        if origin in self.keys:
            return self.keys[origin]
        own = _from_environment(OWN_VARIABLE)
        if own is not None and self._why_not(origin) is None:
            return own
        return _from_environment(OPENAI_VARIABLE) if origin == OPENAI else None

    def withheld(self, address: Address) -> str | None:
        """Return why EMBEDTUI_API_KEY is not sent to this server, and what would send it.

        None where it is sent, where another key is, and where there is none.
        """
        origin = address.origin
        why = self._why_not(origin)
        if why is None or self.key_for(address) is not None or not _is_set(OWN_VARIABLE):
            return None
        return f"{OWN_VARIABLE} is not sent to {origin}, {why}; --key-for {origin} sends it"

    def _why_not(self, origin: Origin) -> str | None:
        if origin in self.allowed:
            return None
        if origin not in self.named:
            return "which nobody named on the command line or in the model picker"
        if not (origin.is_encrypted or origin.is_loopback):
            return "as others on the way could read it"
        return None


def origins(urls: Iterable[str]) -> frozenset[Origin]:
    """Return the origins of addresses that --key-for names.

    Raises:
        InputError: if one is no address.
    """
    return frozenset(Address.parse(url).origin for url in urls)


def without_keys(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment for a process that has no use for a key."""
    return {name: value for name, value in environment.items() if name not in KEY_VARIABLES}


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable, "").strip())


def _from_environment(variable: str) -> Secret | None:
    return key_of(os.environ.get(variable, ""), variable)
