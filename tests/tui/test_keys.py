"""Keys, hints, help and palette: each action by each of its ways."""

from __future__ import annotations

from functools import partial

import pytest
from textual.command import CommandList

from embedtui.tui.actions import ACTIONS, BY_ID, VIEWS, ViewAction, clashes, shown
from embedtui.tui.app import Explorer
from embedtui.tui.app.status_texts import BUSY, NOTHING, RECORDING
from embedtui.tui.screens.help import HelpScreen
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.bars import Hints
from embedtui.tui.widgets.text_table import TextTable
from tests.fakes import Script
from tests.tui.conftest import (
    WIDE,
    HeldBack,
    Make,
    hints,
    ran,
    said,
    settled,
    told,
    until,
    view_of,
)


async def test_keys_are_remapped_and_the_hints_follow(make_app: Make) -> None:
    app = make_app(keys={"run": "f6", "quit": "ctrl+x"})
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        assert "F6 run" in text_of(app)
        assert "^x quit" in text_of(app)
        await pilot.press("r")
        await settled(pilot)
        assert not app.session.runs
        await pilot.press("f6")
        await until(pilot, lambda: "done in" in said(app))


def at_hand(app: Explorer) -> tuple[object, ...]:
    """Return all that an action may change: what is shown, told and measured, and the cursor."""
    cursors = [table.cursor_row for table in app.screen_stack[0].query(TextTable)]
    return text_of(app), told(app), app.session.version, cursors


def differs(app: Explorer, before: tuple[object, ...]) -> bool:
    return at_hand(app) != before


async def test_the_hints_follow_the_run(make_app: Make) -> None:
    held = HeldBack()
    app = make_app(held.script)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        seen = [hints(app)]
        await pilot.press("r")
        await until(pilot, held.reached.is_set)
        await until(pilot, lambda: view_of(app).lines)
        seen.append(hints(app))
        held.go_on.set()
        await until(pilot, lambda: "done in" in said(app))
        seen.append(hints(app))
    assert "run" in seen[0]
    assert "next_setting" not in seen[0]
    assert "run" not in seen[1]
    assert "next_setting" in seen[2]
    assert all({"help", "quit"} <= set(promised) for promised in seen)


@pytest.mark.parametrize("view", [row for row in VIEWS if row.tab])
async def test_every_key_of_the_footer_does_something(make_app: Make, view: ViewAction) -> None:
    app = make_app(Script(width=48), texts="passages", limit=12)
    async with app.run_test(size=(200, 50)) as pilot:
        await ran(pilot)
        await pilot.press(view.keys)
        await settled(pilot)
        promised = app.query_one(Hints).fitting()
        assert {"help", "quit"} <= {hint.action for hint in promised}
        for hint in promised:
            if hint.action in {"quit", "run"}:
                continue
            await pilot.press(view.keys)
            await settled(pilot)
            app.told.clear()
            before = at_hand(app)
            await pilot.press(hint.key)
            await until(pilot, partial(differs, app, before))
            assert not {*app.told} & {NOTHING, BUSY, RECORDING}, hint
            while len(app.screen_stack) > 1:
                app.pop_screen()


async def test_help_lists_every_action_with_its_key(make_app: Make) -> None:
    app = make_app(keys={"run": "f6"})
    async with app.run_test(size=(120, 120)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        screen = " ".join(text_of(app).split())
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))
    for action in ACTIONS:
        assert action.help in screen.replace(" │ │ ", " "), action.id
    assert "F6" in screen


def found_in_palette(app: Explorer) -> bool:
    """Say whether the palette is done with its search and has a command in hand."""
    searching = any(worker.node is app.screen and worker.is_running for worker in app.workers)
    return not searching and app.screen.query_one(CommandList).highlighted is not None


async def test_the_palette_finds_actions_by_typing(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await pilot.press("ctrl+p")
        await pilot.press(*"compare")
        await until(pilot, lambda: "Put two settings side by side" in text_of(app))
        await until(pilot, lambda: found_in_palette(app))
        await pilot.press("enter")
        await until(pilot, lambda: "A to B" in text_of(app))


def test_every_action_has_a_method_a_help_line_and_keys_of_its_own() -> None:
    keys = [key for action in ACTIONS if action.keys for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))
    for action in ACTIONS:
        assert hasattr(Explorer, f"action_{action.id}")
        assert action.help
        assert BY_ID[action.id] is action


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, []),
        ({"hide": "f6", "show_all": "x"}, []),
        ({"hide": "X", "show_all": "x"}, []),
        ({"hide": "f6", "worst": "f6"}, ["'F6' is both hide and worst"]),
        ({"hide": "e"}, ["'e' is both export and hide"]),
        ({"hide": "f6,e"}, ["'e' is both export and hide"]),
        ({"hide": "z,z"}, []),
        ({"hide": "?"}, ["'?' is both hide and help"]),
        ({"hide": "r", "worst": "r"}, ["'r' is run and hide and worst"]),
        ({"hide": "\x1b[31m", "worst": "\x1b[31m"}, ["'\ufffd[31m' is both hide and worst"]),
    ],
)
def test_keys_that_clash_are_told(keys: dict[str, str], told: list[str]) -> None:
    assert clashes(keys) == [f"keys: {one}: give one of them another key" for one in told]


async def test_the_explorer_starts_with_keys_that_clash_and_yours_counts(make_app: Make) -> None:
    app = make_app(keys={"hide": "f5"})
    app.outside.problems = tuple(clashes(app.config.keys))
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        assert "'F5' is both run and hide" in told(app)
        await pilot.press("f5")
        await until(pilot, lambda: view_of(app).view_state.hidden)
        assert not app.session.busy


def test_keys_are_shown_as_they_are_printed() -> None:
    assert [shown(key) for key in ("f5", "escape", "ctrl+p", "full_stop", "r", "X")] == [
        "F5",
        "Esc",
        "^p",
        ".",
        "r",
        "X",
    ]
