"""Names that options had before: in plan files, and in the config file."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedtui.config import Config, load, save
from embedtui.plan.choices import Choices
from embedtui.plan.sweep import load_sweep


@pytest.mark.parametrize("text", ["truth = false", "[[parts]]\ntruth = false"])
def test_in_a_plan_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "old.toml"
    path.write_text(f'bundles = ["fast"]\nmodels = ["a"]\n{text}\n')
    (made,) = load_sweep(str(path)).plans(Choices(), "cpu")
    assert made.reference is False


def test_in_the_config_file_and_gone_once_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[explore]\ntruth = false\n")
    config, problems = load(path)
    assert (config.reference, problems) == (False, [])
    save(path, config)
    assert path.read_text() == "[explore]\nreference = false\n"
    path.write_text("[explore]\nreference = true\ntruth = false\n")
    assert load(path)[0] == Config()
