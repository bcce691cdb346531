"""Every option of every command that measures, for every kind of model: used, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from embedtui.cli import advise, check, explore, layers, run, server_options, sweep
from embedtui.cli.recorded_run import Measured, measure
from embedtui.cli.shared_options import Asked
from embedtui.common.errors import EmbedtuiError
from embedtui.plan.options import OPTIONS
from embedtui.tui import start
from embedtui.tui.terminal import guard
from tests.cli.conftest import Embedtui
from tests.fakes import make_model
from tests.servers.fault_server import Serve, serving

COMMANDS: dict[str, click.Command] = {
    "run": run.run,
    "check": check.command,
    "advise": run.run,
    "layers": run.run,
    "explore": explore.explore,
}
WORDS = {"advise": ["run", "--advise"], "layers": ["run", "--layers-only"], "explore": []}
"""How a way to use a command is written."""
TABLE = {option.name for option in OPTIONS}
SHOWN = {"scenario", "situation"}
"""Options of the table that change what is printed, and not what is measured."""
CASES = [
    ("run", "local"),
    ("run", "server"),
    ("run", "held"),
    ("run", "sweep"),
    ("run", "sweep of a server"),
    ("check", "local"),
    ("check", "server"),
    ("check", "held"),
    ("check", "plan"),
    ("check", "plan of a server"),
    ("advise", "local"),
    ("layers", "local"),
    ("explore", "local"),
    ("explore", "server"),
]


class _ReachedError(EmbedtuiError):
    """All that an option can change about what is measured is known."""

    exit_code = 99  # type: ignore[assignment]


@dataclass
class Place:
    """A command with a kind of model, and where its files are."""

    folder: Path
    url: str
    model: str
    calls: list[Any] = field(default_factory=list)
    """What the command asked for, in the order in which it did."""

    @property
    def texts(self) -> str:
        return str(self.folder / "few.jsonl")

    def arguments(self, command: str, kind: str) -> list[str]:
        """Return a command line that works."""
        target = {
            "local": [self.model],
            "server": [self.url],
            "held": [self.url, "--against", self.model],
            "plan": [self.plan(self.model, 'dtype = "float32"')],
            "plan of a server": [self.plan(self.url, 'requests = "list"')],
            "sweep": ["--sweep", self.plan(self.model, 'dtype = "float32"')],
            "sweep of a server": ["--sweep", self.plan(self.url, 'requests = "list"')],
        }[kind]
        more = {
            "check": ["--share", "0.9", "--batch-sizes", "1,2"],
            "advise": ["--sweep", self.plan(None, 'dtype = ["float32", "float16"]')],
        }
        if command == "run":
            more["run"] = ["--batch-sizes", "1,2"]
        return [
            *WORDS.get(command, [command]),
            *target,
            "--texts",
            self.texts,
            *more.get(command, []),
        ]

    def plan(self, model: str | None, setting: str) -> str:
        """Return a plan file."""
        path = self.folder / f"plan{abs(hash((model, setting)))}.toml"
        models = "" if model is None else f'models = ["{model}"]\n'
        path.write_text(f"{models}[[settings]]\n{setting}\n")
        return str(path)

    def sample(self, name: str, kind: str) -> list[str]:
        """Return the value of an option that is none of its usual ones."""
        here = kind in {"local", "held"}
        samples = {
            "texts": [str(self.folder / "other.txt")],
            "column": ["body"],
            "id_column": ["key"],
            "limit": ["3"],
            "seed": ["3"],
            "join": ["2"],
            "dtype": ["float32" if kind != "plan" else "float16"],
            "setting": ["threads=1" if here else "encoding=base64"],
            "also": ["dtype=float32,threads=2" if here else "encoding=base64"],
            "bundles": ["default"],
            "batch_sizes": ["1,3"],
            "repeats": ["3"],
            "shuffles": ["5"],
            "restarts": ["1"],
            "prompt": ["query: "],
            "too_long": ["refuse"],
            "scenario": ["golden"],
            "situation": ["index"],
            "against": [self.model],
            "layers": ["1"],
            "timeout": ["9"],
            "key_for": ["http://example.org/v1"],
            "sweep": [
                self.plan(None, 'dtype = "float16"' if kind == "local" else 'encoding = "float"')
            ],
            "serve": ["minilm"],
            "out": [str(self.folder / "out.sqlite")],
            "confidence": ["0.9999"],
            "share": ["0.5"],
            "record": [str(self.folder / "record.sqlite")],
            "golden": [str(self.folder / "golden.sqlite")],
            "history_file": [str(self.folder / "history.sqlite")],
            "junit": [str(self.folder / "junit.xml")],
            "markdown": [str(self.folder / "summary.md")],
            "ready_timeout": ["7"],
            "measure": ["drift"],
            "last": ["3"],
            "under": ["0.5"],
            "theme": ["paper"],
            "refresh": ["2"],
        }
        return samples[name]

    def files(self) -> set[str]:
        """Return the files that there are, but for those of the runs."""
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    with serving() as started:
        yield started


@pytest.fixture
def place(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("EMBEDTUI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    line = '{{"text": "a{0}", "body": "b{0}", "id": "i{0}", "key": "k{0}"}}\n'
    (tmp_path / "few.jsonl").write_text("".join(line.format(number) for number in range(4)))
    (tmp_path / "other.txt").write_text("one\ntwo\nthree\nfour\n")
    found = Place(tmp_path, serve().url, str(make_model(tmp_path / "tiny")))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda _: "secret")
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(check, "sys", SimpleNamespace(stderr=terminal))
    return found


@dataclass
class Seen:
    """What came of a command line."""

    code: int
    error: str
    asked: str
    shown: str
    files: frozenset[str]


@pytest.fixture
def look(
    place: Place, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch, home: Path
) -> Callable[..., Seen]:
    def seen(*arguments: str, whole: bool) -> Seen:
        """Run a command, to its end where what it shows and writes is to be known."""
        calls: list[Any] = []
        ways: list[Any] = []

        def measured(plan: Any, weights: Any, engines: Any, path: Any, **how: Any) -> Measured:
            quiet = how["quiet"]
            calls.append((plan.as_dict(), str(path), quiet, [one.text for one in plan.pack.texts]))
            calls.append([one.id for one in plan.pack.texts])
            if not whole:
                raise _ReachedError("measured")
            return measure(plan, weights, engines, path, **how)

        def access_of(asked: Asked, *, named: str = "") -> Any:
            access = server_options.access_of(asked, named=named)
            ways.append(access)
            return access

        def shown(kept: Any, given: Any, *_: Any, **further: Any) -> Any:
            calls.append((kept, given, further["access"]))
            raise _ReachedError("shown")

        def unfinished(_plan: Any) -> None:
            calls.append("looked for an unfinished run")

        for module in (run, sweep, check, advise, layers):
            monkeypatch.setattr(module, "measure", measured)
        for module in (run, check):
            monkeypatch.setattr(module, "access_of", access_of)
        monkeypatch.setattr(sweep, "find_unfinished", unfinished)
        monkeypatch.setattr(guard, "is_terminal", lambda: True)
        monkeypatch.setattr(start, "show", shown)
        before = place.files()
        said = embedtui(*arguments)
        written = place.files() - before
        for name in written - {"golden.sqlite"}:
            (place.folder / name).unlink()
        history = home / "data" / "embedtui" / "history.sqlite"
        if history.exists():
            history.unlink()
            written.add("the usual history")
        figures = re.sub(r"[-+\d.e]+", "#", said.out)
        return Seen(said.code, said.err, repr((calls, ways)), figures, frozenset(written))

    return seen


@pytest.mark.parametrize(("command", "kind"), CASES)
def test_is_used_or_refused_with_a_reason(
    place: Place, look: Callable[..., Seen], command: str, kind: str
) -> None:
    arguments = place.arguments(command, kind)
    if command == "check":
        look(*arguments, "--record", str(place.folder / "golden.sqlite"), whole=True)
    usual = {whole: look(*arguments, whole=whole) for whole in (False, True)}
    assert usual[False].code == 99, usual[False].error
    assert usual[True].code in {0, 1, 5, 99}, usual[True].error
    for option in COMMANDS[command].params:
        name = option.name or ""
        if isinstance(option, click.Argument) or (name == "against" and kind == "held"):
            continue
        if name == "sweep" and kind.startswith("sweep"):
            continue
        if name in {"sweep", "advise"} and command == "advise":
            continue
        if name == "layers_only" and command == "layers":
            continue
        if name == "golden" and kind == "held":
            continue  # vectors that are not the model's own are told first, and nothing after
        flag = max(option.opts, key=len)
        value: list[str] | None = (
            [] if isinstance(option, click.Option) and option.is_flag else None
        )
        words = [flag, *(place.sample(name, kind) if value is None else value)]
        whole = name not in TABLE or name in SHOWN
        seen = look(*arguments, *words, whole=whole)
        if seen.code == 2:
            assert flag in seen.error, (words, seen.error)
            assert seen.error.count("\n") == 1, seen.error
            continue
        assert seen.code in {0, 1, 5, 99}, (words, seen.error)
        before = usual[whole]
        assert (seen.asked, seen.shown, seen.files) != (
            before.asked,
            before.shown,
            before.files,
        ), f"{' '.join(words)} is dropped by {command} with {kind}"


@pytest.mark.parametrize("command", ["advise", "layers"])
def test_what_needs_a_model_here_refuses_a_server(
    place: Place, embedtui: Embedtui, command: str
) -> None:
    said = embedtui(*WORDS[command], place.url, "--texts", place.texts)
    assert said.code == 2
    assert "server" in said.error


def test_every_option_of_the_table_is_of_a_command() -> None:
    for option in OPTIONS:
        for command in option.commands:
            names = {parameter.name for parameter in COMMANDS[command].params}
            assert option.name in names, (option.name, command)
        assert option.models == {"local", "server", "held"} or option.reason, option.name
