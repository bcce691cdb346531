"""Names that options had in earlier files and command lines; they are still understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMER_NAMES = {"truth": "reference"}
"""Key of a plan file or of the config file to its name."""
FORMER_OPTIONS = {"no-truth": "no-reference"}
"""Option of a command line, without its dashes, to its name."""


def by_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with the names of now; where both are there, the present one counts."""
    former = {FORMER_NAMES[key]: value for key, value in values.items() if key in FORMER_NAMES}
    return former | {key: value for key, value in values.items() if key not in FORMER_NAMES}
