"""A glyph has one meaning, in Unicode and in ASCII."""

from __future__ import annotations

import pytest

from embedtui.assess.tolerance import MARKS as OUTCOMES
from embedtui.charts import glyphs
from embedtui.charts.glyphs import ink_of, mark_of, style_of
from embedtui.tui.terminal.ascii_filter import in_ascii

SIGNS = (glyphs.LIMIT, glyphs.LIMIT_ACROSS, glyphs.NOISE, glyphs.ERROR)
MEASURES = ("measure-error", "measure-adds", "measure-drift")


@pytest.mark.parametrize("unicode", [True, False])
def test_no_setting_has_the_glyph_of_a_mark_a_bar_or_an_outcome(unicode: bool) -> None:
    settings = {mark_of(style_of(place), unicode=unicode) for place in range(24)}
    marks = {sign[not unicode] for sign in SIGNS}
    marks |= {mark_of(name, unicode=unicode) for name in MEASURES}
    bars = set(glyphs.BARS if unicode else glyphs.ASCII_BARS)
    outcomes = set("".join(OUTCOMES.values())) | set("=~!·┆▶◂")
    outcomes |= set(in_ascii("".join(outcomes)))
    assert len(settings) == 24
    assert not marks & bars
    assert not settings & (marks | bars | outcomes)
    assert len(marks) == len(SIGNS) + len(MEASURES) - 1  # the error is one mark in every chart


def test_glyph_and_colour_come_back_after_a_hundred_settings_only() -> None:
    looks = {(mark_of(style_of(place)), ink_of(style_of(place))) for place in range(glyphs.PLACES)}
    assert len(looks) == glyphs.PLACES == 192


def test_neighbours_differ_in_colour() -> None:
    for place in range(len(glyphs.MARKS) - 8):
        assert len({ink_of(style_of(place + step)) for step in range(8)}) == 8


def test_the_ascii_mode_puts_the_same_letter_in_tables_and_charts() -> None:
    for place in range(24):
        style = style_of(place)
        assert in_ascii(mark_of(style)) == mark_of(style, unicode=False)
    for sign in (*SIGNS, *((mark_of(one), mark_of(one, unicode=False)) for one in MEASURES)):
        assert in_ascii(sign[0]) == sign[1]
