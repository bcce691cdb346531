"""Names that commands and options had before are understood, and said to be former ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedtui.cli.former_commands import FORMER_COMMANDS
from embedtui.cli.main import call
from tests.cli.conftest import Embedtui

FEW = ("--limit", "8", "--batch-sizes", "1,4", "--quiet")


def test_on_a_command_line_with_a_word_about_it(
    embedtui: Embedtui, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = embedtui("run", model_folder, "--no-truth", "--limit", "2", "--quiet")
    assert (said.code, said.err) == (
        0, "embedtui: --no-truth is called --no-reference; use that name\n"
    )  # fmt: skip
    assert call(["run", "--help"]) == 0
    assert "--no-truth" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (["advise", "MODEL", "--among", "serving", *FEW], ["run", "--advise", "MODEL", *FEW]),
        (
            ["layers", "MODEL", "--batch-size=4", "--limit", "6", "--quiet", "--json"],
            ["run", "MODEL", "--layers-only", *FEW[2:], "--limit", "6", "--json"],
        ),
        (["history", "--history", "FILE"], ["check", "--history", "--history-file", "FILE"]),
        (["mix", "h200-restarts"], ["compare", "h200-restarts"]),
        (["models", "MODEL"], ["list", "models", "MODEL"]),
        (["models", "list", "--json"], ["list", "models", "--json"]),
        (["models", "make", "--layers", "0"], ["make-model", "--layers", "0"]),
        *(([name], ["list", name]) for name in ("texts", "settings", "scenarios", "themes")),
        (["explore", "MODEL"], ["MODEL"]),
    ],
)  # fmt: skip
def test_of_commands_do_the_same(
    embedtui: Embedtui, model_folder: Path, tmp_path: Path, before: list[str], now: list[str]
) -> None:
    history = str(tmp_path / "checks.sqlite")
    if "FILE" in now:
        check = embedtui("check", model_folder, *FEW, "--share", "0.9", "--history-file", history)
        assert check.code in {0, 1}
    places = {"MODEL": str(model_folder), "FILE": history}
    first, second = (
        embedtui(*(places.get(word, word) for word in words)) for words in (now, before)
    )
    hint, _, rest = second.err.partition("\n")
    assert hint.startswith(f"embedtui: `embedtui {before[0]}")
    assert hint.endswith("the old name goes with the next release")
    same = [text.partition("started_at")[0] for text in (first.out, second.out)]
    assert (first.code, first.err, same[0]) == (second.code, rest, same[1])


def test_of_the_option_for_the_history_of_a_check(
    embedtui: Embedtui, model_folder: Path, tmp_path: Path
) -> None:
    history = tmp_path / "checks.sqlite"
    said = embedtui("check", model_folder, *FEW, "--share", "0.9", "--history", history)
    assert said.code in {0, 1}
    assert "--history FILE is called --history-file" in said.err
    assert history.exists()


def test_are_not_in_the_help(embedtui: Embedtui) -> None:
    text = embedtui("--help").out
    assert not [name for name in FORMER_COMMANDS if f"\n  {name} " in text]
