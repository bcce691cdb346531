"""The user's own scenarios: taken where they are right, told where they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.plan.scenarios import scenario, scenario_problems, scenarios

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.setattr(paths, "config_folder", lambda: tmp_path)

    def write(text: str) -> None:
        (tmp_path / "scenarios.toml").write_text(text)

    return write


def test_without_a_file_there_are_those_that_come_along(write: Write) -> None:
    assert list(scenarios()) == [
        "rag", "deduplication", "clustering", "classification", "cache-keys", "golden"
    ]  # fmt: skip
    assert scenario_problems() == []


def test_one_of_the_users_stands_beside_them(write: Write) -> None:
    write('[ours]\nmetric = "cosine"\ntolerance = 1e-4\nname = "Our \\u001b[31mindex"\n')
    own = scenario("ours")
    assert (own.metric, own.tolerance, own.limit) == ("cosine", 1e-4, "1 - cos ≤ 1e-04")
    assert "\x1b" not in own.name
    assert scenario_problems() == []
    assert "rag" in scenarios()


def test_one_of_the_same_key_takes_the_place(write: Write) -> None:
    write('[rag]\nmetric = "l2"\ntolerance = 0\n')
    assert scenario("rag").bitwise


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ours\n", "is no TOML"),
        ("ours = 1\n", r"\[ours\] must be a table"),
        ('[ours]\nmetrik = "l2"\n', r"unknown key 'metrik' \(did you mean metric\?\)"),
        ('[ours]\nmetric = "l3"\ntolerance = 1\n', "metric must be one of l2, cosine, max_abs"),
        ("[ours]\ntolerance = 1\n", "metric is missing"),
        ('[ours]\nmetric = "l2"\n', "tolerance is missing"),
        ('[ours]\nmetric = "l2"\ntolerance = -1\n', "tolerance must be between 0"),
        ('[ours]\nmetric = "l2"\ntolerance = nan\n', "tolerance must be between 0"),
        ('[ours]\nmetric = "l2"\ntolerance = true\n', "tolerance must be a number"),
        ('[ours]\nmetric = "l2"\ntolerance = "1"\n', "tolerance must be a number"),
    ],
)
def test_what_is_wrong_is_told_and_leaves_the_rest_alone(
    write: Write, text: str, said: str
) -> None:
    write(text)
    (problem,) = scenario_problems()
    with pytest.raises(InputError, match=said):
        scenario("ours")
    assert "scenarios.toml" in problem
    assert "rag" in scenarios()


def test_a_limit_is_shown_with_the_digits_that_it_has(write: Write) -> None:
    write('[ours]\nmetric = "l2"\ntolerance = 2.5e-4\n')
    assert scenario("ours").limit == "L2 ≤ 2.5e-04"
