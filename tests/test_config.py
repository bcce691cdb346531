"""The config file: what is right counts, what is wrong is told, and nothing in it is lost."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from embedtui.common.errors import InputError
from embedtui.config import SECTIONS, Config, config_path, load, save
from embedtui.engine.settings import SWITCHES
from embedtui.plan.choices import Choices

ACTIONS = ("run", "quit", "compare")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_no_file_is_all_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "none.toml") == (Config(), [])


def test_every_key_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        theme = "paper"
        refresh = 2
        ascii = true
        scenario = "golden"
        metric = "cosine"
        [explore]
        model = "org/model"
        limit = 7
        batch_sizes = "1-8*2"
        reference = false
        [settings]
        dtype = "float16"
        threads = [1, "auto"]
        batch_invariant = [true, false]
        [keys]
        run = "f6, ctrl+r"
        """,
    )
    config, problems = load(path, ACTIONS)
    assert problems == []
    assert (config.theme, config.refresh, config.ascii) == ("paper", 2.0, True)
    assert config.keys == {"run": "f6,ctrl+r"}
    choices = config.choices()
    assert choices.model == "org/model"
    assert choices.limit == 7
    assert choices.batch_sizes == (1, 2, 4, 8)
    assert choices.chosen == (
        {"dtype": ["float16"], "threads": [1, None], "batch_invariant": [True, False]},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('them = "paper"', "unknown key 'them' (did you mean theme?)"),
        ('model = "x"', "unknown key 'model' (it belongs under [explore])"),
        ("refresh = 99", "refresh must be 0.2 to 10"),
        ('refresh = "fast"', "refresh must be a number"),
        ("ascii = 1", "ascii must be true or false"),
        ('scenario = "ragg"', "unknown scenario 'ragg' (did you mean rag?)"),
        ('slow_link = "maybe"', "slow_link must be one of off, on, auto"),
        ('[explore]\nbatch_sizes = "1,x"', "[explore] batch_sizes: "),
        ("[explore]\nlimit = -1", "limit must be 0, for all texts, or more"),
        ('[settings]\ndtype = ["float8"]', "unknown dtype 'float8'"),
        ("[settings]\ndtyp = 1", "[settings] unknown key 'dtyp' (did you mean dtype?)"),
        ('[keys]\nrum = "x"', "[keys] unknown action 'rum' (did you mean run?)"),
        ("[keys]\nrun = 5", "[keys] run must be a key's name"),
        ('[keys]\nrun = "f6,"', "[keys] run must be a key's name"),
        ("explore = 5", "[explore] must be a table"),
        ("theme = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_counts(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    config, problems = load(path, ACTIONS)
    assert config == Config()
    assert len(problems) == 1
    assert said in problems[0]
    assert "config.toml" in problems[0]


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "is no TOML" in load(path)[1][0]


def test_escape_sequences_in_the_file_are_not_repeated(tmp_path: Path) -> None:
    path = written(tmp_path, '"\\u001b[31mx" = 1')
    assert "\x1b" not in load(path)[1][0]


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    config = replace(
        Config(),
        theme="paper",
        limit=3,
        settings={"dtype": ("float16",), "threads": ("1", "auto")},
    )
    save(path, config)
    assert load(path) == (config, [])
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    save(path, replace(Config(), theme="paper"))
    assert tomllib.loads(path.read_text()) == {"theme": "paper"}


def test_comments_order_and_unknown_keys_stay(tmp_path: Path) -> None:
    text = """# mine
later = "a key of a newer version"
theme = "ember" # warm

[settings]
# why: the lesser one
dtype = ["float16"]
threads = [1]

[keys]
run = "f6"
"""
    path = written(tmp_path, text)
    config, _ = load(path, ACTIONS)
    save(path, replace(config, scenario="golden", settings={"dtype": ("float16",)}))
    now = path.read_text()
    for kept in ("# mine", 'later = "a key', 'theme = "ember" # warm', "# why", 'run = "f6"'):
        assert kept in now
    assert "threads" not in now
    assert load(path, ACTIONS)[0].scenario == "golden"


def test_a_file_that_is_broken_is_not_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path, "theme = [")
    with pytest.raises(InputError, match="was not overwritten"):
        save(path, replace(Config(), theme="paper"))
    assert path.read_text() == "theme = ["


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    real.chmod(0o600)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    save(link, replace(Config(), theme="paper"))
    assert link.is_symlink()
    assert "paper" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be"):
        save(tmp_path / "file" / "config.toml", replace(Config(), theme="paper"))


def test_choices_come_back_as_they_were() -> None:
    choices = Choices(
        model="m",
        texts="t.csv",
        column="body",
        limit=9,
        chosen=({"dtype": ["float32"], "threads": [1, None]},),
        batch_sizes=(1, 3, 9),
        repeats=0,
        reference=False,
        too_long="refuse",
    )
    assert Config().with_choices(choices).choices() == choices


def test_every_key_is_explained_and_in_a_known_section() -> None:
    for one in fields(Config):
        if one.name not in {"settings", "keys"}:
            assert one.metadata["help"]
            assert one.metadata["section"] in SECTIONS
    assert set(Config().settings) <= {switch.key for switch in SWITCHES}


def test_slow_link_auto_goes_by_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(Config(), slow_link="auto")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert not config.slow
    monkeypatch.setenv("SSH_CONNECTION", "a 1 b 2")
    assert config.slow


def test_the_place_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == tmp_path / "embedtui" / "config.toml"
    monkeypatch.setenv("EMBEDTUI_CONFIG", str(tmp_path / "other.toml"))
    assert config_path() == tmp_path / "other.toml"
