"""Work of a screen that would hold up the loop: in a thread, and never failing in silence.

What a thread found is handed back with the node's own `call_later`: it waits for nobody, and a
screen that was closed meanwhile gets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual import work
from textual.dom import DOMNode

from embedtui.tui.state.supervisor import Worker

Node = TypeVar("Node", bound=DOMNode)
Found = TypeVar("Found")
Given = ParamSpec("Given")


async def off_the_loop(doing: str, call: Callable[[], Found]) -> Found:
    """Return what `call` gives, made in a thread while the loop goes on; raise what it raises."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Found] = loop.create_future()

    def hand_over(give: Callable[[Any], None], value: Any) -> None:
        if not found.done():  # nobody may wait any more
            give(value)

    def run() -> None:
        try:
            made = call()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            told = partial(hand_over, found.set_exception, error)
        else:
            told = partial(hand_over, found.set_result, made)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(told)

    Worker("once", doing, run).start()
    return await found


def in_background(
    doing: str, *, group: str, exclusive: bool = False, once: bool = False
) -> Callable[[Callable[Concatenate[Node, Given], None]], Callable[Concatenate[Node, Given], None]]:
    """Have a method run in a thread; an error in it is told as that of `doing` something.

    `exclusive` lets go of the one before, `once` begins none while the one before goes on. The
    threads are daemons, and not Textual's few: neither the end of the explorer nor other work waits
    for a disk that does not answer.
    """

    def decorate(method: Callable[Concatenate[Node, Given], None]) -> Any:
        @work(exclusive=exclusive, group=group, exit_on_error=False)
        async def watched(self: Node, /, *args: Given.args, **kwargs: Given.kwargs) -> None:
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            call = partial(copy_context().run, method, self, *args, **kwargs)

            def run() -> None:
                try:
                    call()
                finally:
                    with suppress(RuntimeError):  # the loop has ended meanwhile
                        loop.call_soon_threadsafe(over.set)

            Worker(group, doing, run).start()
            await over.wait()

        @wraps(method)
        def begin(self: Node, /, *args: Given.args, **kwargs: Given.kwargs) -> None:
            goes_on = any(
                one.node is self and one.group == group and not one.is_finished
                for one in self.workers
            )
            if not (once and goes_on):
                watched(self, *args, **kwargs)

        return begin

    return decorate
