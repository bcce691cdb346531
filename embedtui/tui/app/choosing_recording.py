"""Choosing which of the opened run files is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from embedtui.storage import library
from embedtui.tui.pickers.choice import ChoiceScreen, Offer

if TYPE_CHECKING:
    from embedtui.tui.app.core import Core
    from embedtui.tui.state.replay_session import ReplaySession


def choose(app: Core, session: ReplaySession) -> None:
    """Ask which run file, then show it."""

    def find() -> list[Offer]:
        return [
            (
                str(held.path),
                f"{held.name}: {held.model}, {held.settings} settings",
                (f"{held.texts}; recorded {held.where}", f"{held.status}; {held.path.name}"),
            )
            for held in library.describe_all(session.files)
        ]

    def chosen(path: str | None) -> None:
        if path is not None and Path(path) != session.shown:
            app.framer.change(
                focus=None, hidden=frozenset(), histogram_of=None, compared=(None, None)
            )
            session.show(Path(path))

    app.push_screen(ChoiceScreen("Choose a recording", find, str(session.shown or "")), chosen)
