"""Fills docs/findings.md with what the recordings say: every table, and the pictures beside it.

`python -m tests.findings docs` writes them; `--tables` leaves the pictures alone. Between a line
`<!-- NAME -->` and the next `<!-- end -->` stands what this writes, and nothing else does.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from embedtui.assess.noise import is_noise
from embedtui.assess.trends import trend_of
from embedtui.config import Config
from embedtui.measure.correlation import rank_correlation_interval
from embedtui.measure.intervals import share_interval
from embedtui.results.results import Results, SettingResults
from embedtui.storage import library, run_file
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state.replay_session import ReplaySession
from tests.tui.conftest import settled, until

_BLOCK = re.compile(r"(<!-- (?P<name>[\w-]+) -->\n)(?P<old>.*?)(<!-- end -->)", re.DOTALL)


@cache
def read(name: str) -> Results:
    return run_file.read(library.recordings()[name])


def largest(found: tuple[Any, ...] | None) -> float | None:
    return None if found is None else float(found[1].l2.max())


def drift(setting: SettingResults, size: int) -> float:
    return float(setting.drift_in_any_order(size).l2.max())


def figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1e}" if value else "0"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def of_settings(name: str) -> str:
    """Each setting: noise floor, batch drift from small to large, precision error, speed."""
    run = read(name)
    sizes = [size for size in run.plan.batch_sizes if size > 1]
    shown = [size for size in sizes if size in {sizes[0], 8, sizes[-1]}]
    head = ["setting", "noise floor", *(f"drift @{s}" for s in shown), "precision error"]
    head += ["texts/s unbatched", f"texts/s @{sizes[-1]}"]
    rows = []
    for one in run.settings:
        rows.append(
            [
                one.setting.short_label,
                figure(largest(one.noise())),
                *(figure(drift(one, size)) for size in shown),
                figure(one.largest_error(run.reference)),
                f"{one.unbatched.texts_per_second:.0f}",
                f"{one.pass_of(sizes[-1]).texts_per_second:.0f}",
            ]
        )
    return _where(run) + table(head, rows)


def pooling(name: str) -> str:
    """The mean pooling that vLLM once had, against today's where that was run, by batch size."""
    run = read(name)
    sizes = [size for size in run.plan.batch_sizes if size > 1]
    kept = [s for s in run.settings if s.setting.dtype != "float32"]
    kept = [s for s in kept if not s.setting.batch_invariant and s.setting.execution == "eager"]
    rows = []
    for one in sorted(kept, key=lambda s: (s.setting.dtype, s.setting.pooling_accumulation)):
        rows.append([one.setting.short_label, *(figure(drift(one, size)) for size in sizes)])
    return _where(run) + table(["setting", *(f"@{size}" for size in sizes)], rows)


def probe() -> str:
    """What one product and one attention of the engine's own kernels give against float64."""
    rows = []
    for name in ("h200-minilm", "h200-large", "h200-decoder"):
        for one in read(name).settings:
            found = [one.effective.get(f"probe_{part}") for part in ("matmul", "attention")]
            if one.setting.dtype == "float32":
                rows.append(
                    [read(name).plan.model_name, one.setting.short_label, *(map(figure, found))]
                )
    return table(["model", "setting", "matrix product", "attention"], rows)


def restarts() -> str:
    """How far the engine's next start is from this one."""
    run = read("h200-restarts")
    size = run.plan.batch_sizes[-1]
    rows = [
        [
            one.setting.short_label,
            figure(largest(one.noise("repeat"))),
            figure(largest(one.noise("restart"))),
            f"{figure(drift(one, size))} in {one.orders} orders",
        ]
        for one in run.settings
    ]
    return _where(run) + table(
        ["setting", "run again", "after a restart", f"batch drift @{size}"], rows
    )


def long(name: str) -> str:
    """Texts of thousands of tokens: how little drifts, and what float32 costs there."""
    run = read(name)
    size = run.plan.batch_sizes[-1]
    first = run.settings[0]
    tokens = first.prepared.tokens if first.prepared else ()
    head = ["setting", "texts that change", "drift at any size", "precision error"]
    head += [f"texts/s @{size}", f"{first.setting.short_label} is faster by"]
    rows = []
    for one in run.settings:
        moved = {
            int(row)
            for batch in one.batched
            for _, rows_, distances in one.drifts(batch)
            for row in rows_[~distances.identical]
        }
        speed = one.pass_of(size).texts_per_second or 0.0
        rows.append(
            [
                one.setting.short_label,
                f"{len(moved)} of {one.unbatched.count}",
                figure(max(drift(one, batch) for batch in one.batched)),
                figure(one.largest_error(run.reference)),
                f"{speed:.0f}",
                f"{(first.pass_of(size).texts_per_second or 0.0) / speed:.0f}",
            ]
        )
    lengths = f"{min(tokens):,} to {max(tokens):,} tokens each. "
    return _where(run).replace("\n\n", f" {lengths}\n\n") + table(head, rows)


def tokens_of(setting: SettingResults) -> tuple[int, ...]:
    assert setting.prepared is not None
    return setting.prepared.tokens


def lengths() -> str:
    """Which texts drift at all: by their length, in the recording that has every text."""
    run = read("h100-neighbours")
    size = run.plan.batch_sizes[-1]
    bounds = [0, 64, 112, max(tokens_of(run.settings[0])) + 1]
    head = ["setting", *(f"{a} to {b - 1} tokens" for a, b in itertools.pairwise(bounds))]
    rows = []
    for one in run.settings:
        tokens = np.asarray(tokens_of(one))
        moved = np.zeros(len(tokens), dtype=bool)
        for _, texts, distances in one.drifts(size):
            moved[texts] |= distances.l2 > 1e-6
        parts = [(tokens >= a) & (tokens < b) for a, b in itertools.pairwise(bounds)]
        counts = [(int(moved[part].sum()), int(part.sum())) for part in parts]
        rows.append([one.setting.short_label, *(_share(*count) for count in counts)])
    return _where(run) + table(head, rows)


def _share(count: int, texts: int) -> str:
    """Return a count with the interval of the share of all such texts."""
    found = share_interval(count, texts)
    return f"{count} of {texts} ({found.low:.0%} to {found.high:.0%})"


def layers() -> str:
    """Where error and batch drift arise: some places of many."""
    run = read("h100-layers")
    (setting,) = run.settings
    found = setting.layers
    error, drift, contributions = found.error(), found.drift(), found.contributions()
    assert error is not None
    assert drift is not None
    assert contributions is not None
    rows = []
    for at, place in enumerate(error.places):
        if place.layer in {-1, 0, 1, 5, 11, 17, 23}:
            rows.append(
                [
                    str(place),
                    figure(float(error.median[at])),
                    figure(float(contributions.lengths[at])),
                    figure(float(drift.largest[at])),
                ]
            )
    head = ["after", "error of the states", "what this part adds", "drift in a batch of 12"]
    return _where(run) + table(head, rows)


def places() -> str:
    """Whether a text drifts more behind others in its batch, and whether longer ones do."""
    rows = []
    for name in ("h200-minilm", "h200-large", "h200-decoder"):
        run = read(name)
        for one in run.settings:
            trend = trend_of(one)
            if trend is not None and not is_noise(one):
                said = [
                    _with_interval(value, rank_correlation_interval(along, trend.drift, trend.rows))
                    for value, along in (
                        (trend.by_position, trend.position),
                        (trend.by_tokens, trend.tokens),
                    )
                ]
                rows.append([run.plan.model_name, one.setting.short_label, *said])
    return table(["model", "setting", "with the place", "with the length"], rows)


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None or interval is None:
        return "–"
    return f"{value:+.2f} ({interval[0]:+.2f} to {interval[1]:+.2f})"


def _where(run: Results) -> str:
    count, pack = len(run.plan.pack), run.plan.pack.name
    recorded = library.where_of(run.environment, run.started_at)
    return f"{run.plan.model_name}, {count} texts ({pack}), recorded {recorded}.\n\n"


TABLES: dict[str, Callable[[], str]] = {
    "minilm": lambda: of_settings("h200-minilm"),
    "large": lambda: of_settings("h200-large"),
    "decoder": lambda: of_settings("h200-decoder"),
    "long-2k": lambda: long("h100-long-2k"),
    "long-8k": lambda: long("h100-long-8k"),
    "lengths": lengths,
    "layers": layers,
    "places": places,
    "pooling": lambda: pooling("h200-minilm"),
    "pooling-large": lambda: pooling("h100-pooling"),
    "probe": probe,
    "restarts": restarts,
}


def filled(text: str) -> str:
    """Return the page with every block made anew."""
    return _BLOCK.sub(lambda m: f"{m[1]}{TABLES[m['name']]()}{m[4]}", text)


async def _picture(recording: str, keys: list[str], path: Path) -> None:
    files = tuple(library.find(recording))
    app = Explorer(AppDeps(lambda: ReplaySession(files), replace(Config()), opened=files))
    async with app.run_test(size=(132, 40)) as pilot:
        await until(pilot, lambda: app.frame is not None and app.frame.view.lines)
        await pilot.press(*keys)
        await settled(pilot)
        path.write_text(app.export_screenshot(title=f"embedtui open {recording}"), "utf-8")


def main(arguments: list[str]) -> None:
    folder = Path(next(one for one in arguments if not one.startswith("-")))
    page = folder / "findings.md"
    page.write_text(filled(page.read_text("utf-8")), "utf-8")
    if "--tables" not in arguments:
        asyncio.run(_picture("h200-minilm", ["left_square_bracket"], folder / "h200-minilm.svg"))
        asyncio.run(_picture("h200-large", ["s", "h"], folder / "h200-large.svg"))


if __name__ == "__main__":
    main(sys.argv[1:])
