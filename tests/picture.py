"""Takes the README's picture: the explorer after a real run on the real engine.

`python -m tests.picture FILE.svg`
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from embedtui.config import Config
from embedtui.engine.pool import VllmPool
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.session import Session
from tests.tui.conftest import settled, until

SETTINGS = {
    "dtype": ("bfloat16", "float16", "float32"),
    "pooling_accumulation": ("float32", "model"),
}


async def take(path: Path) -> None:
    engines = VllmPool()
    engines.start()
    session = Session(engines)
    with tempfile.TemporaryDirectory() as folder:
        app = Explorer(
            AppDeps(
                lambda: session,
                replace(Config(), settings=SETTINGS),
                screenshots_folder=Path(folder),
            )
        )
        try:
            async with app.run_test(size=(132, 44)) as pilot:
                await pilot.press("r")
                await until(pilot, lambda: session.runs and not session.busy, 1200)
                await until(pilot, lambda: app.frame is not None and app.frame.view.lines)
                # The old pooling in bfloat16: what the older advice was about.
                await pilot.press("right_square_bracket")
                await settled(pilot)
                await pilot.press("2", "w", "1")
                await settled(pilot)
                path.write_text(app.export_screenshot(title="embedtui"), encoding="utf-8")
        finally:
            session.close()
    if session.problem:
        sys.exit(session.problem)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
