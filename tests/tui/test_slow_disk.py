"""A disk that does not answer holds up neither frames nor keys."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from embedtui import models
from embedtui.storage import library
from embedtui.texts import load_texts
from embedtui.tui import themes
from embedtui.tui.app import Explorer, choosing_sweep
from embedtui.tui.pickers import path_completion
from embedtui.tui.pickers.model import ModelPicker
from embedtui.tui.pickers.texts import TextsPicker
from embedtui.tui.views import log
from tests.tui.conftest import Make, until
from tests.tui.test_open import app_of
from tests.tui.test_pickers import opened

WIDE = (120, 40)
LONGEST = 100
"""Seconds after which the disk answers all the same, so that a test of a screen that waits ends."""


class Disk:
    """Functions that read it do not come back before the test is over."""

    def __init__(self) -> None:
        self.asked, self.over = threading.Event(), threading.Event()
        self.answered = False

    def hang(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*arguments: Any, **options: Any) -> Any:
            self.asked.set()
            self.over.wait(LONGEST)
            self.answered = True
            return real(*arguments, **options)

        return slow


@pytest.fixture
def disk() -> Iterator[Disk]:
    one = Disk()
    yield one
    one.over.set()


async def still_alive(pilot: Any, disk: Disk) -> None:
    """Frames come and keys count, though the disk was asked and has not answered."""
    app: Explorer = pilot.app
    await until(pilot, disk.asked.is_set)
    before = app.frame
    app.framer.again()
    await until(pilot, lambda: app.frame is not before)
    await pilot.press("escape")
    await until(pilot, lambda: len(app.screen_stack) == 1)
    assert not disk.answered


@pytest.mark.parametrize(
    ("key", "module", "name"),
    [
        ("S", choosing_sweep, "plan_files"),
        ("T", themes, "load_user"),
        ("L", log, "log_files"),
        ("m", models, "find_models"),
    ],
)
async def test_what_a_key_lists_is_not_waited_for(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, disk: Disk, key: str, module: Any, name: str
) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        monkeypatch.setattr(module, name, disk.hang(getattr(module, name)))
        await pilot.press(key)
        await still_alive(pilot, disk)


async def test_recordings_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    app = app_of(library.find("h200-restarts"), tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None)
        monkeypatch.setattr(library, "describe_all", disk.hang(library.describe_all))
        await pilot.press("m")
        await still_alive(pilot, disk)


async def test_a_theme_that_was_saved_is_not_waited_for(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    file = folder / "mine.toml"
    file.write_text((themes.themes_folder() / "paper.toml").read_text().replace("paper", "mine"))
    app = make_app(theme="mine")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app._theme_file is not None)
        monkeypatch.setattr(themes, "read", disk.hang(themes.read))
        os.utime(file, ns=(1, 1))
        await still_alive(pilot, disk)


@pytest.mark.parametrize(("key", "picker"), [("m", ModelPicker), ("t", TextsPicker)])
async def test_a_folder_that_hangs_while_it_is_typed(
    make_app: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    disk: Disk,
    key: str,
    picker: type,
) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, key, picker)
        monkeypatch.setattr(path_completion, "complete", disk.hang(path_completion.complete))
        screen.query(Input).first().value = f"{tmp_path}/"
        await still_alive(pilot, disk)


async def test_a_model_that_hangs_when_it_is_chosen(
    make_app: Make, model_folder: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, "m", ModelPicker)
        monkeypatch.setattr(models, "resolve", disk.hang(models.resolve))
        await pilot.press("enter")
        await still_alive(pilot, disk)


async def test_texts_that_hang_when_they_are_chosen(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, "t", TextsPicker)
        monkeypatch.setattr("embedtui.tui.pickers.texts.load_texts", disk.hang(load_texts))
        await pilot.press("enter")
        await still_alive(pilot, disk)
