"""The table of texts: order, filter, cursor and copying, by keys and by mouse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult

from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.table_data import Column, TableData, TextIndex, order_of
from embedtui.tui.widgets.table_pane import FilterLine, TablePane
from embedtui.tui.widgets.text_table import TextTable
from tests.tui.conftest import Bare

COUNT = 40


def data(count: int = COUNT, sizes: tuple[int, ...] = (2, 4, 8), seed: int = 5) -> TableData:
    rng = np.random.default_rng(seed)
    ids = [f"id-{number:03}" for number in range(count)]
    texts = [f"text {number} {'even' if number % 2 == 0 else 'odd'}" for number in range(count)]
    columns = [
        Column("id", "id", ids, "text", 8),
        Column("tokens", "tokens", rng.integers(1, 99, count), "integer", 7),
        Column("text", "text", texts, "text", 0),
    ]
    for size in sizes:
        values = 10 ** rng.uniform(-9, -3, count)
        identical = np.zeros(count, bool)
        if count > 3:
            identical[3], values[3] = True, 0.0
            values[7 % count] = np.nan
        columns.append(
            Column(f"@{size}", f"@{size}", values, "distance", 9, identical=identical, limit=1e-5)
        )
    columns.append(Column("error", "vs float64", 10 ** rng.uniform(-6, -5, count), "distance", 10))
    return TableData(tuple(columns), ids, count)


class Shown(Bare):
    def __init__(self, data: TableData) -> None:
        super().__init__()
        self.given = data
        self.messages: list[Any] = []

    def compose(self) -> ComposeResult:
        yield TablePane()

    def on_mount(self) -> None:
        self.table.set_data(self.given)
        self.table.focus()

    @property
    def table(self) -> TextTable:
        return self.query_one(TextTable)

    def on_text_table_row_selected(self, message: TextTable.RowSelected) -> None:
        self.messages.append(("selected", message.row))

    def on_text_table_copy_requested(self, message: TextTable.CopyRequested) -> None:
        self.messages.append(("copied", message.text))


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=30), st.booleans())
def test_an_order_is_stable_and_puts_what_is_missing_last(values: list[float], down: bool) -> None:
    array = np.array(values)
    identical = array == 0
    column = Column("a", "a", array, "distance", 9, identical=identical)
    order = order_of(column, len(values), descending=down)
    assert sorted(order) == list(range(len(values)))
    there = [(-1.0 if identical[row] else array[row], int(row)) for row in order]
    known = [pair for pair in there if not np.isnan(pair[0])]
    assert there[: len(known)] == known
    key = (lambda pair: (-pair[0], pair[1])) if down else (lambda pair: pair)
    assert known == sorted(known, key=key)


@given(st.lists(st.text(max_size=6), max_size=30), st.text(max_size=2), st.text(max_size=2))
def test_a_filter_finds_what_python_finds_also_when_it_grows(
    texts: list[str], first: str, more: str
) -> None:
    ids = [str(number) for number in range(len(texts))]
    index = TextIndex(ids, texts)
    for wanted in (first, first + more, first):
        expected = [
            row
            for row, text in enumerate(texts)
            if wanted.casefold() in f"{ids[row]}\n{text}".casefold()
        ]
        assert index.find(wanted).tolist() == expected


async def test_s_sorts_by_the_next_column_and_capital_s_turns() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        for _ in range(2):
            await pilot.press("s")
        assert app.table.sorted_by == ("tokens", True)
        tokens = app.given.columns[1].values
        assert tokens[app.table.rows].tolist() == sorted(tokens, reverse=True)
        await pilot.press("S")
        assert app.table.sorted_by == ("tokens", False)
        assert tokens[app.table.rows].tolist() == sorted(tokens)
        assert "tokens▴" in text_of(app)


async def test_a_click_on_a_header_sorts_by_it() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        header = next(line for line in text_of(app).split("\n") if "vs float64" in line)
        await pilot.click(TextTable, offset=(header.index("vs float64") + 2, 0))
        assert app.table.sorted_by == ("error", True)


async def test_w_goes_to_the_text_that_drifts_most_at_the_largest_batch() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("w")
        column = app.given.column("@8")
        assert column is not None
        assert app.table.cursor_row == int(np.nanargmax(column.values))


async def test_w_goes_by_the_precision_error_where_nothing_drifts() -> None:
    made = data()
    columns = [
        Column(c.key, c.title, c.values, c.kind, c.width, identical=np.ones(COUNT, bool))
        if c.key.startswith("@")
        else c
        for c in made.columns
    ]
    app = Shown(TableData(tuple(columns), made.ids, COUNT))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("w")
        assert app.table.cursor_row == int(np.argmax(made.columns[-1].values))


async def test_filtering_while_typing_and_leaving_the_filter() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("slash", *"odd")
        assert app.table.shown == COUNT // 2
        await pilot.press("enter")
        assert app.table.has_focus
        assert app.query_one(FilterLine).display
        await pilot.press("slash", "escape")
        assert app.table.shown == COUNT
        assert not app.query_one(FilterLine).display


async def test_a_filter_that_finds_nothing_says_how_to_widen_it() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("slash", *"zzz")
        assert "no text matches “zzz”: Esc clears" in text_of(app)


async def test_the_cursor_stays_on_its_text_when_figures_come() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("s", "s", "s", "s", *["down"] * 5)
        row = app.table.cursor_row
        app.table.set_data(data(seed=6))
        assert app.table.sorted_by == ("@2", True)
        assert app.table.cursor_row == row


async def test_enter_opens_and_y_copies_every_cell_whole() -> None:
    app = Shown(data())
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("down", "down", "down", "enter", "y")
        await pilot.pause()
        assert app.messages[0] == ("selected", 3)
        cells = app.messages[1][1].split("\t")
        assert cells[0] == "id-003"
        assert cells[2] == "text 3 odd"
        assert cells[3] == "identical"
        assert float(cells[-1]) == app.given.columns[-1].values[3]


async def test_a_second_click_opens() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.click(TextTable, offset=(5, 3))
        assert app.table.cursor_row == 2
        await pilot.click(TextTable, offset=(5, 3))
        await pilot.pause()
        assert app.messages == [("selected", 2)]


async def test_columns_without_room_come_by_the_arrows() -> None:
    app = Shown(data(sizes=(2, 4, 8, 16, 32, 64)))
    async with app.run_test(size=(80, 12)) as pilot:
        header = text_of(app).split("\n")[0]
        assert "vs float64" in header
        assert "@64" in header
        assert "‹" in header
        assert "@2 " not in header
        for _ in range(10):
            await pilot.press("left")
        header = text_of(app).split("\n")[0]
        assert "@2" in header
        assert "vs float64" not in header
        assert "text" in header
        assert header.rstrip().endswith("›")
        for _ in range(10):
            await pilot.press("right")
        assert "vs float64" in text_of(app).split("\n")[0]


async def test_paging_keeps_the_cursor_in_sight() -> None:
    app = Shown(data())
    async with app.run_test(size=(120, 12)) as pilot:
        for key in ("pagedown", "pagedown", "end", "home", "G", "pageup"):
            await pilot.press(key)
            row = app.table.cursor_row
            assert row is not None
            assert f"id-{row:03}" in text_of(app)


class Counted(list[str]):
    """Texts that count how often one is read."""

    read = 0

    def __getitem__(self, place: Any) -> Any:
        self.read += 1
        return super().__getitem__(place)


async def test_only_rows_that_are_seen_are_formatted() -> None:
    made = data(5000)
    texts = Counted(made.columns[2].values)
    columns = [*made.columns[:2], Column("text", "text", texts, "text", 0), *made.columns[3:]]
    app = Shown(TableData(tuple(columns), made.ids, made.count))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        assert 30 <= texts.read < 200


async def test_texts_from_files_never_reach_the_terminal_as_commands() -> None:
    made = data(3)
    texts = ["\x1b[31mred", "[bold]markup[/]", "wide 漢字 \u202e turned"]
    columns = tuple(
        Column(c.key, c.title, texts, c.kind, c.width) if c.key == "text" else c
        for c in made.columns
    )
    app = Shown(TableData(columns, made.ids, 3))
    async with app.run_test(size=(120, 12)):
        shown = text_of(app)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]markup[/]" in shown
    assert "漢字" in shown


@pytest.mark.parametrize("width", [20, 40, 80, 200])
async def test_every_line_is_as_wide_as_the_table(width: int) -> None:
    app = Shown(data())
    async with app.run_test(size=(width, 12)):
        for y in range(12):
            assert app.table.render_line(y).cell_length == app.table.size.width


async def test_an_empty_table_says_so() -> None:
    app = Shown(TableData((), (), 0))
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("s", "w", "y", "enter", "down", "left")
        assert "no texts yet" in text_of(app)
