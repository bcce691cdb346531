"""`python -m tests.cli.with_fakes …`: the command line as a process of its own, on fake engines."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from embedtui.cli import main as command_line
from embedtui.cli import recorded_run
from embedtui.common import machine
from tests.fakes import FakeEngines, Script

if __name__ == "__main__":
    machine.engine_device = lambda: "cpu"  # type: ignore[assignment]
    script = Script(sleep=float(os.environ.get("FAKE_SLEEP", "0")))
    state = Path(os.environ["XDG_STATE_HOME"])
    state.mkdir(parents=True, exist_ok=True)
    logs = Path(tempfile.mkdtemp(dir=state))
    recorded_run.VllmPool = lambda: FakeEngines(script, logs=logs)  # type: ignore[assignment,attr-defined,return-value]
    command_line.main()
