"""Themes: readable in every place, told apart with any colour vision, and wrong ones told."""

from __future__ import annotations

import os
import re
from itertools import combinations
from pathlib import Path

import pytest
from textual.color import Color

from embedtui.common.errors import InputError
from embedtui.tui import themes
from embedtui.tui.terminal.screenshot import text_of
from embedtui.tui.widgets.bars import Header
from tests.tui.conftest import Make, ran, told, until

SHIPPED = themes.shipped()
COLOURED = [theme for theme in SHIPPED if not theme.ansi]
MINE = """
name = "mine"
dark = true
[colors]
primary = "#ff0000"
foreground = "#ffffff"
background = "#000000"
[series]
colors = ["#010101", "#020202", "#030303", "#040404", "#050505", "#060606", "#070707", "#080808"]
[marks]
tolerance = "#123456"
"""

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
VISIONS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(color: Color) -> list[float]:
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color.normalized]


def luminance(color: Color) -> float:
    r, g, b = linear(color)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.2's contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb: list[float]) -> tuple[float, float, float]:
    """CIE L*a*b* under D65 from linear RGB."""
    r, g, b = (min(max(v, 0.0), 1.0) for v in rgb)
    xyz = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: Color, other: Color, vision: str | None = None) -> float:
    """CIE76 between two colours as an eye of that kind sees them."""
    seen = []
    for color in (one, other):
        rgb = linear(color)
        if vision is not None:
            rgb = [sum(m * v for m, v in zip(row, rgb, strict=True)) for row in VISIONS[vision]]
        seen.append(lab(rgb))
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


def test_there_are_the_kinds_that_people_need() -> None:
    assert len(SHIPPED) >= 6
    assert SHIPPED[0].name == themes.DEFAULT
    assert {theme.dark for theme in COLOURED} == {True, False}
    assert any(theme.ansi for theme in SHIPPED)
    readme = (themes.themes_folder() / "README.md").read_text()
    for theme in SHIPPED:
        assert f"| `{theme.name}` |" in readme
        assert theme.path is not None
        assert theme.path.stem == theme.name


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_text_is_readable_on_every_ground(theme: themes.ThemeFile) -> None:
    made = themes.to_textual(theme)
    colors, variables = theme.colors, made.variables
    grounds = [
        Color.parse(colors.get(key, colors["background"]))
        for key in ("background", "surface", "panel")
    ]
    styles = {key: colors[key] for key in ("foreground", "primary", "accent", "success", "error")}
    styles["muted"] = variables["muted"]
    least = 7.0 if theme.name == "contrast" else 4.5
    for name, style in styles.items():
        for ground in grounds:
            assert contrast(Color.parse(style), ground) >= least, (name, style, ground.hex)
    cursor = Color.parse(variables["cursor"])
    assert contrast(Color.parse(colors["foreground"]), cursor) >= 4.5


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_marks_and_lines_stand_out_from_their_ground(theme: themes.ThemeFile) -> None:
    ground = Color.parse(theme.colors["background"])
    for style in (*theme.series, *theme.marks.values()):
        assert contrast(Color.parse(style), ground) >= 3.0, style


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_lines_are_told_apart(theme: themes.ThemeFile) -> None:
    for one, other in combinations(map(Color.parse, theme.series), 2):
        assert distance(one, other) > 12, (one.hex, other.hex)


@pytest.mark.parametrize("vision", VISIONS)
def test_okabe_is_told_apart_with_any_colour_vision(vision: str) -> None:
    theme = themes.find("okabe")
    for one, other in combinations(map(Color.parse, theme.series[:6]), 2):
        assert distance(one, other, vision) > 10, (one.hex, other.hex)


def test_the_ansi_theme_has_no_colours_but_the_terminals_own() -> None:
    theme = next(theme for theme in SHIPPED if theme.ansi)
    for color in (*theme.colors.values(), *theme.series, *theme.marks.values()):
        assert re.fullmatch(r"ansi_[a-z_]+", color)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("#ff0000", "#gg0000"), "[colors] primary: '#gg0000' is no colour"),
        (("primary", "primry"), "[colors] unknown key 'primry' (did you mean primary?)"),
        (('"#080808"]', "]"), "[series] colors must be a list of 8 colours"),
        (("dark = true", 'dark = "yes"'), "dark must be true or false"),
        (('foreground = "#ffffff"', ""), "[colors] foreground is missing"),
        (("[marks]", "[mark]"), "unknown key 'mark' (did you mean marks?)"),
        (("[colors]", "[colors"), "is no TOML"),
    ],
)
def test_what_is_wrong_with_a_theme_is_told(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    (tmp_path / "mine.toml").write_text(MINE.replace(*change))
    with pytest.raises(InputError) as raised:
        themes.find("mine", tmp_path)
    assert said in str(raised.value)
    assert "mine.toml" in str(raised.value)
    assert len(themes.load_user(tmp_path)[1]) == 1


def test_yours_comes_before_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "paper.toml").write_text(MINE.replace('"mine"', '"paper"'))
    assert themes.find("paper", tmp_path).yours
    assert not themes.find("paper").yours


def test_an_unknown_theme_names_its_nearest() -> None:
    with pytest.raises(InputError, match="did you mean graphite"):
        themes.find("grafite")


@pytest.mark.parametrize("theme", SHIPPED, ids=lambda theme: theme.name)
async def test_every_theme_starts_the_explorer(make_app: Make, theme: themes.ThemeFile) -> None:
    app = make_app(theme=theme.name)
    async with app.run_test(size=(120, 40)) as pilot:
        await ran(pilot)
        assert app.theme == theme.name
        assert app.native_ansi_color == theme.ansi
        style = app.query_one(Header).get_component_styles("header--what").color
        wanted = Color.parse(theme.colors["primary"])
        assert style.ansi == wanted.ansi
        assert all(abs(a - b) <= 1 for a, b in zip(style.rgb, wanted.rgb, strict=True))
        assert "SERVE" in text_of(app)


async def test_the_picker_shows_each_theme_and_escape_puts_the_old_one_back(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.frame is not None)
        await pilot.press("T", "down")
        await until(pilot, lambda: app.theme != "phosphor")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "phosphor")
        assert app.config.theme == "phosphor"
        await pilot.press("T", "down", "down", "enter")
        await until(pilot, lambda: app.config.theme == app.theme != "phosphor")


async def test_what_is_saved_of_the_theme_in_use_is_shown(make_app: Make, tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    path = folder / "mine.toml"
    path.write_text(MINE)
    app = make_app(theme="mine")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app._theme_file is not None)
        path.write_text(MINE.replace("#ff0000", "#00ff00"))
        os.utime(path, ns=(1, 1))
        await until(pilot, lambda: app.theme_variables["primary"].lower() == "#00ff00")
        path.write_text("name = ")
        os.utime(path, ns=(2, 2))
        await until(pilot, lambda: "theme mine.toml is no TOML" in told(app))
        assert app.theme_variables["primary"].lower() == "#00ff00"
