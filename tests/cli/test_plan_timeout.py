"""What a request to a server may take, by a plan file and by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtui.cli import check, sweep
from embedtui.common.errors import EngineError
from embedtui.engine.access import Access
from tests.cli.conftest import Embedtui

Asked = Callable[..., list[float]]


@pytest.fixture
def asked(embedtui: Embedtui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    def asked(*words: str, timeout: str = "") -> list[float]:
        """Run a command with a plan of a server; return how long a request might have taken."""
        plan = tmp_path / "plan.toml"
        plan.write_text(
            f'models = ["http://127.0.0.1:9/v1"]\n{timeout}\n[[settings]]\nrequests = "list"\n'
        )
        found: list[float] = []

        def plan_of(_choices: Any, _tell: Any, access: Access) -> Any:
            found.append(access.timeout)
            raise EngineError("far enough")

        for module in (check, sweep):
            monkeypatch.setattr(module, "plan_of", plan_of)
        more = ("--share", "0.5") if words[0] == "check" else ()
        said = embedtui(
            words[0], *words[1:], *(["--sweep"] if words[0] == "run" else []), plan, *more
        )
        assert "far enough" in said.err
        return found

    return asked


@pytest.mark.parametrize("command", ["run", "check"])
def test_counts_as_the_file_says_unless_it_is_given_by_hand(asked: Asked, command: str) -> None:
    assert asked(command) == [120.0]
    assert asked(command, timeout="timeout = 7") == [7.0]
    assert asked(command, "--timeout", "9", timeout="timeout = 7") == [9.0]
