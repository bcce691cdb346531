"""Themes as files: those that come with embedtui and the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from embedtui.common import schema
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.schema import Key
from embedtui.common.suggest import unknown

DEFAULT = "phosphor"
SERIES = 8
_FOLDER = "themes"
_COLORS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "boost",
    "success",
    "warning",
    "error",
)
_MARKS = ("noise", "tolerance", "precision")
_CHIPS = ("on", "off")
_TOP = {
    "name": Key(str),
    "description": Key(str),
    "dark": Key(bool),
    "ansi": Key(bool),
    "colors": Key(dict),
    "series": Key(dict),
    "marks": Key(dict),
    "chips": Key(dict),
    "variables": Key(dict),
}


@dataclass(frozen=True)
class ThemeFile:
    """A theme as its file says it."""

    name: str
    description: str
    dark: bool
    ansi: bool
    colors: Mapping[str, str]
    series: tuple[str, ...]
    marks: Mapping[str, str]
    chips: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    yours: bool = False
    """Whether it comes from the user's folder."""


def themes_folder() -> Path:
    """Return the folder of the shipped themes: inside an installed package, or beside it."""
    package = Path(__file__).resolve().parents[1]
    installed = package / _FOLDER
    return installed if installed.is_dir() else package.parent / _FOLDER


def shipped() -> list[ThemeFile]:
    """Return the themes that come with embedtui, the default first."""
    found = [read(path) for path in sorted(themes_folder().glob("*.toml"))]
    return sorted(found, key=lambda theme: (theme.name != DEFAULT, theme.name))


def load_user(folder: Path | None) -> tuple[list[ThemeFile], list[InputError]]:
    """Return the user's themes, and for each file that is none, why."""
    themes: list[ThemeFile] = []
    errors: list[InputError] = []
    for path in sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else []:
        try:
            themes.append(read(path, yours=True))
        except InputError as error:
            errors.append(error)
    return themes, errors


def find(name: str, folder: Path | None = None) -> ThemeFile:
    """Return the theme of a name, the user's before a shipped one.

    Only the file of that name is read where there is one, because nothing is drawn before it.

    Raises:
        InputError: if there is none, or if it is wrong.
    """
    if name and "/" not in name and "\0" not in name:
        for place, yours in ((folder, True), (themes_folder(), False)):
            path = None if place is None else place / f"{name}.toml"
            if path is not None and path.is_file():
                return read(path, yours=yours)
    for theme in (*load_user(folder)[0], *shipped()):
        if theme.name == name:
            return theme
    known = [theme.name for theme in (*load_user(folder)[0], *shipped())]
    raise unknown("theme", name, known)


def read(path: Path, *, yours: bool = False) -> ThemeFile:
    """Read a theme file.

    Raises:
        InputError: naming the file, the key and what is wrong with it.
    """
    shown = printable(path.name, 60)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"theme {shown} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"theme {shown} is no TOML: {printable(str(error), 120)}") from error
    try:
        return _checked(values, path, yours)
    except _WrongError as error:
        raise InputError(f"theme {shown}: {error}") from error


def to_textual(theme: ThemeFile) -> Theme:
    """Return the theme as Textual takes it, our own colours among its variables."""
    colors = dict(theme.colors)
    # Textual's rules for the terminal's own colours name variables that only its own themes have.
    needed = BUILTIN_THEMES[f"ansi-{'dark' if theme.dark else 'light'}"] if theme.ansi else None
    variables = dict(needed.variables) if needed else {}
    variables |= default_variables() | _quiet(theme) | dict(theme.variables) | _own(theme)
    return Theme(
        name=theme.name,
        primary=colors.pop("primary"),
        secondary=colors.pop("secondary", None),
        accent=colors.pop("accent", None),
        foreground=colors.pop("foreground", None),
        background=colors.pop("background", None),
        surface=colors.pop("surface", None),
        panel=colors.pop("panel", None),
        boost=colors.pop("boost", None),
        success=colors.pop("success", None),
        warning=colors.pop("warning", None),
        error=colors.pop("error", None),
        dark=theme.dark,
        ansi=theme.ansi,
        variables=variables,
    )


def default_variables() -> dict[str, str]:
    """Return our own variables for themes that do not name them, such as Textual's."""
    series = {f"series-{number}": f"ansi_{_ANSI[number - 1]}" for number in range(1, SERIES + 1)}
    return series | {
        "mark-noise": "ansi_bright_black",
        "mark-tolerance": "ansi_red",
        "mark-precision": "ansi_yellow",
        "chip-on": "ansi_green",
        "chip-off": "ansi_bright_black",
        "cursor": "ansi_default",
        "muted": "ansi_bright_black",
        "disabled": "ansi_bright_black",
    }


_MUTED, _DISABLED, _CURSOR = 0.75, 0.5, 0.3
"""Shares of the foreground in what is said in passing and in what cannot be had, and of the
primary colour in the line under the cursor."""
_ANSI = ("green", "yellow", "cyan", "magenta", "blue", "red", "bright_green", "bright_cyan")


class _WrongError(Exception):
    """What is wrong with a theme, without the file's name."""


def _quiet(theme: ThemeFile) -> dict[str, str]:
    """Return the colours between foreground and background: what is said in passing, the cursor.

    Textual's own `$text-muted` is black or white by the background that is behind it, which a
    widget that draws its lines itself cannot know; nor can it blend what is half transparent.
    """
    if theme.ansi:
        return {"muted": "ansi_default", "disabled": "ansi_bright_black", "cursor": "ansi_default"}
    back, fore = (Color.parse(theme.colors[key]) for key in ("background", "foreground"))
    shares = {"muted": _MUTED, "disabled": _DISABLED}
    cursor = back.blend(Color.parse(theme.colors["primary"]), _CURSOR, 1).hex
    return {name: back.blend(fore, share, 1).hex for name, share in shares.items()} | {
        "cursor": cursor
    }


def _own(theme: ThemeFile) -> dict[str, str]:
    series = {f"series-{number}": color for number, color in enumerate(theme.series, start=1)}
    marks = {f"mark-{key}": color for key, color in theme.marks.items()}
    chips = {f"chip-{key}": color for key, color in theme.chips.items()}
    return series | marks | chips


def _checked(values: Mapping[str, Any], path: Path, yours: bool) -> ThemeFile:
    for _, problem in schema.problems(values, _TOP):
        raise _WrongError(problem)
    colors = _colors(values, "colors", _COLORS, needed=("primary", "foreground", "background"))
    series = values.get("series", {}).get("colors")
    if not isinstance(series, list) or len(series) != SERIES:
        raise _WrongError(f"[series] colors must be a list of {SERIES} colours")
    primary = colors["primary"]
    return ThemeFile(
        name=values.get("name") or path.stem,
        description=values.get("description", ""),
        dark=values.get("dark", True),
        ansi=values.get("ansi", False),
        colors=colors,
        series=tuple(_color("[series] colors", one) for one in series),
        marks=dict.fromkeys(_MARKS, str(series[0])) | _colors(values, "marks", _MARKS),
        chips={"on": primary, "off": colors["foreground"]} | _colors(values, "chips", _CHIPS),
        variables={str(k): str(v) for k, v in values.get("variables", {}).items()},
        path=path,
        yours=yours,
    )


def _colors(
    values: Mapping[str, Any], section: str, known: tuple[str, ...], needed: tuple[str, ...] = ()
) -> dict[str, str]:
    found = values.get(section, {})
    keys = {key: Key(str, needed=key in needed) for key in known}
    for key, problem in schema.problems(found, keys):
        if key not in found or key not in known:  # what is no text is told as no colour
            raise _WrongError(f"[{section}] {problem}")
    return {key: _color(f"[{section}] {key}", value) for key, value in found.items()}


def _color(where: str, value: Any) -> str:
    try:
        Color.parse(value)
    except (ColorParseError, TypeError, AttributeError) as error:
        raise _WrongError(
            f"{where}: {printable(repr(value), 40)} is no colour, write #rrggbb or a name"
        ) from error
    return str(value)
