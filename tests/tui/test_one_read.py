"""Keys that a slow line hands over in one read, written to a real pseudo-terminal at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedtui.common import paths
from tests.tui.test_start import Started

PICKERS = ("u", "t", "a", "T", "m", "?", "S", "\x10")
"""The keys of all that lies over the main screen; the last is Ctrl+P."""
KINDS = ("\r\r", "\r\r\r", "\x1b[5~", "\x1b[6~\x1b[B\r", "jk\r\r", "\t\t\r", "\x1b[A\x1b[H")
ESCAPE_EVERY = 0.3
"""Seconds; two of them in one read would be Alt+Esc."""


@pytest.fixture
def explorer(tmp_path: Path, model_folder: Path) -> Iterator[Started]:
    started = Started(tmp_path, model_folder)
    started.go_on()
    yield started
    started.close()


def to_the_main_screen(explorer: Started) -> None:
    last = 0.0

    def there() -> bool:
        nonlocal last
        above = ("Esc back", "Esc done", "Esc as before", "Search for commands")
        if not any(words in explorer.shown for words in above):
            return "q quit" in explorer.shown
        if time.monotonic() - last > ESCAPE_EVERY:
            last = time.monotonic()
            explorer.press("\x18\x1b")  # Ctrl+X empties a value that keeps the screen open
        return False

    explorer.until(there)


@pytest.mark.parametrize("key", PICKERS)
def test_a_picker_and_what_follows_it_in_one_read(explorer: Started, key: str) -> None:
    for kind in KINDS:
        explorer.press(key + kind)
        explorer.press("\x1b[I")  # an event that no widget minds: what came before has been read
        explorer.drain()
        to_the_main_screen(explorer)
    assert not explorer.ended()
    assert not list(paths.logs_folder().glob("crash-*"))


@pytest.mark.parametrize("keys", ["q8", "q98", "q\r\r", "qqq", "8q", "9q9", "\x11\x11m"])
def test_leaving_and_what_follows_it_in_one_read(explorer: Started, keys: str) -> None:
    explorer.press(keys)
    explorer.until(explorer.ended)
    assert explorer.process.returncode == 0
    assert not list(paths.logs_folder().glob("crash-*"))
