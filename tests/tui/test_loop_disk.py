"""No key has the event loop touch the disk: what needs it is done in a thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedtui.plan.scenarios import scenario_problems
from embedtui.storage import library
from embedtui.tui import start
from embedtui.tui.actions import ACTIONS
from embedtui.tui.app import Explorer
from embedtui.tui.state.session import Session
from tests.tui.conftest import Make, ran, settled, told, until
from tests.tui.loop_disk import watched
from tests.tui.test_open import app_of

WIDE = (120, 40)
ENDING = {"quit"}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    with watched(monkeypatch) as found:
        yield found


async def _tour(app: Explorer, pilot: object, disk: list[str], keys: list[str]) -> dict[str, str]:
    """Press each key, and Escape until the main screen is back; return what touched the disk."""
    found: dict[str, str] = {}
    for key in keys:
        disk.clear()
        app.simulate_key(key)
        await settled(pilot)  # type: ignore[arg-type]
        for typed in ("tab", "x", "down", "enter"):
            if len(app.screen_stack) > 1:
                app.simulate_key(typed)
                await settled(pilot)  # type: ignore[arg-type]
        while len(app.screen_stack) > 1:
            app.simulate_key("escape")
            app.simulate_key("ctrl+x")
            await settled(pilot)  # type: ignore[arg-type]
        if disk:
            found[key] = "; ".join(sorted(set(disk)))
    return found


def _keys() -> list[str]:
    return [a.keys.split(",")[0] for a in ACTIONS if a.id not in ENDING]


async def test_no_key_touches_it_where_an_engine_measures(
    make_app: Make, disk: list[str], tmp_path: Path
) -> None:
    app = make_app(theme="okabe")
    engines = app.outside.open_session().engines
    app.outside.open_session = lambda: Session(engines, start.open_recorder)
    app.outside.save = lambda config: (tmp_path / "config").write_text(str(config))
    scenario_problems()  # read before the loop begins, as `embedtui explore` does
    disk.clear()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        begun = [one for one in disk if "textual" not in one]
        found = await _tour(app, pilot, disk, _keys())
        app.copy_text("words")
        await until(pilot, lambda: "copied 5 characters" in told(app))
    assert begun == []
    assert found == {}
    assert (tmp_path / "copied.txt").read_text() == "words"
    assert list(tmp_path.glob("*.svg"))
    assert (tmp_path / "config").exists()


async def test_no_key_touches_it_where_recordings_are_shown(
    disk: list[str], tmp_path: Path
) -> None:
    app = app_of(library.find("h200-restarts") + library.find("h100-neighbours"), tmp_path)
    scenario_problems()
    disk.clear()
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        begun = [one for one in disk if "textual" not in one]
        found = await _tour(app, pilot, disk, _keys())
    assert begun == []
    assert found == {}


async def test_what_the_loop_does_with_the_disk_is_seen(disk: list[str], tmp_path: Path) -> None:
    """The watch itself: it sees this thread, and no other."""
    path = tmp_path / "file"
    disk.clear()
    await asyncio.to_thread(path.write_text, "x")
    assert disk == []
    path.read_text()
    path.exists()
    list(os.scandir(tmp_path))
    assert [one.split()[0] for one in disk] == ["open", "os.stat", "os.scandir"]
