"""A check that is interrupted leaves no server behind, and none of its figures are lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from embedtui.storage import run_file
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
CHECK = """
import sys
from embedtui.cli.main import main
from embedtui.engine.remote import started_server
started_server._COMMAND = [sys.executable, "-m", "tests.servers.fault_server", "0.05"]
sys.argv = ["embedtui", "check", "--serve", "minilm --dtype float16", "--batch-sizes", "4"]
main()
"""


def servers() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if "tests.servers.fault_server" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_all_but_the_figures(home: Path, signum: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHECK],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    runs = home / "data/embedtui/runs"
    wait_until(lambda: measured(runs) or process.poll() is not None, 60)
    started = servers()
    assert started
    process.send_signal(signum)
    out = process.communicate(timeout=60)[0].decode()
    assert process.returncode == (130 if signum != signal.SIGKILL else -signal.SIGKILL), out
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive
    (kept,) = runs.glob("*.sqlite")
    results = run_file.read(kept)
    assert results.settings[0].unbatched.count > 3
    assert results.status in {"cancelled", "cut off"}
    if signum != signal.SIGKILL:
        assert str(kept) in out
    assert not (home / "data/embedtui/history.sqlite").exists()


def measured(runs: Path) -> bool:
    """Say whether a run file has figures in it already."""
    for path in runs.glob("*.sqlite"):
        try:
            if run_file.read(path).settings[0].unbatched.count > 3:
                return True
        except Exception:  # noqa: BLE001 - it is just being made
            return False
    return False
