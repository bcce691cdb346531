"""What is written beside the charts: what lower drift costs, and what was seen of a setting."""

from __future__ import annotations

from rich.text import Text

from embedtui.assess.pareto_front import describe_step
from embedtui.assess.tolerance import MARKS
from embedtui.charts import mark_of
from embedtui.common.printable import printable
from embedtui.tui.viewmodel.chart_renderer import distance_of, weighed
from embedtui.tui.viewmodel.view_state import View

_WORDS = {"drift": "batch drift", "error": "error"}


def cost_of(view: View) -> Text:
    """Return the steps of the front, the fastest first, and the command to serve with."""
    text = Text()
    places, steps = weighed(view)
    for step in steps:
        line = view.charted[places[step.place]]
        distance = distance_of(line, view)
        figure = "identical" if not distance else f"{distance:.1e}"
        speed = f"{line.speed[1]:.0f} texts/s" if line.speed else ""
        errors = view.view_state.heat == "error"
        judged = line.verdicts.exact if errors else line.verdicts.consistent
        text.append(f"{MARKS[judged.outcome] or ' '} {mark_of(line.style)} ", "bold")
        text.append(printable(line.label), "bold" if line is view.focus else "")
        text.append(f"  {speed}  {figure}\n")
        text.append(f"      {describe_step(step, _WORDS[view.view_state.heat])}\n", "dim")
    if view.answers.command:
        text.append("\nserve with: ", "bold")
        text.append(f"{printable(view.answers.command)}\n")
    return text


def reasons_of(view: View) -> Text:
    """Return the verdict on the selected setting, and its causes with what speaks for them."""
    text, line = Text(), view.focus
    if line is None:
        return text
    text.append(f"{printable(line.sentence)}\n")
    for cause in line.causes:
        text.append(f"\n{printable(cause.name)} ({cause.confidence})\n", "bold")
        for name, said in (
            ("Seen", cause.evidence),
            ("Why", cause.explanation),
            ("Do", cause.fix),
        ):
            text.append(f"{name}  ", "bold")
            text.append(f"{printable(said)}\n")
    return text
