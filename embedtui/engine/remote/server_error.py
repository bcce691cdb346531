"""What can be wrong with a server or with what it answers, each by its own name."""

from __future__ import annotations

from typing import Literal

from embedtui.common.errors import EngineError

Fault = Literal[
    "unreachable",
    "tls",
    "redirects",
    "slow",
    "too-large",
    "half-answer",
    "rate-limit",
    "no-credit",
    "unavailable",
    "no-access",
    "no-model",
    "no-embeddings",
    "rejected",
    "wrong-count",
    "wrong-order",
    "wrong-width",
]


PAGE = "a web page came back: this is no embeddings server, or not its /v1"


class ServerError(EngineError):
    """A server that cannot be measured, or an answer that is none; never told as drift."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        """A word for programs."""
