"""Pickers: what is typed finds, what is chosen counts, and what cannot be had says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList, Static

from embedtui.common import machine
from embedtui.engine.settings import SWITCHES
from embedtui.plan.options import OPTIONS
from embedtui.tui.app import Explorer
from embedtui.tui.pickers.advanced import AdvancedScreen
from embedtui.tui.pickers.model import ModelPicker
from embedtui.tui.pickers.texts import TextsPicker
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.toggle_group import ToggleGroup
from tests.tui.conftest import Make, told, until

WIDE, NARROW = (120, 40), (80, 24)


async def opened(pilot: Any, key: str, kind: type) -> Any:
    app: Explorer = pilot.app
    await until(pilot, lambda: app.frame is not None)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, kind))
    await pilot.pause()
    return app.screen


async def closed(pilot: Any, kind: type) -> None:
    await until(pilot, lambda: not isinstance(pilot.app.screen, kind))


async def test_a_model_is_found_by_its_path_and_described(
    make_app: Make, model_folder: Path
) -> None:
    app = make_app(model="minilm")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "m", ModelPicker)
        screen.query_one(Input).value = str(model_folder)
        await until(pilot, lambda: "2 layers × 8" in text_of(app))
        assert "vLLM embeds with it" in text_of(app)
        await pilot.press("enter")
        await closed(pilot, ModelPicker)
        assert app.choices.model == str(model_folder)
        await until(pilot, lambda: "tiny-bert" in text_of(app))


async def test_a_folder_is_gone_into_and_a_half_name_completed(
    make_app: Make, model_folder: Path
) -> None:
    app = make_app(model="minilm")
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "m", ModelPicker)
        line = screen.query_one(Input)
        line.value = f"{model_folder.parent}/{model_folder.name[:2]}"
        line.action_end()
        await pilot.press("tab")
        await until(pilot, lambda: line.value.startswith(str(model_folder)))
        await until(pilot, lambda: "a model" in text_of(app))


async def test_a_model_that_vllm_does_not_embed_with_is_not_taken(
    make_app: Make, tmp_path: Path
) -> None:
    folder = tmp_path / "vision"
    folder.mkdir()
    config = {"architectures": ["ViTForImageClassification"], "model_type": "vit"}
    (folder / "config.json").write_text(json.dumps(config))
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "m", ModelPicker)
        before = app.choices.model
        screen.query_one(Input).value = str(folder)
        await until(pilot, lambda: "vLLM does not embed with it" in text_of(app))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ModelPicker)
        await pilot.press("escape")
        await closed(pilot, ModelPicker)
        assert app.choices.model == before


async def test_an_id_of_the_hub_can_be_typed(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "m", ModelPicker)
        screen.query_one(Input).value = "some-org/some-model"
        await until(pilot, lambda: "ask the hub for it" in text_of(app))
        await pilot.press("enter")
        await closed(pilot, ModelPicker)
        assert app.choices.model == "some-org/some-model"


async def test_a_name_of_nothing_says_so(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "m", ModelPicker)
        screen.query_one(Input).value = "/no/such/folder"
        await pilot.press("enter")
        await until(pilot, lambda: "no such folder" in text_of(app))
        assert isinstance(app.screen, ModelPicker)


async def test_a_pack_is_found_by_typing_and_previewed(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "t", TextsPicker)
        screen.query_one("#texts-ref", Input).value = ""
        await pilot.press(*"multi")
        await until(pilot, lambda: "texts of" in text_of(app))
        assert screen.query_one(OptionList).option_count == 1
        screen.query_one("#texts-limit", Input).value = "5"
        await until(pilot, lambda: "5 texts of" in text_of(app))
        await pilot.press("enter")
        await closed(pilot, TextsPicker)
    assert (app.choices.texts, app.choices.limit) == ("multilingual", 5)


async def test_a_file_with_columns_is_previewed_and_taken(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("key,body\na,hello \x1b[31mworld\nb,more\n")
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "t", TextsPicker)
        screen.query_one("#texts-ref", Input).value = str(path)
        await until(pilot, lambda: "column" in text_of(app).split("mine.csv")[-1])
        screen.query_one("#texts-column", Input).value = "body"
        screen.query_one("#texts-id", Input).value = "key"
        await until(pilot, lambda: "hello \ufffd[31mworld" in text_of(app))
        screen.query_one("#texts-ref", Input).focus()
        await pilot.press("enter")
        await closed(pilot, TextsPicker)
    assert (app.choices.texts, app.choices.column, app.choices.id_column) == (
        str(path),
        "body",
        "key",
    )


async def test_a_column_of_another_file_is_not_asked_of_one_without(
    make_app: Make, tmp_path: Path
) -> None:
    plain, broken = tmp_path / "plain.txt", tmp_path / "broken.jsonl"
    plain.write_text("one text\nand another\n")
    broken.write_text('{"body": "a"}\n{"body": "b"}\n{"body": \n')
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, "t", TextsPicker)
        screen.query_one("#texts-ref", Input).value = str(broken)
        screen.query_one("#texts-column", Input).value = "body"
        await pilot.press("enter")
        await until(pilot, lambda: "line 3" in text_of(app))
        assert isinstance(app.screen, TextsPicker)
        screen.query_one("#texts-ref", Input).value = str(plain)
        await pilot.press("enter")
        await closed(pilot, TextsPicker)
    assert (app.choices.texts, app.choices.column) == (str(plain), None)


async def test_a_file_that_cannot_be_read_is_not_taken(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("")
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "t", TextsPicker)
        before = app.choices.texts
        screen.query_one("#texts-ref", Input).value = str(path)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TextsPicker)
        await until(pilot, lambda: "empty.txt" in text_of(app))
        await pilot.press("escape")
        await closed(pilot, TextsPicker)
    assert app.choices.texts == before


async def test_switches_are_changed_and_counted(make_app: Make) -> None:
    app = make_app(settings={"dtype": ("float16", "float32")})
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "A", AdvancedScreen)
        assert "2 dtypes = 2 settings" in text_of(app)
        screen.query_one("#switch-pooling_accumulation", ToggleGroup).switch("model")
        screen.query_one("#switch-threads", Input).value = "1,2"
        await until(
            pilot,
            lambda: (
                "2 dtypes × 2 of pooling_accumulation × 2 of threads = 8 settings" in text_of(app)
            ),
        )
        assert "pooling_accumulation ● changed" in text_of(app)
        await pilot.press("escape")
        await closed(pilot, AdvancedScreen)
        assert app.choices.chosen == (
            {
                "dtype": ["float16", "float32"],
                "pooling_accumulation": ["float32", "model"],
                "threads": [1, 2],
            },
        )
        screen = await opened(pilot, "A", AdvancedScreen)
        screen.query_one("#switch-pooling_accumulation", ToggleGroup).focus()
        await pilot.press("D", "escape")
        await closed(pilot, AdvancedScreen)
        assert app.choices.chosen == ({"dtype": ["float16", "float32"]},)


async def test_what_is_no_value_keeps_the_screen_open(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "A", AdvancedScreen)
        screen.query_one("#switch-threads", Input).value = "many"
        await until(pilot, lambda: "give a whole number from 1 up" in text_of(app))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, AdvancedScreen)
        assert "threads: not a value" in told(app)
        await pilot.press("ctrl+x")
        await closed(pilot, AdvancedScreen)
        assert "threads" not in app.choices.chosen[0]


async def test_what_the_machine_cannot_do_says_why(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 100)) as pilot:
        screen = await opened(pilot, "A", AdvancedScreen)
        assert "on a GPU only: there are no Triton kernels on the CPU" in text_of(app)
        assert not screen.query("#switch-kernel_precision")


async def test_an_instruction_set_that_the_processor_lacks_is_refused(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cpu_features", lambda: ["avx2"])
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "A", AdvancedScreen)
        screen.query_one("#switch-cpu_isa", ToggleGroup).switch("avx512")
        await until(pilot, lambda: "this CPU has no avx512f" in told(app))


async def test_repeats_reference_and_long_texts_are_chosen(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 100)) as pilot:
        screen = await opened(pilot, "A", AdvancedScreen)
        screen.query_one("#option-repeats", ToggleGroup).switch("3")
        screen.query_one("#option-reference", ToggleGroup).switch("off")
        screen.query_one("#option-too_long", ToggleGroup).switch("refuse")
        await pilot.press("escape")
        await closed(pilot, AdvancedScreen)
    assert (app.choices.repeats, app.choices.reference, app.choices.too_long) == (
        3,
        False,
        "refuse",
    )


async def test_what_is_explained_is_what_the_tables_say(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 100)) as pilot:
        screen = await opened(pilot, "A", AdvancedScreen)
        shown = {str(one.render()) for one in screen.query(".explained").results(Static)}
        table = {one.help for one in (*SWITCHES, *OPTIONS)}
        assert shown
        assert shown <= table
