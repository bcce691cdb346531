"""What commands print as JSON is what docs/json.md says, object by object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from embedtui.cli.json_objects import OBJECTS
from embedtui.cli.main import cli
from tests.cli.conftest import Embedtui
from tests.json_types import problems

SINGLE = {"config", "config-path", "model"}
"""Objects that are no list of things."""
OTHER_PAGES = {"run", "check"}
"""Commands whose objects have pages of their own."""
COMMANDS: dict[str, list[str]] = {
    "texts": ["list", "texts"],
    "settings": ["list", "settings"],
    "scenarios": ["list", "scenarios"],
    "themes": ["list", "themes"],
    "doctor": ["doctor"],
    "runs": ["open"],
    "model": ["make-model", "--layers", "1", "--width", "32"],
    "models": ["list", "models"],
    "config-path": ["config", "path"],
    "config": ["config", "show"],
    "changes": ["compare", "RUN", "RUN"],
    "mix": ["compare", "RUN"],
    "storage": ["storage", "RUN"],
    "advice": ["run", "MODEL", "--advise", "--limit", "4", "--batch-sizes", "1,2", "--quiet"],
    "history": ["check", "--history"],
}


def commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command that takes --json, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        elif any("--json" in parameter.opts for parameter in command.params):
            yield (*above, name)


def test_every_command_with_json_has_its_object() -> None:
    written = {tuple(word for word in words if word.islower())[:2] for words in COMMANDS.values()}
    known = {" ".join(words) for words in commands(cli)} - OTHER_PAGES
    said = {" ".join(w for w in words if not w.startswith("-")) for words in written}
    assert known == said - OTHER_PAGES
    assert set(COMMANDS) == {name.partition("/")[0] for name in OBJECTS}


@pytest.mark.parametrize("name", COMMANDS)
def test_is_what_its_page_says(
    embedtui: Embedtui, model_folder: Path, tmp_path: Path, few: Path, name: str
) -> None:
    words = COMMANDS[name]
    run = tmp_path / "run.sqlite"
    if "RUN" in words or name == "runs":
        sizes = ("--batch-sizes", "1,4", "--dtype", "float16,float32")
        out = () if name == "runs" else ("--out", run)
        assert embedtui("run", model_folder, "--texts", few, *sizes, *out, "--quiet").code == 0
    if name == "history":
        assert embedtui("check", model_folder, "--texts", few, "--share", "0.9").code in {0, 1}
    places = {"RUN": str(run), "MODEL": str(model_folder)}
    said = embedtui(*(places.get(word, word) for word in words), "--json")
    assert said.code in {0, 1}, said.err
    printed = json.loads(said.out)
    schema = printed["schema"].removeprefix("embedtui.")
    assert schema.partition("/")[0] == name
    assert problems(printed, OBJECTS[schema]) == []
    lists = [value for value in printed.values() if isinstance(value, list)]
    assert any(lists) or name in SINGLE, "nothing was printed that the page could be wrong about"
