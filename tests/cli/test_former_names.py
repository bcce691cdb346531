"""Names that options had before are understood, and said to be former ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedtui.cli.main import call
from tests.cli.conftest import Embedtui


def test_on_a_command_line_with_a_word_about_it(
    embedtui: Embedtui, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = embedtui("layers", model_folder, "--no-truth", "--limit", "2", "--quiet")
    assert (said.code, said.err) == (
        0, "embedtui: --no-truth is called --no-reference; use that name\n"
    )  # fmt: skip
    assert call(["run", "--help"]) == 0
    assert "--no-truth" not in capsys.readouterr().out
