"""`embedtui config` and `embedtui themes`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from embedtui.cli.explore import checked_options
from embedtui.cli.main import call
from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.config import Config
from embedtui.tui import themes
from tests.cli.conftest import Embedtui


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("EMBEDTUI_CONFIG", str(path))
    return path


def test_path_is_printed_whether_there_is_a_file_or_not(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{config}\n"


def test_show_says_what_is_set_and_what_is_wrong(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('theme = "paper"\nrefesh = 2\n')
    assert call(["config", "show"]) == 2
    said = capsys.readouterr()
    assert "theme = paper (set)" in said.out
    assert "unknown key 'refesh' (did you mean refresh?)" in said.err


def test_show_tells_which_key_would_do_two_things(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[keys]\nhide = "e"\n')
    assert call(["config", "show"]) == 2
    said = capsys.readouterr()
    assert "hide = e" in said.out
    assert said.err == "embedtui: keys: 'e' is both export and hide: give one of them another key\n"
    config.write_text('[keys]\nhide = "e"\nexport = "x"\n')
    assert call(["config", "show"]) == 0
    assert capsys.readouterr().err == ""


def test_show_as_json_is_one_object(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[keys]\nrun = "f6"\n')
    assert call(["config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["keys"] == {"run": "f6"}
    assert shown["settings"]["dtype"] == ["bfloat16", "float32", "float16"]


def test_themes_are_listed_yours_and_wrong_ones_too(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = config.parent / "themes"
    folder.mkdir()
    shipped = (themes.themes_folder() / "paper.toml").read_text()
    (folder / "mine.toml").write_text(shipped.replace('name = "paper"', 'name = "mine"'))
    (folder / "broken.toml").write_text("name = ")
    assert call(["list", "themes"]) == 2
    said = capsys.readouterr()
    assert "light, yours" in said.out
    assert all(theme.name in said.out for theme in themes.shipped())
    assert "theme broken.toml is no TOML" in said.err


def test_the_explorer_without_a_terminal_says_what_does_the_same(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["minilm"]) == 2
    assert "`embedtui run` does the same work without one" in capsys.readouterr().err


def test_what_is_given_for_one_start_stands_beside_what_the_config_has() -> None:
    config = Config(settings={"dtype": ("float16",), "threads": ("1",)})
    given = checked_options({"dtype": "bf16,float32", "batch_sizes": "1,8", "limit": 3}, config)
    chosen = replace(config, **given).choices()
    assert chosen.chosen[0]["dtype"] == ["bfloat16", "float32"]
    assert chosen.chosen[0]["threads"] == [1]
    assert (chosen.batch_sizes, chosen.limit) == ((1, 8), 3)


@pytest.mark.parametrize("given", [{"dtype": "float61"}, {"batch_sizes": "0,x"}])
def test_what_there_is_not_is_refused_before_there_is_a_screen(given: dict[str, str]) -> None:
    with pytest.raises(InputError):
        checked_options(given, Config())


def test_a_scenario_file_that_is_wrong_is_told_as_the_others_are(
    embedtui: Embedtui, home: Path
) -> None:
    file = paths.config_folder() / "scenarios.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[mine]\nmetric = "l3"\ntolerance = 1\n')
    for form in ((), ("--json",)):
        said = embedtui("list", "scenarios", *form)
        assert said.code == 2
        assert said.err.startswith("embedtui: ")
        assert "scenarios.toml" in said.err
        assert "rag" in said.out
