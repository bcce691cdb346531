"""What the strips around the views say, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from embedtui.common.wording import duration
from embedtui.tui.widgets.titles import HIDDEN

if TYPE_CHECKING:
    from embedtui.tui.viewmodel.view_state import View

READY = "ready: press r or Enter"


def status_text(view: View, paused: bool) -> str:
    """Return in words what is happening."""
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
                "cancelled": "stopped, what was measured stays; r goes on where it ended · ",
                "finished": f"done in {duration(view.seconds)} · ",
            }.get(view.status, "")
            if view.recorded:
                ended = f"recorded {view.recorded} · "
            focus = view.focus
            said = (
                f"{focus.label}: {focus.sentence}"
                if focus
                else HIDDEN
                if view.view_state.hidden
                else READY
            )
            said = view.problem or ended + said
    return f"picture held, p goes on · {said}" if paused else said


def gpu_text(readings: Iterable[Any]) -> str:
    """Return memory and load of the GPUs in a few words."""
    parts = []
    for one in readings:
        used, total = one.used_bytes / 2**30, one.total_bytes / 2**30
        parts.append(f"{used:.1f}/{total:.0f} GB {one.utilisation:3.0f} %")
    return "GPU " + " · ".join(parts) if parts else ""
