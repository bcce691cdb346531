"""The explorer while a report of thousands of texts is written; prints JSON, in seconds.

A run file of fake engines, since the figures do not matter here, is opened in the explorer, `e` is
pressed, and a heartbeat notes how late the event loop is until the files are there.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from embedtui.common import machine
from embedtui.config import Config
from embedtui.run.study import Study
from embedtui.storage.run_writer import Recorder
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.replay_session import ReplaySession
from tests import fakes

TEXTS, DTYPES, SIZES = 6_000, ("float32", "bfloat16"), (1, 8, 64)
WIDTH = 384
_BEAT = 0.01
_SUFFIXES = ("json", "csv", "md")


def measure(path: Path, folder: Path) -> None:
    """Write a run of all the texts."""
    machine.engine_device = lambda: "cpu"  # type: ignore[assignment]
    recorder = Recorder(path)
    try:
        engines = fakes.FakeEngines(fakes.Script(width=WIDTH), logs=folder)
        Study(fakes.plan(TEXTS, *DTYPES, sizes=SIZES), engines, [recorder]).run()
    finally:
        recorder.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = folder / "run.sqlite"
        measure(run, folder)
        opened = (run,)
        app = Explorer(
            AppDeps(
                lambda: ReplaySession(opened),
                replace(Config()),
                screenshots_folder=folder,
                opened=opened,
            )
        )
        lags: list[float] = []
        async with app.run_test(size=(120, 40)) as pilot:
            while app.frame is None or not app.frame.view.lines:
                await asyncio.sleep(_BEAT)
            wanted = [folder / f"run.{suffix}" for suffix in _SUFFIXES]
            await pilot.press("e")
            began = time.perf_counter()
            while not all(path.exists() for path in wanted):
                asleep = time.perf_counter()
                await asyncio.sleep(_BEAT)
                lags.append(time.perf_counter() - asleep - _BEAT)
            took = time.perf_counter() - began
        size = sum(path.stat().st_size for path in wanted)
    print(json.dumps({"lags": lags, "seconds": took, "bytes": size}))


if __name__ == "__main__":
    asyncio.run(main())
