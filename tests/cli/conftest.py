from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import constants

from embedtui.cli import recorded_run
from embedtui.cli.main import call
from tests.fakes import FakeEngines, Script


@dataclass
class Said:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong; nothing else was written."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert self.err.endswith("\n")
        assert self.err.startswith("embedtui: ")
        assert self.err.strip().isprintable()
        return self.err.removeprefix("embedtui: ").rstrip()


Embedtui = Callable[..., Said]
FEW = ("--batch-sizes", "1,4", "--dtype", "float16,float32")
"""A run of two batch sizes and two settings."""


@pytest.fixture(autouse=True)
def _alike_everywhere(
    on_cpu: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every machine, terminal and hub cache looks alike to these tests."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))


@pytest.fixture
def embedtui(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Embedtui:
    def run(*arguments: str | Path, script: Script | None = None) -> Said:
        """Run one command on fake engines."""
        logs = tmp_path_factory.mktemp("logs")
        monkeypatch.setattr(recorded_run, "VllmPool", lambda: FakeEngines(script, logs=logs))
        capsys.readouterr()
        code = call([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Return a file of nine texts."""
    path = tmp_path / "few.txt"
    path.write_text("".join(f"text number {number}\n" for number in range(9)))
    return path
