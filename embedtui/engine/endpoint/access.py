"""What it takes to ask a server: a key that is never shown, and how patient to be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from embedtui import crash
from embedtui.address import Address

KEY_VARIABLES = ("EMBEDTUI_API_KEY", "OPENAI_API_KEY")
"""Variables of the environment that may hold the key; the first of them first."""


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
        return text.replace(self._text, "…") if self._text else text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret leaves this process for its server alone")


@dataclass(frozen=True)
class Access:
    """How servers are asked."""

    key: Secret | None = None
    """The key that was typed; None for what the environment says."""
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

    def key_for(self, address: Address) -> Secret | None:
        """Return the key that this server is sent, if any.

        A key of OpenAI's is in many environments, and meant for few servers: it goes only where
        nobody can read along.
        """
        if self.key is not None:
            return self.key
        own, usual = (os.environ.get(name, "").strip() for name in KEY_VARIABLES)
        if own:
            return Secret(own)
        return Secret(usual) if usual and (address.is_encrypted or address.is_loopback) else None


def without_keys(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment for a process that has no use for a key."""
    return {name: value for name, value in environment.items() if name not in KEY_VARIABLES}
