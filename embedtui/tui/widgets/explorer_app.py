"""What views and screens may ask of the app that they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from embedtui.plan.choices import Choices
    from embedtui.tui.state.replay_session import ReplaySession
    from embedtui.tui.state.session import Session
    from embedtui.tui.viewmodel.frames import Framer


class ExplorerApp(Protocol):
    """The explorer, which Textual hands to its widgets as any app."""

    ascii: bool
    choices: Choices

    @property
    def session(self) -> Session:
        """What owns engines and runs."""

    @property
    def opened(self) -> ReplaySession | None:
        """The session, where it shows run files and has no engines."""

    @property
    def framer(self) -> Framer:
        """What makes the frames."""

    def model_facts(self) -> tuple[str, str, str]:
        """Return the chosen model, what it is called, and what is known of it."""

    def copy_text(self, text: str) -> None:
        """Copy a text and say so."""


def explorer_of(node: DOMNode) -> ExplorerApp:
    """Return the explorer that a widget or a screen stands in."""
    return cast("ExplorerApp", node.app)
