"""A server that was started for a check ends with it, whichever way that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from embedtui.common.errors import EngineError
from embedtui.engine.access import Access
from embedtui.engine.remote import started_server as module
from embedtui.engine.remote.started_server import arguments_of, started

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import http.server, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Handler).serve_forever()
"""
HELD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from embedtui.engine.remote import started_server as module
from embedtui.engine.access import Access
module._COMMAND = [sys.executable, {server!r}]
with module.started([], Access(), lambda _: None, ready_seconds=20) as (address, _):
    print("ready", address, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a server that has a child, in the place of vLLM's."""
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    monkeypatch.setattr(module, "_COMMAND", [sys.executable, str(path)])
    return path


def of(script: Path) -> list[psutil.Process]:
    """Return every process of a script, its children among them."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(script) in process.cmdline()[:2]:
                found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def gone(processes: list[psutil.Process], seconds: float = 15) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def test_it_is_waited_for_and_ends_with_the_block(server: Path) -> None:
    told: list[str] = []
    with started([], Access(), told.append, ready_seconds=20) as (address, _):
        assert address.origin.is_loopback
        processes = of(server)
        assert len(processes) == 2
    assert gone(processes)
    assert told[-1].startswith("the server is ready after")


def test_it_ends_where_the_check_raises(server: Path) -> None:
    processes: list[psutil.Process] = []

    def check() -> None:
        with started([], Access(), lambda _: None, ready_seconds=20):
            processes.extend(of(server))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check()
    assert len(processes) == 2
    assert gone(processes)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_the_process_that_started_it(server: Path, signum: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HELD.format(server=str(server))], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ready")
    processes = of(server)
    assert len(processes) == 2
    process.send_signal(signum)
    process.wait(120)
    process.stdout.close()
    assert gone(processes)


def test_one_that_fails_is_told_with_its_last_line(server: Path) -> None:
    server.write_text("import sys; print('reading'); sys.exit('there is no such dtype')")
    with (
        pytest.raises(EngineError, match=r"ended with status 1, last saying “there is no such"),
        started([], Access(), lambda _: None, ready_seconds=20),
    ):
        pass


def test_one_that_is_never_ready_is_given_up(server: Path) -> None:
    server.write_text("import time; print('still loading', flush=True); time.sleep(600)")
    with (
        pytest.raises(EngineError, match=r"not ready within 2 s, last saying “still loading”"),
        started([], Access(), lambda _: None, ready_seconds=2),
    ):
        pass
    assert gone(of(server))


def test_its_key_is_in_its_environment_alone(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", "sk-MARKED")
    with started([], Access(), lambda _: None, ready_seconds=20):
        (process, *_) = of(server)
        assert process.environ()["VLLM_API_KEY"] == "sk-MARKED"
        assert "EMBEDTUI_API_KEY" not in process.environ()
        assert "sk-MARKED" not in " ".join(process.cmdline())
    assert os.environ["EMBEDTUI_API_KEY"] == "sk-MARKED"


@pytest.mark.parametrize(
    "text", ["minilm --dtype float16", "--dtype float16 --model minilm", "vllm serve minilm"]
)
def test_arguments_become_vllms(text: str) -> None:
    words = arguments_of(text)
    assert words[0] == "--model"
    assert Path(words[1], "config.json").is_file()
    assert words[words.index("--served-model-name") + 1] == "minilm"
    assert words[words.index("--runner") + 1] == "pooling"
