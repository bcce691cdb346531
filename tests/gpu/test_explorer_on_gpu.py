"""The explorer with the real engine on a CUDA machine, from key press to verdict, and its end.

The picture of the first test is kept in the folder that EMBEDTUI_TEST_SHOTS names.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from embedtui.common import machine
from embedtui.config import Config
from embedtui.engine.pool import VllmPool
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.session import Session
from embedtui.tui.terminal.screenshot import text_of
from tests.gpu.test_engine_on_gpu import model, used
from tests.tui.conftest import settled, view_of
from tests.tui.conftest import until as usual_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not machine.gpus(), reason="there is no NVIDIA GPU here"),
]
__all__ = ["model"]

SETTINGS = {"dtype": ("float16", "float32"), "kernel_precision": ("default", "ieee")}


until = partial(usual_until, seconds=240)


def test_from_a_key_press_to_the_verdict(model: str, tmp_path: Path) -> None:
    session = Session(VllmPool())
    session.engines.start()
    config = Config(model=model, limit=64, batch_sizes="1,2,8,64", settings=SETTINGS)
    app = Explorer(AppDeps(lambda: session, config, screenshots_folder=tmp_path))

    async def drive() -> str:
        async with app.run_test(size=(132, 44)) as pilot:
            await until(pilot, lambda: app.frame is not None)
            await pilot.press("r")
            await until(pilot, lambda: session.runs and not session.busy)
            await until(pilot, lambda: view_of(app).version == session.version)
            await pilot.press("right_square_bracket")
            await settled(pilot)
            shots = os.environ.get("EMBEDTUI_TEST_SHOTS")
            if shots:
                picture = app.export_screenshot(title="embedtui")
                Path(shots, "explorer-on-gpu.svg").write_text(picture, "utf-8")
            return text_of(app)

    try:
        screen = asyncio.run(drive())
    finally:
        session.close()
    assert session.problem == ""
    lines = {line.key[2].short_label: line for line in view_of(app).lines}
    strict = next(
        line
        for short_label, line in lines.items()
        if "ieee" in short_label and "float32" in short_label
    )
    plain = lines["float32"]
    assert strict.error is not None
    assert plain.error is not None
    assert strict.error < 5e-6
    assert plain.error > 20 * strict.error
    assert "TF32" in " ".join(cause.name + cause.explanation for cause in plain.causes)
    assert "SERVE" in screen
    assert "texts/s" in screen


def test_a_killed_screen_leaves_nothing_on_the_gpu(model: str, tmp_path: Path) -> None:
    least = [used()]

    def above() -> int:
        """Return the bytes in use above the least so far: engines of other tests may still end."""
        now = used()
        least[0] = min(least[0], now)
        return now - least[0]

    config = tmp_path / "config.toml"
    config.write_text('[explore]\nbatch_sizes = "1,64"\n[settings]\ndtype = ["float32"]\n')
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (40, 120))
    screen = subprocess.Popen(
        [sys.executable, "-m", "embedtui", model],
        stdin=far, stdout=far, stderr=far, start_new_session=True,
        env=os.environ | {"EMBEDTUI_CONFIG": str(config), "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(far)
    os.set_blocking(near, False)
    painted = bytearray()

    def waited(condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            try:
                # A terminal that nobody reads holds the screen up.
                painted.extend(os.read(near, 1 << 20))
            except OSError:  # nothing to read, or nobody at the other end any more
                select.select([near], [], [], 0.02)
        return condition()

    # It asks for single keys by then; what was typed before is lost.
    assert waited(lambda: b"press r" in painted, 30), bytes(painted[-2000:])
    os.write(near, b"r")
    assert waited(lambda: above() > 500 << 20, 90), bytes(painted[-2000:])
    family = psutil.Process(screen.pid).children(recursive=True)
    assert family
    os.kill(screen.pid, signal.SIGKILL)
    screen.wait()
    assert waited(lambda: not any(one.is_running() for one in family), 15), family
    assert waited(lambda: above() < 100 << 20, 15)
    os.close(near)


@pytest.mark.skipif(len(machine.gpus()) < 2, reason="there is one GPU here")
def test_tensor_parallel_on_two_gpus_is_near_to_one(model: str, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "embedtui", "run", model, "--limit", "32", "--dtype", "float32",
        "--setting", "kernel_precision=ieee", "--setting", "tensor_parallel=1,2",
        "--batch-sizes", "1,32", "--json", "--out", str(tmp_path / "run.sqlite"),
    ]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    one, two = json.loads(said)["settings"]
    assert two["effective_config"]["tensor_parallel"] == 2
    for setting in (one, two):
        assert setting["precision_error"]["l2"]["max"] < 5e-6
