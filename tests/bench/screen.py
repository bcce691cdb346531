"""What the explorer's screen costs: its first paint, its loop and its line while a run goes on."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.terminal import Terminal

ROUNDS = 7
COLUMNS, LINES = 120, 40
CONFIG = """
[explore]
limit = 64
[settings]
dtype = ["bfloat16", "float32"]
"""
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("press r to measure")
Bare().run()
"""


def first_paint() -> None:
    """Compare the time from the command to a drawn screen with that of the barest Textual app."""
    with tempfile.TemporaryDirectory() as folder:
        environment = _homes(folder)
        bare, ours = [sys.executable, "-c", BARE], [sys.executable, "-m", "embedtui"]
        said = b"press r to measure"
        # The settings come after the first paint, and with them the first thing to choose.
        wanted = {
            "bare Textual app": (bare, said),
            "embedtui": (ours, said),
            "embedtui, settings": (ours, b"1 settings"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in wanted}
        for number in range(ROUNDS + 1):
            for name, (command, text) in wanted.items():
                began = time.perf_counter()
                terminal = Terminal(command, columns=COLUMNS, lines=LINES, environment=environment)
                terminal.until(partial(_said, terminal, text), feed=False)
                took = time.perf_counter() - began
                terminal.close()
                if number:  # the first round reads files from the disk
                    seconds[name].append(took)
    barest, first, settings = (statistics.median(values) for values in seconds.values())
    print(f"seconds to the first paint at {COLUMNS}x{LINES}, {ROUNDS} rounds, median")
    print(f"  bare Textual app     {barest:8.2f}")
    print(f"  embedtui             {first:8.2f}   (wanted: under 0.7)")
    print(f"  ratio                {first / barest:8.2f}   (wanted: at most 2)")
    print(f"  embedtui, settings   {settings:8.2f}")


def live() -> None:
    """Measure loop lag and bytes to the terminal while the real engine works."""
    print(f"a run of 64 passages in two dtypes at {COLUMNS}x{LINES}")
    for title, arguments, most in (
        ("as it is", [], 25),
        ("slow link", ["--slow-link"], 12),
    ):
        with tempfile.TemporaryDirectory() as folder:
            lags, rate, peak = _run(folder, arguments)
        print(f"  {title}")
        print(f"    loop lag p95, ms   {_percentile(lags, 95) * 1e3:8.1f}   (wanted: under 30)")
        print(f"    loop lag max, ms   {max(lags) * 1e3:8.1f}   (wanted: under 150)")
        print(f"    KiB/s, mean        {rate / 1024:8.1f}   (wanted: at most {most})")
        print(f"    KiB/s, worst 5 s   {peak / 1024:8.1f}")


def _run(folder: str, arguments: list[str]) -> tuple[list[float], float, float]:
    environment = _homes(folder)
    out = Path(folder) / "lags.json"
    command = [sys.executable, "-m", "tests.bench.heartbeat", str(out), *arguments]
    terminal = Terminal(command, columns=COLUMNS, lines=LINES, environment=environment)
    try:
        terminal.until(lambda: "press r to measure" in terminal.shown)
        terminal.until(lambda: "q quit" in terminal.shown)
        terminal.drain()
        before, began = len(terminal.raw), time.perf_counter()
        moments = [(began, before)]
        terminal.press("r")

        def over() -> bool:
            moments.append((time.perf_counter(), len(terminal.raw)))
            return b"done in" in terminal.raw[-20_000:]

        # Following the screen here would take the time of one core from what is measured.
        terminal.until(over, 300, feed=False)
        took, sent = time.perf_counter() - began, len(terminal.raw) - before
        terminal.press("q")
        terminal.until(terminal.ended)
    finally:
        terminal.close()
    peaks = []
    for moment, size in moments:
        later = next((s for m, s in moments if m >= moment + 5), None)
        if later is not None:
            peaks.append((later - size) / 5)
    return json.loads(out.read_text()), sent / took, max(peaks, default=sent / took)


def table() -> None:
    """Time the table of texts with 100,000 rows, in a process of its own for its memory."""
    command = [sys.executable, "-m", "tests.bench.table"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"the explorer's table of texts, {found['rows']:,} rows, median of {found['rounds']}")
    wanted = {"up": 150, "sort": 100, "filter": 100}
    for name, most in wanted.items():
        print(f"  {name + ', ms':20} {found[name] * 1e3:8.1f}   (wanted: within {most})")
    print(f"  {'memory, MB':20} {found['bytes'] / 1e6:8.1f}   (wanted: under 250)")


def export() -> None:
    """Measure how late the loop is while a report of thousands of texts is written."""
    command = [sys.executable, "-m", "tests.bench.export"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    lags = found["lags"]
    print("export of 6,000 texts in two settings at three batch sizes, from the explorer")
    print(f"  seconds            {found['seconds']:8.1f}   ({found['bytes'] / 1e6:.0f} MB)")
    print(f"  loop lag p50, ms   {_percentile(lags, 50) * 1e3:8.1f}")
    print(f"  loop lag p95, ms   {_percentile(lags, 95) * 1e3:8.1f}   (wanted: under 50)")
    print(f"  loop lag max, ms   {max(lags) * 1e3:8.1f}")


def _homes(folder: str) -> dict[str, str]:
    config = Path(folder) / "config.toml"
    config.write_text(CONFIG)
    homes = {f"XDG_{name}_HOME": folder for name in ("DATA", "STATE", "CONFIG")}
    return homes | {
        "EMBEDTUI_CONFIG": str(config),
        "HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "1"),
    }


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _said(terminal: Terminal, text: bytes) -> bool:
    return text in terminal.raw
