"""The explorer as it is, with a heartbeat that tells how late its event loop is in a run.

`python -m tests.bench.heartbeat FILE [arguments of embedtui explore]` writes lags, in seconds,
to FILE.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from embedtui.cli.main import call
from embedtui.tui import start
from embedtui.tui.app import Explorer

_BEAT = 0.02


class Beating(Explorer):
    """Asks to be woken every 20 ms and notes how much later it is."""

    def on_mount(self) -> None:
        self.lags: list[float] = []
        self.heart = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT)
            if self.session.busy:
                self.lags.append(time.perf_counter() - began - _BEAT)

    def on_unmount(self) -> None:
        self.heart.cancel()
        Path(sys.argv[1]).write_text(json.dumps(self.lags))


if __name__ == "__main__":
    start.Explorer = Beating  # type: ignore[attr-defined]
    sys.exit(call(["[MODEL]", *sys.argv[2:]]))
