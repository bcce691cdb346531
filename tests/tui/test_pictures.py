"""Every screen as a picture, small and wide, dark, light and in the terminal's own colours.

`make test ARGS='tests/tui/test_pictures.py --snapshot-update'` takes new ones; look at them before
you keep them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from embedtui import machine, models
from embedtui.engine.serving import serve_command
from embedtui.engine.settings import Setting
from embedtui.tui.app import Explorer
from embedtui.tui.session import Session
from tests.fakes import Script
from tests.tui.conftest import Make, ran, until

SIZES = {"small": (80, 24), "wide": (120, 40)}
THEMES = {"dark": "phosphor", "light": "paper", "ansi": "terminal"}
SCREENS: dict[str, tuple[str, ...] | None] = {
    "before-a-run": None,
    "drift": ("2",),
    "by-batch-size": ("3",),
    "by-place": ("3", "o"),
    "sweep": ("s",),
    "sweep-choice": ("S",),
    "settings": ("1",),
    "texts": ("4", "w"),
    "text": ("4", "w", "enter"),
    "compare": ("5",),
    "neighbours": ("8", "n"),
    "layers": ("9",),
    "layers-looked-into": ("l",),
    "log": ("6",),
    "help": ("question_mark",),
    "model": ("m",),
    "pack": ("t",),
    "use": ("u",),
    "advanced": ("a",),
    "theme": ("T",),
}


@pytest.fixture
def snap(
    make_app: Make, model_folder: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Any
) -> Callable[..., bool]:
    # Whatever differs from machine to machine is not in the picture.
    listed = models.describe(model_folder, ref="org/tiny-bert", hub_id="org/tiny-bert")
    monkeypatch.setattr(models, "find_models", lambda: [listed])
    monkeypatch.setattr("embedtui.tui.pickers.model._details", lambda _: "2 layers × 8")
    monkeypatch.setattr(machine, "cpu_features", lambda: ["avx2", "avx512f"])
    monkeypatch.setattr(Session, "seconds", property(lambda _: 7.0))

    def command(setting: Setting, size: int, pooling: str = "") -> str | None:
        return serve_command(replace(setting, model="org/tiny-bert"), size, pooling=pooling)

    monkeypatch.setattr("embedtui.study.answers.serve_command", command)

    def snap(theme: str, size: tuple[int, int], keys: tuple[str, ...] | None) -> bool:
        app = make_app(Script(width=48), theme=theme, texts="passages", limit=24)

        async def prepare(pilot: Any) -> None:
            app: Explorer = pilot.app
            await until(pilot, lambda: app.frame is not None)
            await until(pilot, lambda: app._model_name and app._machine)
            if keys is not None:
                await ran(pilot)
                await until(pilot, lambda: all(line.lists for line in app.frame.view.lines))
            for key in keys or ():
                await pilot.press(key)
                await pilot.pause(0.15)
                await until(pilot, lambda: not app.session.busy)
            for line in app.screen.query(Input):
                line.cursor_blink = False
            await until(pilot, lambda: app.frame.view.version == app.session.version)
            await pilot.pause(0.4)  # previews are read in a thread

        return bool(snap_compare(app, terminal_size=size, run_before=prepare))

    return snap


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_looks_as_it_did(snap: Callable[..., bool], theme: str, size: str, screen: str) -> None:
    assert snap(THEMES[theme], SIZES[size], SCREENS[screen])
