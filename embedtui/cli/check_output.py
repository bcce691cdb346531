"""What a check came to, in the fewest lines that say it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.padding import Padding
from rich.text import Text

from embedtui.assess.check_result import Check, CheckResult, what_binds
from embedtui.assess.confidence import claim
from embedtui.cli import output
from embedtui.common.printable import printable
from embedtui.common.wording import text_count

_MARKS = {
    "holds": ("✔ ", "green"),
    "inconclusive": ("? ", "yellow"),
    "failed": ("! ", "yellow"),
}
_OF_THE_TEXTS = {"truncated", "beyond-positions"}
"""Warnings that are the same in every check of these texts: nothing that a check has found."""


def show(checks: Sequence[Check]) -> None:
    """Print a line for each check that holds, and every sentence of those that do not."""
    console = output.out()
    unicode = output.unicode_works(console)
    for one in checks:
        mark, style = _MARKS.get(one.outcome, ("✗ ", "red"))
        head = Text.assemble((mark if unicode else "", style), (_head(one), "bold"))
        if one.outcome == "holds":
            console.print(head.append(f": {_in_short(one)}"), soft_wrap=True)
        else:
            console.print(head, soft_wrap=True)
            for setting in one.settings:
                said = f"{setting.label}: {setting.outcome}; {setting.summary}"
                console.print(Padding(Text(printable(said)), (0, 0, 0, 2)))
                if setting.cause is not None:
                    cause = setting.cause
                    line = f"{cause.name}; seen: {cause.evidence}; do: {cause.fix}"
                    console.print(Padding(Text(printable(line), style="dim"), (0, 0, 0, 4)))
        for warning in one.warnings:
            if one.outcome == "holds" and warning.kind in _OF_THE_TEXTS:
                continue
            console.print(
                Padding(Text(f"warning: {printable(warning.message)}", "yellow"), (0, 0, 0, 2))
            )


def _head(one: Check) -> str:
    plan = one.results.plan
    came = min((setting.setting.unbatched.count for setting in one.settings), default=0)
    of = f"{came} of " if 0 < came < len(plan.pack) else ""
    situation = "" if one.use.situation == "one-server" else f" ({one.use.situation})"
    return printable(
        f"{plan.model_name} {one.outcome} for {one.use.name}{situation} ({one.use.limit}), "
        f"{of}{text_count(len(plan.pack))}"
    )


def _worst(one: CheckResult) -> float:
    """Order settings by what decides; what was not measured is worst."""
    worst = one.verdicts.decisive.worst
    return math.inf if math.isnan(worst) else worst


def _in_short(one: Check) -> str:
    worst = max(one.settings, key=_worst)
    most = "at most, " if len(one.settings) > 1 and not worst.verdicts.decisive.identical else ""
    said = [f"{what_binds(worst.verdicts)} {most}{worst.verdicts.decisive.summary(one.use)}"]
    if len(one.settings) > 1:
        said[0] += f", in {len(one.settings)} settings"
    exact = worst.verdicts.exact
    if one.results.plan.reference and worst.verdicts.binding == "consistent":
        said.append(f"distance from float64 {exact.summary(one.use)}")
    least = min(one.settings, key=lambda setting: setting.orders)
    said += [claim(one.confidence, least.random_orders)] if least.claims_orders else []
    said += [setting.golden.describe(one.use) for setting in one.settings if setting.golden][:1]
    return printable("; ".join(said))
