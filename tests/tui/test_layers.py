"""The layers' screen: looking, progress, stopping, what is shown of what was found."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from embedtui.common.errors import EngineError
from embedtui.engine.settings import Setting
from embedtui.measure.layer_errors import LayerSite
from embedtui.run.study import Study
from embedtui.storage import run_file
from embedtui.storage.run_writer import Recorder
from embedtui.tui import start
from embedtui.tui.app import Explorer
from embedtui.tui.state.replay_session import ReplaySession
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.views.layers import LayersView
from embedtui.tui.widgets.chart import ChartView
from tests.fakes import FakeEngines, Script, plan
from tests.tui.conftest import Make, ran, told, until, view_of

WIDE, NARROW = (120, 40), (80, 24)


async def shown(pilot: Pilot[Any], *parts: str) -> None:
    def there() -> bool:
        words = " ".join(text_of(pilot.app).replace("│", " ").split())
        return all(part in words for part in parts)

    await until(pilot, there)


async def looked(pilot: Pilot[Any]) -> None:
    """Look into the layers of the setting in hand, and wait until they are shown."""
    app = pilot.app
    assert isinstance(app, Explorer)
    await pilot.press("l")
    await until(pilot, lambda: isinstance(app.focused, LayersView) and not app.session.busy)
    await until(pilot, lambda: view_of(app).version == app.session.version)


async def test_l_looks_and_shows_what_was_found(make_app: Make) -> None:
    app = make_app(Script(layer_fault=LayerSite("mlp", 2)))
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await looked(pilot)
        await shown(
            pilot,
            "by layer, L2: ◇ error ⊕ what a part adds ◆ drift in batches of 4",
            "bfloat16, 12 texts against float64",
            "jumps at layer 2 MLP",
            "layer 3 attention",
            "The parts sum to the precision error within",
        )
        assert "press l" not in text_of(app)
        assert told(app) == ""


async def test_the_layers_are_those_of_the_selected_setting(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        await looked(pilot)
        await pilot.press("down")
        await shown(pilot, "layers of float32 not measured; press l")
        await pilot.press("enter")
        await shown(pilot, "float32, 12 texts against float64")
        await pilot.press("up")
        await shown(pilot, "bfloat16, 12 texts against float64")
        there = {one.setting.dtype: one.layers.there for one in app.session.runs[-1].settings}
        assert there == {"bfloat16": True, "float16": False, "float32": True}


async def test_before_a_run_it_says_what_to_press(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("5")
        await shown(pilot, "nothing was measured yet")
        await pilot.press("enter", "l")
        assert not app.session.busy


async def test_progress_is_shown_and_escape_stops_between_texts(make_app: Make) -> None:
    script = Script()
    app = make_app(script)
    go_on, asked = threading.Event(), threading.Event()
    count = 0

    def hold() -> None:
        nonlocal count
        count += 1
        if count == 60:
            asked.set()
            go_on.wait(120)

    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        script.on_layers = hold
        await pilot.press("l")
        await until(pilot, asked.is_set)
        await shown(pilot, "bfloat16: by layer", "of 12 texts")
        await pilot.press("escape")
        await shown(pilot, "stopping after this batch")
        go_on.set()
        await until(pilot, lambda: not app.session.busy)
        found = app.session.runs[-1].settings[0].layers
        assert 0 < len(found.rows) < 12
        assert app.session.runs[-1].status == "finished"
        await shown(pilot, f"bfloat16, {len(found.rows)} texts against float64")
        assert told(app) == ""


async def test_a_second_escape_kills_the_engine(make_app: Make) -> None:
    script = Script()
    app = make_app(script)
    go_on, asked = threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        go_on.wait(120)

    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        script.on_layers = hang
        await pilot.press("l")
        await until(pilot, asked.is_set)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.session.state == "killing")
        go_on.set()
        await until(pilot, lambda: not app.session.busy)
        assert not app.session.runs[-1].settings[0].layers.there


async def test_why_it_cannot_be_done_is_told(make_app: Make) -> None:
    script = Script(failures={("layers", "bfloat16"): EngineError("no layers \x1b[31mhere")})
    app = make_app(script)
    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        await looked(pilot)
        await until(pilot, lambda: "no layers" in told(app))
        assert "\x1b" not in told(app)
        await shown(pilot, "no layers")


async def test_the_chart_is_drawn_also_where_its_first_size_is_not_told(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual forgets to where others scrolled while the view was being built."""
    monkeypatch.delattr(ChartView, "on_resize")
    monkeypatch.delattr(ChartView, "on_show")
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        await pilot.press("5")
        await shown(pilot, "layers of bfloat16 not measured; press l")
        await looked(pilot)
        await shown(pilot, "1e-2", "norm")


async def test_places_scroll(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await ran(pilot)
        await looked(pilot)
        assert "layer 3 MLP" not in text_of(app)
        for _ in range(3):
            await pilot.press("pagedown")
        await shown(pilot, "layer 3 MLP")


async def test_a_recording_shows_its_layers_and_offers_no_look(
    tmp_path: Path, make_app: Make
) -> None:
    path = tmp_path / "run.sqlite"
    recorder = Recorder(path)
    settings = (Setting("tiny", dtype="float16"), Setting("tiny", dtype="float32"))
    made = plan(6, settings=settings, layers=6)
    Study(made, FakeEngines(logs=tmp_path), [recorder]).run()
    recorder.close()
    app = make_app()
    app.outside = replace(app.outside, open_session=lambda: ReplaySession((path,)), opened=(path,))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.frame is not None and view_of(app).lines)
        await pilot.press("5")
        await shown(pilot, "float16, 6 texts against float64", "layer 0 MLP")
        assert app.why_not("look")
        assert "l layers" not in text_of(app)


def test_what_was_looked_into_is_in_the_runs_file(
    tmp_path: Path, model_folder: Path, texts_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedtui.plan.choices import Choices

    engines = FakeEngines(Script(), logs=tmp_path)
    session = Session(engines, start.open_recorder, start.reopen_recorder)
    choices = Choices(
        model=str(model_folder),
        texts=str(texts_file),
        chosen=({"dtype": ["float16"]},),
        batch_sizes=(1, 2),
        shuffles=0,
    )
    assert session.run(choices)
    session.wait(120)
    run = session.runs[-1]
    assert session.inspect(run, 0)
    assert not session.inspect(run, 0)
    session.wait(120)
    assert session.problem == ""
    path = session.run_path
    assert path is not None
    again = run_file.read(path)
    assert again.status == "finished"
    assert again.settings[0].layers.rows == run.settings[0].layers.rows == tuple(range(12))
    batches = [size for size, _ in again.settings[0].passes]
    assert batches == [size for size, _ in run.settings[0].passes]
    session.close()
