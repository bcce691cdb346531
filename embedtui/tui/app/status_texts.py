"""What the line of progress says, and when an action does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from embedtui.common.wording import duration

if TYPE_CHECKING:
    from embedtui.tui.state.session import State
    from embedtui.tui.viewmodel.view_state import View

RECORDING = "this is a recording: no engine is there to measure"
BUSY = "a run is in progress: Esc stops it"
NOTHING = "nothing was measured yet"


def status_text(view: View, paused: bool, following: str) -> str:
    """Return in words what is happening; `following` is what the next run measures."""
    match view.state:
        case "killing":
            said = "killing the engine"
        case "cancelling":
            said = f"stopping after this batch, Esc again kills the engine · {view.stage}"
        case "running":
            said = view.stage
            if view.measuring and view.rate is not None and view.seconds_left is not None:
                said += f" · {view.rate:.0f} texts/s · {duration(view.seconds_left)} left"
        case _:
            ended = {
                "cancelled": "stopped, what was measured stays; r goes on · ",
                "finished": f"done in {duration(view.seconds)} · ",
            }.get(view.status, "")
            said = ended + following
            if view.recorded:
                cut = "" if view.status == "finished" else f", {view.status}"
                said = f"recorded {view.recorded}{cut}; m opens another"
            said = view.problem or said
    return f"display frozen, p goes on · {said}" if paused else said


def why_not(action: str, view: View | None, state: State, *, paused: bool) -> str:
    """Say why an action would do nothing now; empty where it does something."""
    lines = view.charted if view is not None else ()
    measured = "" if view is not None and view.focus is not None else NOTHING
    busy = BUSY if state != "idle" else ""
    single = "" if len(lines) > 1 else "there is no second setting"
    reasons = {
        "run": busy,
        "choose_sweep": busy,
        "look": busy or measured,
        "pause": "" if busy or paused else "nothing runs, so nothing moves",
        "show_all": "" if view and view.view_state.hidden else "no setting is hidden",
        "serve": "" if view and view.answers.command else "no setting can be recommended yet",
        "next_setting": measured or single,
        "previous_setting": measured or single,
        "compare": measured or single,
        **dict.fromkeys(("heat", "hide", "worst", "filter", "export"), measured),
        **dict.fromkeys(("smaller", "larger"), measured),
    }
    return reasons.get(action, "")


def gpu_text(readings: Iterable[Any]) -> str:
    """Return memory and load of the GPUs in a few words."""
    parts = []
    for one in readings:
        used, total = one.used_bytes / 2**30, one.total_bytes / 2**30
        parts.append(f"{used:.1f}/{total:.0f} GB {one.utilisation:3.0f} %")
    return "GPU " + " · ".join(parts) if parts else ""
