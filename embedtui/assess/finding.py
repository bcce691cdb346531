"""One thing that the reader of a figure has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fault", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that the reader of a figure has to know."""

    kind: str
    severity: Severity
    """A fault makes distances meaningless, a warning qualifies them, a note explains them."""
    message: str
    setting: int | None = None
    """Number of the setting in the plan, where it is one setting's business."""
    texts: tuple[str, ...] = ()
    """Ids of the texts that it strikes."""
