"""A cause: what was seen, why that points to it, how sure it is and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["certain", "likely", "possible"]


@dataclass(frozen=True)
class Diagnosis:
    """A cause and what speaks for it."""

    cause: str
    """A word for programs."""
    name: str
    """The cause in a few words."""
    evidence: str
    explanation: str
    confidence: Confidence
    fix: str
