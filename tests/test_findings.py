"""docs/findings.md says what the recordings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import findings

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"


def test_every_table_is_that_of_the_recordings() -> None:
    text = PAGE.read_text("utf-8")
    assert findings.filled(text) == text, "run `make findings`"


@pytest.mark.parametrize("name", findings.TABLES)
def test_every_table_stands_on_the_page_once(name: str) -> None:
    assert PAGE.read_text("utf-8").count(f"<!-- {name} -->\n") == 1


def test_pictures_that_it_shows_are_there() -> None:
    for name in ("h200-minilm.svg", "h200-large.svg"):
        assert f"({name})" in PAGE.read_text("utf-8")
        assert (PAGE.parent / name).is_file()
