"""Every screen as a picture in one theme, and two of them in each of the others.

`make test WORKERS=0 ARGS='tests/tui/test_pictures.py --snapshot-update'` takes new ones; look at
them before you keep them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from embedtui import models
from embedtui.common import machine
from embedtui.engine.serve_command import serve_command
from embedtui.engine.settings import Setting
from embedtui.tui import themes
from embedtui.tui.state.session import Session
from tests.fakes import Script
from tests.tui.conftest import Make, ran, settled, until, view_of

SMALL, WIDE = (80, 24), (120, 40)
SCREENS: dict[str, tuple[str, ...] | None] = {
    "before-a-run": None,
    "overview": ("1",),
    "by-speed": ("o",),
    "by-batch-size": ("o", "o"),
    "by-position": ("o", "o", "o"),
    "cost": ("o", "o", "o", "o", "o"),
    "reasons": ("o", "o", "o", "o", "o", "o"),
    "error-by-size": ("h",),
    "next-run": ("a",),
    "sweep-choice": ("S",),
    "texts": ("2", "w"),
    "text": ("2", "w", "enter"),
    "search": ("3", "n"),
    "compare": ("4",),
    "layers": ("5",),
    "layers-measured": ("l",),
    "log": ("L",),
    "help": ("question_mark",),
    "model": ("m",),
    "pack": ("t",),
    "use": ("u",),
    "switches": ("A",),
    "theme": ("T",),
}
WIDE_SCREENS = ("overview", "next-run", "cost", "text", "compare", "layers-measured", "model")
"""Screens that are laid out in another way where there is room."""
THEME = "phosphor"
OTHER_THEMES = ("contrast", "ember", "engraving", "graphite", "okabe", "paper", "terminal")


Snap = Callable[[str, tuple[int, int], str], bool]


@pytest.fixture
def snap(
    make_app: Make, model_folder: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Any
) -> Snap:
    # Whatever differs from machine to machine is not in the picture.
    listed = models.describe(model_folder, ref="org/tiny-bert", hub_id="org/tiny-bert")
    monkeypatch.setattr(models, "find_models", lambda: [listed])
    monkeypatch.setattr("embedtui.tui.pickers.model._details", lambda _: "2 layers × 8")
    monkeypatch.setattr(machine, "cpu_features", lambda: ["avx2", "avx512f"])
    monkeypatch.setattr(Session, "seconds", property(lambda _: 7.0))

    def command(setting: Setting, size: int, pooling: str = "") -> str | None:
        return serve_command(replace(setting, model="org/tiny-bert"), size, pooling=pooling)

    monkeypatch.setattr("embedtui.assess.answers.serve_command", command)

    def snap(theme: str, size: tuple[int, int], screen: str) -> bool:
        app = make_app(Script(width=48), theme=theme, texts="passages", limit=24)
        keys = SCREENS[screen]

        async def prepare(pilot: Pilot[Any]) -> None:
            await until(pilot, lambda: app._model_known and app._machine)
            if keys is not None:
                await ran(pilot)
                await until(pilot, lambda: all(line.lists for line in view_of(app).lines))
            for key in keys or ():
                await pilot.press(key)
                await settled(pilot)
            for line in app.screen.query(Input):
                line.cursor_blink = False
            await settled(pilot)

        return bool(snap_compare(app, terminal_size=size, run_before=prepare))

    return snap


@pytest.mark.parametrize("screen", SCREENS)
def test_looks_as_it_did(snap: Snap, screen: str) -> None:
    assert snap(THEME, SMALL, screen)


@pytest.mark.parametrize("screen", WIDE_SCREENS)
def test_looks_as_it_did_where_there_is_room(snap: Snap, screen: str) -> None:
    assert snap(THEME, WIDE, screen)


@pytest.mark.parametrize("screen", ["overview", "use"])
@pytest.mark.parametrize("theme", OTHER_THEMES)
def test_looks_as_it_did_in_other_colours(snap: Snap, theme: str, screen: str) -> None:
    assert snap(theme, SMALL, screen)


def test_every_theme_has_a_picture() -> None:
    assert {theme.name for theme in themes.shipped()} == {THEME, *OTHER_THEMES}
