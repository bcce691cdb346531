"""Keys at random over all views and pickers: nothing is swallowed, nothing stands still.

Keys come in bunches, with the mouse and windows of any size; meanwhile the loop leaves the disk
alone.

EMBEDTUI_MONKEY_KEYS says how many keys in all, EMBEDTUI_MONKEY_SEED where the seeds begin.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.errors import NoWidget
from textual.geometry import Offset
from textual.pilot import OutOfBounds

from embedtui.plan.scenarios import scenario_problems
from embedtui.storage import library
from embedtui.tui.actions import ACTIONS
from embedtui.tui.app import Explorer
from embedtui.tui.state.supervisor import SUPERVISOR
from tests.fakes import Script
from tests.tui.conftest import Make, told, until
from tests.tui.loop_disk import watched
from tests.tui.test_open import app_of

KEYS = int(os.environ.get("EMBEDTUI_MONKEY_KEYS", "400"))
SEED = int(os.environ.get("EMBEDTUI_MONKEY_SEED", "0"))
RUNS = 8
"""Explorers that share the keys, half of them on engines and half on recordings."""
BUNCH = 12
"""Keys that come in one read at most."""
MOUSE = 0.4
"""Share of the bunches after which the mouse does something."""
RESIZED = 0.1
"""Share of the bunches after which the window changes its size, some times in a row."""
LARGEST = (300, 100)
CHECKED = 200
"""Keys after which it is seen whether all is alive."""
SIZES = ((120, 40), (80, 24), (60, 15), (200, 50))

# What takes its time to write pictures of the screen is left out.
_LEFT_OUT = {"screenshot", "screenshot_text"}
_USUAL = ("enter", "escape", "tab", "up", "down", "left", "right", "pageup", "pagedown")
_TYPED = ("a", "z", "1", "0", "/", ".", "~", "backspace", "delete", "home", "end", "n", "N", "D")


def _keys() -> list[str]:
    bound = [key for a in ACTIONS if a.id not in _LEFT_OUT for key in a.keys.split(",")]
    return [
        *bound,
        *_USUAL,
        *_USUAL,
        *_TYPED,
        "left_curly_bracket",
        "right_curly_bracket",
        "j",
        "k",
    ]


async def _play(app: Explorer, pilot: Any, keys: int, seed: int) -> None:
    """Press keys in bunches without waiting between them, as a slow line hands them over."""
    chosen = random.Random(seed)
    names = _keys()
    left, before = keys, SUPERVISOR.failures
    while left > 0:
        bunch = [chosen.choice(names) for _ in range(min(chosen.randint(1, BUNCH), left))]
        left -= len(bunch)
        pressed = " ".join(bunch)
        for key in bunch:
            app.simulate_key(key)
        if chosen.random() < MOUSE:
            with suppress(NoWidget, OutOfBounds):  # where nothing is laid out there is no place
                await chosen.choice((_drag, _click, _wheel))(app, pilot, chosen)
        if chosen.random() < RESIZED:
            await _resize(pilot, chosen)
        await pilot.pause()
        assert app.return_code is None, pressed
        assert app._exception is None, pressed
        assert SUPERVISOR.failures == before, pressed
        if left // CHECKED != (left + len(bunch)) // CHECKED:
            await _still_there(app, pilot)


async def _resize(pilot: Any, chosen: random.Random) -> None:
    """Make the window another, as somebody does who drags its corner; at last one to see in."""
    for _ in range(chosen.randint(0, 4)):
        await pilot.resize_terminal(*(chosen.randint(1, most) for most in LARGEST))
    await pilot.resize_terminal(*chosen.choice(SIZES))


async def _drag(app: Explorer, pilot: Any, chosen: random.Random) -> None:
    """Select by the mouse from somewhere to somewhere."""
    await pilot.mouse_down(offset=_place(app, chosen))
    await pilot.hover(offset=(other := _place(app, chosen)))
    await pilot.mouse_up(offset=other)


async def _click(app: Explorer, pilot: Any, chosen: random.Random) -> None:
    await pilot.click(offset=_place(app, chosen), times=chosen.randint(1, 3))


async def _wheel(app: Explorer, pilot: Any, chosen: random.Random) -> None:
    x, y = _place(app, chosen)
    kind = chosen.choice((events.MouseScrollDown, events.MouseScrollUp))
    step = 1 if kind is events.MouseScrollDown else -1
    for _ in range(chosen.randint(1, 5)):
        app.post_message(kind(None, x, y, 0, step, 0, False, False, False, x, y))


def _place(app: Explorer, chosen: random.Random) -> Offset:
    width, height = app.size
    return Offset(chosen.randrange(width), chosen.randrange(height))


async def _still_there(app: Explorer, pilot: Any) -> None:
    """A frame still comes, and the main screen can be reached."""

    def at_the_main_screen() -> bool:
        if len(app.screen_stack) > 1:
            app.simulate_key("escape")
            app.simulate_key("ctrl+x")  # Escape does not keep what is no value
        return len(app.screen_stack) == 1

    await until(pilot, at_the_main_screen)
    app.paused = False
    before = app.frame
    app.framer.again()
    await until(pilot, lambda: app.frame is not before)


@pytest.mark.parametrize("number", range(RUNS))
async def test_keys_at_random_do_no_harm(
    number: int,
    make_app: Make,
    tmp_path: Path,
    failures: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if number % 2:
        app = app_of(library.find("h200-restarts") + library.find("h100-neighbours"), tmp_path)
    else:
        app = make_app(Script(sleep=0.001))
    monkeypatch.setattr(app, "exit", lambda *_arguments, **_options: None)
    scenario_problems()  # read before the loop begins, as `embedtui explore` does
    async with app.run_test(size=SIZES[number // 2 % len(SIZES)]) as pilot:
        await until(pilot, lambda: app.frame is not None)
        with watched(monkeypatch) as disk:
            await _play(app, pilot, KEYS // RUNS, SEED + number)
            await _still_there(app, pilot)
            touched = sorted(set(disk))
        failed = SUPERVISOR.failures
    assert failures() == 0, (failed, told(app))
    assert touched == []
