"""Which keys do something: the footer follows the focus, and a key that does nothing says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Input

from embedtui.tui.actions import ACTIONS, BY_ID, NEED_ENGINES, Action, shown
from embedtui.tui.app import status_texts
from embedtui.tui.app.showing import ShowingMixin
from embedtui.tui.widgets.bars import Hint, Hints

_FIRST = 2
"""Hints of the app that stand before those of the widget that has the keys."""


class FooterMixin(ShowingMixin):
    """Knows what each key does where the focus is."""

    def _key_of(self, action: Action) -> str:
        """Return the first key of an action, as it is bound."""
        return self.config.keys.get(action.id, action.keys).split(",")[0]

    def why_not(self, action: str) -> str:
        """Say why an action would do nothing now; empty where it does something."""
        if self.opened is not None and action in NEED_ENGINES:
            return status_texts.RECORDING
        view = self.frame.view if self.frame else None
        state = self.session.state if "session" in vars(self) else "idle"
        return status_texts.why_not(action, view, state, paused=self.paused)

    async def run_action(
        self,
        action: Any,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key says, or tell why that would do nothing."""
        target, name, _ = self._parse_action(action, default_namespace or self, namespaces)
        if target is self and name in BY_ID and not self.leaving and (why := self.why_not(name)):
            self.notify(why, markup=False, timeout=4)
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say that nothing is done any more once the explorer ends."""
        return not self.leaving

    def _show_hints(self) -> None:
        """Show the keys that do something where the focus is, the most wanted first."""
        for bottom in self.screen_stack[:1]:
            for footer in bottom.query(Hints):
                footer.show(self._hints(bottom))

    def _hints(self, screen: Screen[Any]) -> list[Hint]:
        own: list[Hint] = []
        taken: set[str] = set()
        focus = screen.focused
        for node in focus.ancestors_with_self if focus is not None else ():
            if node is screen:
                break
            own += [Hint("", key, shown(key), label) for key, label in getattr(node, "FOOTER", ())]
            taken |= set(node._bindings.key_to_bindings)
        typing = isinstance(focus, Input)
        current = screen.query_one("#views", ContentSwitcher).current or "overview"
        first: list[Hint] = []
        rest: list[Hint] = []
        for action in sorted((a for a in ACTIONS if a.hint), key=lambda a: a.hint):
            keys = self.config.keys.get(action.id, action.keys).split(",")
            key = next(
                (key for key in keys if key not in taken and not (typing and _types(key))), ""
            )
            label = self._label(action.id, action.label, current)
            if key and label and not (action.where and current not in action.where):
                hint = Hint(action.id, key, shown(key), label)
                (first if action.hint <= _FIRST else rest).append(hint)
        return [*first, *own, *rest]

    def _label(self, action: str, label: str, current: str = "") -> str:
        """Return what a key does now, in a word or two; empty for nothing."""
        if action == "cancel":
            state = self.session.state if "session" in vars(self) else "idle"
            if state == "idle" or self.opened is not None:
                return "back" if current not in {"", "overview"} else ""
            return {"cancelling": "kill the engine", "killing": ""}.get(state, "stop")
        if self.why_not(action):
            return ""
        if action == "model" and self.opened is not None:
            return "recording"
        if action == "pause":
            return "go on" if self.paused else label
        return label


def _types(key: str) -> bool:
    """Say whether a key writes a character."""
    return not key.startswith("ctrl+") and (len(shown(key)) == 1 or key == "space")
