"""Scenarios: what embeddings are used for, what they meet, and the distance that this can bear."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal

from embedtui.common import paths, schema
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.schema import Key
from embedtui.common.suggest import unknown

Metric = Literal["l2", "cosine", "max_abs"]

METRIC_NAMES: dict[Metric, str] = {"l2": "L2", "cosine": "1 - cos", "max_abs": "max |Δ|"}
"""How the screens name the distances."""

Question = Literal["consistent", "exact"]
"""Does company change a text; how far is it from float64."""

Situation = Literal["one-server", "queries-alone", "index"]

SITUATIONS: dict[Situation, str] = {
    "one-server": "one server with one setting embeds everything anew",
    "queries-alone": "one server; queries come alone and documents in batches",
    "index": "vectors meet an index that another setting, server or engine made",
}
"""What the vectors meet, which decides whether they have to be consistent or exact."""


@dataclass(frozen=True)
class Scenario:
    """A use of embeddings and the drift that it can bear."""

    key: str
    name: str
    short: str
    """The name where there is little room."""
    metric: Metric
    tolerance: float
    """The largest drift of any text; 0 asks for equal bits."""
    reason: str
    source: str
    situation: Situation = "one-server"

    @property
    def title(self) -> str:
        """The short name, with the situation where it is not the usual one."""
        return self.short if self.situation == "one-server" else f"{self.short} ({self.situation})"

    @property
    def binding(self) -> Question:
        """Which question decides: vectors of one server meet each other, others meet float64's.

        Equal bits are asked of the same setting run again, whatever else its vectors meet.
        """
        return "exact" if self.situation == "index" and not self.bitwise else "consistent"

    @property
    def bitwise(self) -> bool:
        """Whether only equal bits will do."""
        return self.tolerance == 0

    @property
    def limit(self) -> str:
        """The tolerance as it is shown."""
        if self.bitwise:
            return "equal bits"
        return f"{METRIC_NAMES[self.metric]} ≤ {self.bound}"

    @property
    def bound(self) -> str:
        """The tolerance as a figure, with no digit more than it has."""
        return figure(self.tolerance)

    def tolerance_in(self, metric: Metric) -> float | None:
        """Return the tolerance in another metric, None where there is none that is equal to it.

        For unit vectors 1 - cos is half the square of L2; the largest difference in one dimension
        follows from neither.
        """
        if self.bitwise:
            return None
        if metric == self.metric:
            return self.tolerance
        match self.metric, metric:
            case "cosine", "l2":
                return math.sqrt(2 * self.tolerance)
            case "l2", "cosine":
                return self.tolerance**2 / 2
            case _:
                return None


def figure(tolerance: float) -> str:
    """Return a tolerance as it is written: 1e-06, or 2.5e-04."""
    return f"{tolerance:.1e}".replace(".0e", "e")


_FILE = "scenarios.toml"
_KEYS = {
    "name": Key(str),
    "short": Key(str),
    "metric": Key(str, choices=tuple(METRIC_NAMES), needed=True),
    "tolerance": Key(float, 0, 2, said="between 0, for equal bits, and 2", needed=True),
    "reason": Key(str),
    "source": Key(str),
    "situation": Key(str, choices=tuple(SITUATIONS)),
}
_SHORT = 14
"""Letters of a name that the screens have room for."""


def scenarios() -> dict[str, Scenario]:
    """Return the scenarios by key: those that come with embedtui, then the user's own.

    The user's take the place of shipped ones of the same key. What is wrong with the user's file is
    `scenario_problems`' to tell, and leaves the rest alone.
    """
    return _all(paths.config_folder() / _FILE)[0]


def scenario_problems() -> list[str]:
    """Return a line for everything that is wrong with the user's scenarios."""
    return list(_all(paths.config_folder() / _FILE)[1])


@lru_cache(maxsize=4)
def _all(file: Path) -> tuple[dict[str, Scenario], tuple[str, ...]]:
    text = resources.files(__package__).joinpath(_FILE).read_text("utf-8")
    known = {key: Scenario(key=key, **values) for key, values in tomllib.loads(text).items()}
    shown = printable(str(file))
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return known, ()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return known, (f"{shown} is no TOML: {printable(str(error), 120)}",)
    except OSError as error:
        return known, (f"{shown} cannot be read: {error.strerror}",)
    problems = []
    for key, values in tables.items():
        try:
            known[key] = _checked(key, values)
        except InputError as error:
            problems.append(f"{shown}: {error}")
    return known, tuple(problems)


def _checked(key: str, values: object) -> Scenario:
    """Return the user's scenario.

    Raises:
        InputError: naming the key and what is wrong with it.
    """
    where = f"[{printable(key, 40)}]"
    values = schema.check(values, _KEYS, where)
    name = printable(values.get("name", key), 60)
    return Scenario(
        key=key,
        name=name,
        short=printable(values.get("short", name), _SHORT),
        metric=values["metric"],
        tolerance=float(values["tolerance"]),
        reason=printable(values.get("reason", "no reason given"), 400),
        source=printable(values.get("source", "your own"), 200),
        situation=values.get("situation", "one-server"),
    )


def scenario(key: str, situation: Situation | None = None) -> Scenario:
    """Return the scenario of this name, in its own situation or in the one given.

    Raises:
        InputError: if there is none.
    """
    known = scenarios()
    if key not in known:
        wrong = next(iter(scenario_problems()), None)
        if wrong is not None:
            raise InputError(wrong)
        raise unknown("scenario", key, known)
    found = known[key]
    return found if situation is None else replace(found, situation=situation)
