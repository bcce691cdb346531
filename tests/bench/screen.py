"""What the explorer's screen costs: its first paint, its loop and its line while a run goes on."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.terminal import Terminal

ROUNDS = 7
_ON_SCREEN = b"\x1b[?1049h"
"""What takes the terminal's second screen."""
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


BESIDE: dict[str, str] = {"posting": "posting", "harlequin": "harlequin"}
"""Other programs of Textual, and how they are called; one that is not there is not measured."""


def first_paint() -> None:
    """Compare the time from the command to a screen with that of the barest Textual app.

    It can be used once the grid names its settings; a recording, once its figures are there. Of
    another program its first paint counts, which is the most that it can be ahead.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = _homes(folder)
        bare, ours = [sys.executable, "-c", BARE], [sys.executable, "-m", "embedtui"]
        said = b"press r to measure"
        wanted = {
            "bare Textual app": (bare, said),
            "embedtui": (ours, said),
            "embedtui, can be used": (ours, b"float32"),
            "a recording's figures": ([*ours, "open", "h200-minilm"], b"= identical"),
        }
        for name, other in BESIDE.items():
            if found := shutil.which(other):
                wanted[name] = ([found], _ON_SCREEN)
            else:
                print(f"{name}: not measured, there is no {other}")
        seconds: dict[str, list[float]] = {name: [] for name in wanted}
        for number in range(ROUNDS + 1):
            for name, (command, text) in wanted.items():
                began = time.perf_counter()
                terminal = Terminal(command, columns=COLUMNS, lines=LINES, environment=environment)
                terminal.until(partial(_said_or_ended, terminal, text), feed=False)
                took = time.perf_counter() - began
                said_it = _said(terminal, text)
                terminal.close()
                if number and said_it:  # the first round reads files from the disk
                    seconds[name].append(took)
    print(f"seconds at {COLUMNS}x{LINES}, {ROUNDS} rounds, median; times the barest")
    medians = {name: statistics.median(values) for name, values in seconds.items() if values}
    barest = medians["bare Textual app"]
    for name, took in medians.items():
        most = "   (wanted: at most 2)" if name == "embedtui, can be used" else ""
        print(f"  {name:22} {took:8.2f} {took / barest:8.2f}{most}")
    for name in seconds.keys() - medians.keys():
        print(f"  {name:22} not measured: it ended")


def live() -> None:
    """Measure loop lag and bytes to the terminal while the real engine works."""
    print(f"a run of 64 passages in two dtypes at {COLUMNS}x{LINES}")
    for title, arguments, most in (
        ("as it is", [], 12),
        ("slow link", ["--slow-link"], 6),
    ):
        with tempfile.TemporaryDirectory() as folder:
            lags, rate, peak = _run(folder, arguments)
        print(f"  {title}")
        print(f"    loop lag p95, ms   {_percentile(lags, 95) * 1e3:8.1f}   (wanted: under 30)")
        print(f"    loop lag max, ms   {max(lags) * 1e3:8.1f}   (wanted: under 150)")
        print(f"    KB/s, mean         {rate / 1e3:8.1f}   (wanted: at most {most})")
        print(f"    KB/s, worst 5 s    {peak / 1e3:8.1f}")


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


def _said_or_ended(terminal: Terminal, text: bytes) -> bool:
    return _said(terminal, text) or terminal.ended()
