"""The grid of settings: what it always shows, whatever the room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.viewmodel.grid import columns_of, cue_of, window_of
from embedtui.tui.viewmodel.view_state import View
from tests.tui.conftest import Make, ran, until, view_of

SIZES = [(60, 15), (80, 24), (120, 40), (200, 50)]
TWENTY = {
    "dtype": ("bfloat16", "float16", "float32"),
    "pooling_accumulation": ("float32", "model"),
    "threads": ("auto", "1", "2", "3"),
}


@given(
    st.integers(1, 60),
    st.integers(2, 30),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 59),
)
def test_the_selected_and_the_recommended_row_are_in_every_window(
    count: int, height: int, selected: int, recommended: int, top: int
) -> None:
    kept = (selected % count, recommended % count)
    shown = window_of(count, height, kept, top)
    assert set(kept) <= set(shown)
    assert shown == sorted(set(shown))
    assert len(shown) == min(count, height)
    hidden = count - len(shown)
    said = [int(part) for part in cue_of(count, shown, kept[0]).split() if part.isdecimal()]
    assert sum(said) == hidden


@given(st.integers(40, 220), st.integers(1, 12), st.integers(3, 50))
def test_columns_fit_and_the_smallest_and_largest_size_are_among_them(
    width: int, sizes: int, name: int
) -> None:
    asked = [2**n for n in range(1, sizes + 1)]
    columns = columns_of(["x" * name], asked, width)
    used = 3 + columns.name + columns.size * len(columns.sizes) + 2
    assert used + sum(wide for _, wide in columns.others) <= max(width, used)
    assert {asked[0], asked[-1]} <= set(columns.sizes)


def row_of(screen: str, label: str) -> str:
    lines = (line.strip(" ▶●◆■▲▼★✚◉") for line in screen.split("\n"))
    return next((line for line in lines if line.startswith(f"{label} ")), "")


def recommended_of(view: View) -> str:
    place = view.answers.recommended
    return view.lines[place].label if place is not None else ""


@pytest.mark.parametrize("size", SIZES)
async def test_with_twenty_settings_both_are_in_sight(
    make_app: Make, size: tuple[int, int]
) -> None:
    app = make_app(settings=TWENTY)
    async with app.run_test(size=size) as pilot:
        await ran(pilot)
        assert len(view_of(app).lines) == 24
        for keys in ((), ("end",), ("up",) * 5, ("home",), ("down",) * 3):
            await pilot.press(*keys)
            await until(pilot, lambda: "▶" in text_of(app))
            await pilot.pause()
            screen = text_of(app)
            assert "◂" in screen
            assert ("more ↓" in screen) or ("more ↑" in screen) or size[1] == 50


async def test_a_setting_that_failed_is_a_row_with_its_reason(make_app: Make) -> None:
    from embedtui.common.errors import EngineError
    from embedtui.engine.settings import Setting
    from tests.fakes import Script

    app = make_app()
    label = Setting(app.choices.model, "float16").label
    app = make_app(Script(failures={("load", label): EngineError("out of memory")}))
    async with app.run_test(size=(80, 24)) as pilot:
        await ran(pilot)
        assert "failed: out of memory" in row_of(text_of(app), "float16")
        await pilot.press("end")
        await until(pilot, lambda: "DRIFT  float16: not measured: out of memory" in text_of(app))
