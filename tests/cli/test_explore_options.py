"""What `embedtui` is given for this time is what the screen begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from embedtui.config import Config
from embedtui.plan.choices import Choices
from embedtui.tui import start
from embedtui.tui.start import Ended
from embedtui.tui.terminal import guard
from tests.cli.conftest import Embedtui


@pytest.fixture
def choices(embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Choices]:
    def choices(*words: str) -> Choices:
        found: list[Choices] = []

        def show(kept: Config, given: dict[str, Any], *_: Any, **__: Any) -> Ended:
            found.append(replace(kept, **given).choices())
            return Ended(0)

        monkeypatch.setattr(guard, "is_terminal", lambda: True)
        monkeypatch.setattr(start, "show", show)
        said = embedtui(*words)
        assert said.code == 0, said.err
        return found[0]

    return choices


def test_switches_and_a_prompt_are_chosen_as_run_takes_them(
    choices: Callable[..., Choices],
) -> None:
    made = choices(
        "--setting", "threads=1,2", "--setting", "execution=eager", "--prompt", "query: "
    )
    assert made.chosen[0]["threads"] == [1, 2]
    assert made.chosen[0]["execution"] == ["eager"]
    assert made.chosen[0]["dtype"] == ["bfloat16", "float32", "float16"]
    assert made.prompt == "query: "
    assert choices("--setting", "dtype=float16").chosen[0]["dtype"] == ["float16"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--setting", "thread=1"], "unknown switch 'thread' (did you mean threads?)"),
        (["--dtype", "float16", "--setting", "dtype=float32"], "dtype is set twice"),
    ],
)
def test_what_is_wrong_is_told_before_the_screen(
    embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.setattr(guard, "is_terminal", lambda: True)
    result = embedtui(*words)
    assert result.code == 2
    assert said in result.err
