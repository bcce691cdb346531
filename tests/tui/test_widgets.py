"""Chips, batch sizes, fields and the one-line strips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.widget import Widget

from embedtui.assess.answers import Answer
from embedtui.plan.batch_sizes import parse_batch_sizes
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.answer_lines import AnswerLines
from embedtui.tui.widgets.bars import Header, Hint, Hints, ProgressStrip, Tabs
from embedtui.tui.widgets.batch_sizes import BatchSizes, show_sizes
from embedtui.tui.widgets.field import Field
from embedtui.tui.widgets.toggle_group import Toggle, ToggleGroup
from tests.tui.conftest import Bare

DTYPES = [
    Toggle("float16", "float16"),
    Toggle("float32", "float32"),
    Toggle("float8", "float8", refused="not on this GPU"),
]


class Holding(Bare):
    def __init__(self, *held: Widget, ascii_only: bool = False) -> None:
        super().__init__()
        self.held = held
        self.ascii = ascii_only
        self.told: list[Any] = []

    def compose(self) -> ComposeResult:
        yield from self.held

    def on_toggle_group_changed(self, message: ToggleGroup.Changed) -> None:
        self.told.append(message.selected)

    def on_toggle_group_refused(self, message: ToggleGroup.Refused) -> None:
        self.told.append(message.reason)

    def on_batch_sizes_changed(self, message: BatchSizes.Changed) -> None:
        self.told.append(message.sizes)

    def on_field_activated(self, message: Field.Activated) -> None:
        self.told.append(message.field.name)

    def on_tabs_opened(self, message: Tabs.Opened) -> None:
        self.told.append(message.name)

    def key_r(self) -> None:
        self.told.append("wanted")


async def test_chips_switch_by_key_and_the_last_one_stays_on() -> None:
    chips = ToggleGroup(DTYPES, ["float16"])
    app = Holding(chips)
    async with app.run_test(size=(60, 10)) as pilot:
        chips.focus()
        await pilot.press("right", "space", "left", "enter", "right", "space", "right", "space")
        await pilot.pause()
    assert app.told == [
        ("float16", "float32"),
        ("float32",),
        "at least one stays on",
        "not on this GPU",
    ]


async def test_chips_switch_by_mouse_where_they_wrap() -> None:
    chips = ToggleGroup(DTYPES, ["float16"], title="dtype")
    app = Holding(chips)
    async with app.run_test(size=(24, 10)) as pilot:
        assert chips.size.height == 3
        await pilot.click(ToggleGroup, offset=(10, 1))
        await pilot.pause()
    assert app.told == [("float16", "float32")]


async def test_of_single_chips_one_takes_the_others_place() -> None:
    chips = ToggleGroup(DTYPES, ["float16"], single=True)
    app = Holding(chips)
    async with app.run_test() as pilot:
        chips.focus()
        await pilot.press("right", "space", "space")
        await pilot.pause()
    assert app.told == [("float32",)]


async def test_in_ascii_chips_are_ascii() -> None:
    app = Holding(ToggleGroup(DTYPES, ["float16"]), ascii_only=True)
    async with app.run_test():
        shown = text_of(app)
    assert shown.isascii()
    assert "[x] float16  [ ] float32" in shown


async def test_batch_sizes_are_chosen_by_chips_and_by_typing() -> None:
    sizes = BatchSizes((1, 2, 4))
    app = Holding(sizes)
    async with app.run_test(size=(60, 10)) as pilot:
        sizes.query_one(ToggleGroup).focus()
        await pilot.press("right", "right", "right", "space")
        assert sizes.value == (1, 2, 4, 8)
        field = sizes.query_one("#sizes-input")
        assert field.value == "1-8*2"  # type: ignore[attr-defined]
        field.focus()
        field.value = "3,48"  # type: ignore[attr-defined]
        await pilot.pause()
        assert list(sizes.value) == [1, 3, 48]
        assert "48" in sizes.query_one(ToggleGroup).selected
        field.value = "3,x"  # type: ignore[attr-defined]
        await pilot.pause()
        assert "x" in text_of(app)
        assert sizes.has_class("bad")
        assert list(sizes.value) == [1, 3, 48]
    assert app.told[-1] == (1, 3, 48)


async def test_the_unbatched_baseline_cannot_be_left_out() -> None:
    sizes = BatchSizes((1, 2))
    app = Holding(sizes)
    async with app.run_test() as pilot:
        sizes.query_one(ToggleGroup).focus()
        await pilot.press("space")
        await pilot.pause()
    assert app.told == ["unbatched is what the others are compared with"]


@given(st.sets(st.integers(1, 4096), min_size=1))
def test_sizes_are_written_as_they_are_read(sizes: set[int]) -> None:
    assert parse_batch_sizes(show_sizes(sorted(sizes))) == tuple(sorted(sizes))


async def test_a_field_opens_by_key_and_by_mouse_and_cuts_what_has_no_room() -> None:
    field = Field("model", "Model", "a-very-long-name-of-a-model-that-has-no-room", "note")
    app = Holding(field)
    async with app.run_test(size=(30, 5)) as pilot:
        field.focus()
        await pilot.press("enter")
        await pilot.click(Field)
        await pilot.pause()
        shown = text_of(app)
    assert app.told == ["model", "model"]
    assert "…" in shown
    assert "note" in shown


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_a_header_leaves_out_what_matters_least_and_never_the_limit(width: int) -> None:
    header = Header()
    app = Holding(header)
    async with app.run_test(size=(width, 5)) as pilot:
        header.show(
            ("a-model-of-some-length", "bfloat16 · old pooling", "passages", "NVIDIA H200"),
            "RAG limit 1 - cos 1e-06",
        )
        await pilot.pause()
        line = text_of(app).split("\n")[0]
    assert "RAG limit 1 - cos 1e-06" in line
    assert "a-model-of-some" in line
    assert ("H200" in line) == (width == 120)


async def test_hints_without_room_keep_help_and_quit() -> None:
    hints = Hints()
    app = Holding(hints)
    async with app.run_test(size=(40, 5)) as pilot:
        hints.show(
            [
                Hint("wanted", "r", "r", "run"),
                Hint("other", "m", "m", "a long label that has no room"),
                Hint("help", "question_mark", "?", "help"),
                Hint("quit", "q", "q", "quit"),
            ]
        )
        await pilot.pause()
        assert text_of(app).split("\n")[0].split() == ["r", "run", "?", "help", "q", "quit"]
        await pilot.click(Hints, offset=(2, 0))
        await pilot.pause()
    assert app.told == ["wanted"]


async def test_tabs_open_by_mouse() -> None:
    tabs = Tabs()
    app = Holding(tabs)
    async with app.run_test(size=(60, 5)) as pilot:
        tabs.show([("overview", "1", "Overview"), ("texts", "2", "Texts")], "overview")
        await pilot.pause()
        await pilot.click(Tabs, offset=(text_of(app).index("Texts") + 1, 0))
        await pilot.pause()
    assert app.told == ["texts"]


async def test_progress_says_how_far_in_figures_and_as_a_bar() -> None:
    progress = ProgressStrip()
    app = Holding(progress)
    async with app.run_test(size=(80, 5)) as pilot:
        progress.show("batches of 32", 0.5, "GPU 2.0/141 GB")
        await pilot.pause()
        line = text_of(app).split("\n")[0]
    assert "50% batches of 32" in line
    assert line.count("━") == line.count("─") > 3
    assert line.endswith("GPU 2.0/141 GB")


async def test_answers_are_a_line_each_cut_between_words_and_safe() -> None:
    strip = AnswerLines()
    app = Holding(strip)
    answers = [
        Answer("DRIFT", "bad", "yes\x1b[31m\nvery much " * 5),
        Answer("EXACT", "open", "?"),
        Answer("SERVE", "good", "float32"),
    ]
    async with app.run_test(size=(40, 8)) as pilot:
        strip.show(answers, wraps=False)
        await pilot.pause()
        lines = text_of(app).split("\n")
        strip.show(answers, wraps=True)
        await pilot.pause()
        wrapped = text_of(app).split("\n")
    assert lines[0].startswith(" DRIFT  yes\ufffd[31m very much")
    assert lines[0].endswith("…")
    assert lines[2] == " SERVE  float32"
    assert wrapped[1].startswith("        ")
    assert wrapped[3] == " SERVE  float32"
