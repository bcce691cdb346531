"""Work of a screen that would hold up the loop: in a thread, and never failing in silence.

What a thread found is handed back with the node's own `call_later`: it waits for nobody, and a
screen that was closed meanwhile gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual import work
from textual.dom import DOMNode
from textual.worker import Worker

from embedtui.tui.state.supervisor import SUPERVISOR

Node = TypeVar("Node", bound=DOMNode)
Given = ParamSpec("Given")


def in_background(
    doing: str, *, group: str, exclusive: bool = False
) -> Callable[
    [Callable[Concatenate[Node, Given], None]], Callable[Concatenate[Node, Given], Worker[None]]
]:
    """Have a method run in a thread; an error in it is told as that of `doing` something."""

    def decorate(method: Callable[Concatenate[Node, Given], None]) -> Any:
        @wraps(method)
        def watched(self: Node, /, *args: Given.args, **kwargs: Given.kwargs) -> None:
            with SUPERVISOR.watch(doing):
                method(self, *args, **kwargs)

        return work(thread=True, exclusive=exclusive, group=group, exit_on_error=False)(watched)

    return decorate
