"""`embedtui explore` as it is, but on fake engines that stop in the third batch.

`python -m tests.tui.started FOLDER [arguments of embedtui explore]`; the engines say so by a file
`held` in the folder and go on once there is a file `go`, and the key 1 crashes the screen. With
INTERRUPTED set, Ctrl+C comes in the very moment in which the terminal is told of it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from embedtui.cli.main import call
from embedtui.common import machine
from embedtui.engine import pool
from embedtui.tui import start
from embedtui.tui.app import Explorer
from tests.fakes import FakeEngines, Script
from tests.waiting import wait_until

HELD = 2
"""Batches that come back before the engines stop."""


INTERRUPTED = "EMBEDTUI_TEST_INTERRUPTED"


class Interrupting:
    """Standard error of somebody who is very quick."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        written: int = self._stream.write(text)
        if "Ctrl+C ends it" in text:
            self._stream.flush()
            os.kill(os.getpid(), signal.SIGINT)
        return written


class Crashing(Explorer):
    def action_overview(self) -> None:
        raise RuntimeError("planted")


def main(folder: Path, arguments: list[str]) -> int:
    def hold(count: int) -> None:
        if count == HELD:
            (folder / "held").touch()
        wait_until(lambda: count < HELD or (folder / "go").exists(), 600)

    def engines() -> FakeEngines:
        return FakeEngines(Script(on_job=hold), logs=folder)

    pool.VllmPool = engines  # type: ignore[assignment,misc]
    start.Explorer = Crashing  # type: ignore[attr-defined]
    machine.engine_device = lambda: "cpu"  # type: ignore[assignment]
    machine.free_memory = lambda: 1 << 40
    if INTERRUPTED in os.environ:
        sys.stderr = Interrupting(sys.stderr)
    return call(["[MODEL]", *arguments])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
