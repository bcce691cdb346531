"""Times the explorer's own table of texts with 100,000 rows; prints JSON, seconds and bytes."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from embedtui.config import Config
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.session import Session
from embedtui.tui.widgets.table_data import Column, TableData
from embedtui.tui.widgets.text_table import TextTable
from tests.fakes import FakeEngines

ROWS, ROUNDS = 100_000, 5
WORDS = "the court held that a text of some length about batches drifts less than one thinks"


def data(seed: int) -> TableData:
    rng = np.random.default_rng(seed)
    ids = [f"passage-{number:06}" for number in range(ROWS)]
    texts = [f"{number} {WORDS[number % 40 :]}" for number in range(ROWS)]
    columns = [
        Column("id", "id", ids, "text", 16),
        Column("tokens", "tokens", rng.integers(1, 512, ROWS), "integer", 7),
        Column("text", "text", texts, "text", 0),
    ]
    for size in (2, 4, 8, 16, 32, 64):
        identical = rng.random(ROWS) < 0.2
        values = np.where(identical, 0.0, 10 ** rng.uniform(-9, -3, ROWS))
        columns.append(
            Column(f"@{size}", f"@{size}", values, "distance", 9, identical=identical, limit=1e-4)
        )
    return TableData(tuple(columns), ids, ROWS)


async def timed(pilot: Any, do: Callable[[], object]) -> float:
    """Return the seconds until what was done is drawn."""
    began = time.perf_counter()
    do()
    drawn = asyncio.Event()
    pilot.app.call_after_refresh(drawn.set)
    await drawn.wait()
    return time.perf_counter() - began


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engines: Any = FakeEngines(logs=Path(folder))
        app = Explorer(AppDeps(lambda: Session(engines), replace(Config(), limit=8)))
        seconds: dict[str, list[float]] = {"up": [], "sort": [], "filter": []}
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2")
            await pilot.pause()
            table = app.query_one("#texts TextTable", TextTable)
            for number in range(ROUNDS):
                made = data(number)
                seconds["up"].append(await timed(pilot, partial(table.set_data, made)))
                seconds["sort"].append(await timed(pilot, lambda: table.sort_by("@64", True)))

                def type_(text: str) -> Callable[[], None]:
                    return lambda: setattr(table, "filter_text", text)

                seconds["filter"].append(await timed(pilot, type_("drifts")))
                seconds["filter"].append(await timed(pilot, type_("drifts less")))
                await timed(pilot, type_(""))
            used = psutil.Process().memory_info().rss
    found = {name: statistics.median(values) for name, values in seconds.items()}
    print(json.dumps({"rows": ROWS, "rounds": ROUNDS, "bytes": used} | found))


if __name__ == "__main__":
    asyncio.run(main())
