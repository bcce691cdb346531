"""The explorer measures a server whose address is typed, and asks for the key it wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from embedtui.engine.access import KEY_VARIABLES
from embedtui.tui.pickers.advanced import AdvancedScreen
from embedtui.tui.pickers.key import KeyScreen
from embedtui.tui.pickers.model import ModelPicker
from embedtui.tui.terminal.screenshot import text_of
from tests.servers.fault_server import MODEL, Serve, serving
from tests.tui.conftest import Make, ran, until
from tests.tui.test_pickers import WIDE, closed, opened

KEY = "sk-MARKED-7d2e"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as start:
        yield start


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)


async def typed(pilot: Pilot[Any], address: str) -> ModelPicker:
    screen = await opened(pilot, "m", ModelPicker)
    screen.query_one(Input).value = address
    await pilot.pause()
    await pilot.press("enter")
    assert isinstance(screen, ModelPicker)
    return screen


async def test_an_address_is_typed_and_measured(make_app: Make, serve: Serve) -> None:
    server = serve(drift=1e-3)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await typed(pilot, server.url)
        await closed(pilot, ModelPicker)
        assert app.choices.model == f"{server.url}#{MODEL}"
        await until(pilot, lambda: "2 settings" in text_of(app))
        await pilot.press("a")
        await until(pilot, lambda: app.drawer is not None)
        assert app.drawer is not None
        assert not app.drawer.query_one("#dtypes").display
        await pilot.press("escape")
        await ran(pilot)
        shown = text_of(app)
        assert "server" in shown
        assert "concurrent" in shown
        assert app.session.problem == ""
        run = app.session.runs[-1]
        assert [setting.setting.requests for setting in run.settings] == ["list", "concurrent"]
        assert not app.session.engines.loaded  # type: ignore[attr-defined]


async def test_nothing_is_sent_while_an_address_is_typed(make_app: Make, serve: Serve) -> None:
    server = serve()
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "m", ModelPicker)
        screen.query_one(Input).value = server.url
        await until(pilot, lambda: "measure this server" in text_of(app))
        assert server.keys == []


async def test_of_several_models_one_is_chosen(make_app: Make, serve: Serve) -> None:
    server = serve(models=("one", "two"))
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await typed(pilot, server.url)
        await until(pilot, lambda: screen.query_one(OptionList).option_count == 2)
        await pilot.press("down", "enter")
        await closed(pilot, ModelPicker)
        assert app.choices.model == f"{server.url}#two"


async def test_a_key_is_asked_for_and_never_shown(
    make_app: Make, serve: Serve, home: Path, tmp_path: Path
) -> None:
    server = serve(key=KEY)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await typed(pilot, server.url)
        await until(pilot, lambda: isinstance(app.screen, KeyScreen))
        await pilot.press(*KEY)
        assert KEY not in text_of(app)
        await pilot.press("enter")
        await closed(pilot, KeyScreen)
        await closed(pilot, ModelPicker)
        await ran(pilot)
        assert app.session.problem == ""
        assert f"Bearer {KEY}" in server.keys
        assert KEY not in text_of(app)
        assert KEY not in repr(app.session.engines.access)
        assert KEY not in str(app.config)
    for folder in (home, tmp_path):
        for file in folder.rglob("*"):
            assert not file.is_file() or KEY.encode() not in file.read_bytes()


async def test_a_key_typed_for_one_server_never_reaches_another(
    make_app: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = serve(key=KEY), serve(key="another")
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await typed(pilot, first.url)
        await until(pilot, lambda: isinstance(app.screen, KeyScreen))
        await pilot.press(*KEY, "enter")
        await closed(pilot, ModelPicker)
        await typed(pilot, second.url)
        await until(pilot, lambda: isinstance(app.screen, KeyScreen))
    assert f"Bearer {KEY}" in first.keys
    assert set(second.keys) == {""}


async def test_a_key_that_is_none_is_refused_where_it_is_typed(
    make_app: Make, serve: Serve
) -> None:
    server = serve(key=KEY)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await typed(pilot, server.url)
        await until(pilot, lambda: isinstance(app.screen, KeyScreen))
        app.screen.query_one(Input).value = "sk-MARKED two"
        await pilot.press("enter")
        await until(pilot, lambda: "holds a character that no key has" in text_of(app))
        assert "MARKED" not in text_of(app)
    assert set(server.keys) == {""}


async def test_what_is_no_server_is_told_and_not_taken(make_app: Make, serve: Serve) -> None:
    server = serve(web_page=True)
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        before = app.choices.model
        await typed(pilot, server.url)
        await until(pilot, lambda: "a web page came back" in text_of(app))
        assert isinstance(app.screen, ModelPicker)
        app.screen.query_one(Input).value = "http://user:secret@host/v1"
        await pilot.press("enter")
        await until(pilot, lambda: "leave them out" in text_of(app))
        assert app.choices.model == before


async def test_only_what_a_server_follows_can_be_switched(make_app: Make, serve: Serve) -> None:
    server = serve()
    app = make_app(
        model=f"{server.url}#{MODEL}", settings={"dtype": ("float32",), "threads": ("2",)}
    )
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, "A", AdvancedScreen)
        shown = {widget.id for widget in app.screen.query(".switch > *") if widget.id}
        assert {"switch-requests", "switch-encoding", "switch-dimensions"} <= shown
        assert {"option-against", "option-prompt", "option-repeats"} <= shown
        assert not shown & {
            "switch-threads",
            "switch-execution",
            "option-restarts",
            "option-reference",
        }
        app.screen.query_one("#option-against", Input).value = "minilm"
        await pilot.press("escape")
        await closed(pilot, AdvancedScreen)
        assert app.choices.against == "minilm"
        assert app.choices.chosen[0]["threads"] == [2]  # for the next engine of this machine


async def test_switches_of_servers_are_not_offered_elsewhere(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, "A", AdvancedScreen)
        shown = {widget.id for widget in app.screen.query(".switch > *") if widget.id}
        assert "switch-threads" in shown
        assert not shown & {"switch-requests", "switch-encoding", "option-against"}
