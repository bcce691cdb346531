"""The explorer on fake engines, to be started in a real terminal while others write to it.

`python -m tests.tui.on_a_terminal FOLDER [crash]`
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from embedtui.config import Config
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.guard import guarded
from tests.fakes import FakeEngines, make_model


class Disturbed(Explorer):
    """Others write to the terminal for as long as it runs."""

    def __init__(self, outside: AppDeps) -> None:
        super().__init__(outside)
        self.end = threading.Event()
        self.noise = threading.Thread(target=write_everywhere, args=(self.end,), daemon=True)

    def on_mount(self) -> None:
        self.noise.start()


class Crashing(Disturbed):
    def action_overview(self) -> None:
        secret = "a local variable"  # noqa: F841 - that must not be shown
        raise RuntimeError("planted \x1b[31mcrash")


def write_everywhere(end: threading.Event) -> None:
    """Write to the terminal's descriptors in every way that engines do."""
    libc = ctypes.CDLL(None)
    while not end.wait(0.01):
        os.write(1, b"TEAR-os-1\n")
        os.write(2, b"TEAR-os-2\n")
        libc.puts(b"TEAR-libc")
        libc.fflush(None)
        subprocess.run([sys.executable, "-c", "print('TEAR-child')"], check=True)
        print("TEAR-print")
        print(f"TEAR-fileno {sys.stdout.fileno()}", file=sys.stderr)


def main(folder: Path, crash: bool) -> int:
    engines: Any = FakeEngines(logs=folder)
    config = replace(Config(), model=str(make_model(folder / "tiny-bert")), limit=8)
    app_class = Crashing if crash else Disturbed
    with guarded(folder / "screen.txt") as guard:
        app = app_class(
            AppDeps(lambda: Session(engines), config, guard=guard, screenshots_folder=folder)
        )
        app.run()
        app.end.set()
        app.noise.join()
    print(app.crashed or "the terminal again")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:] == ["crash"]))
