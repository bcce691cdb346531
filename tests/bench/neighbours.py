"""Times exact neighbours of two settings: embedtui's, NumPy by brute force, faiss where it is.

Each way runs in a process of its own, so that its peak of memory is its own.
`neighbours.py WAY TEXTS` prints seconds, bytes and a digest of the lists as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import util
from typing import Any

import numpy as np

from embedtui.measure import nearest, unit
from embedtui.measure.ranking import agreement

TEXTS, WIDTH, TOP, LARGE = 10_000, 1024, 10, 100_000
Lists = Any


def neighbours() -> None:
    """Compare, for 10,000 vectors of 1024 in two settings, seconds and memory; then 100,000."""
    print(f"{TEXTS} vectors of {WIDTH}, top {TOP} of two settings, and what changed")
    ours = _told("ours", TEXTS)
    for way in ("numpy", *(["faiss"] if util.find_spec("faiss") else [])):
        other = _told(way, TEXTS)
        same = "the same lists" if other["lists"] == ours["lists"] else "other lists, in float32"
        print(f"  {way} takes {other['seconds'] / ours['seconds']:.1f} × as long, {same}")
    print(f"{LARGE} vectors of {WIDTH}, top {TOP} of one setting, in blocks")
    _told("ours-large", LARGE)


def _told(way: str, texts: int) -> dict[str, Any]:
    # A core type that is not the machine's own would slow NumPy alone.
    env = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    command = [sys.executable, "-m", "tests.bench.neighbours", way, str(texts)]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, env=env))
    print(f"  {way:<10} {found['seconds']:6.1f} s, {found['bytes'] / 1e6:6.0f} MB at most")
    return found


def _vectors(texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return texts as embeddings lie, about a common direction, and the same moved by rounding."""
    draw = np.random.default_rng(0)
    common, scale = draw.standard_normal(WIDTH), np.linspace(1, 0.01, WIDTH) ** 2
    made = np.empty((texts, WIDTH), dtype=np.float32)
    for start in range(0, texts, 5_000):
        rows = made[start : start + 5_000]
        rows[:] = common + draw.standard_normal(rows.shape) * scale
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    moved = made if texts == LARGE else (made + 1e-4 * draw.standard_normal(made.shape))
    return made, moved.astype(np.float32, copy=False)


def _ours(before: np.ndarray, after: np.ndarray) -> Lists:
    lists = [nearest(one, None, TOP + 1) for one in (before, after)]
    agreement(lists[0], lists[1], TOP)
    return [one.documents[:, :TOP] for one in lists]


def _ours_large(before: np.ndarray, _after: np.ndarray) -> Lists:
    return [nearest(before, None, TOP + 1).documents[:, :TOP]]


def _numpy(before: np.ndarray, after: np.ndarray) -> Lists:
    found = []
    for one in (before, after):
        units = unit(one)
        scores = units @ units.T
        np.fill_diagonal(scores, -np.inf)
        best = np.argpartition(scores, -TOP - 1, axis=1)[:, -TOP - 1 :]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(best, order, axis=1)[:, :TOP])
        del scores
    return found


def _faiss(before: np.ndarray, after: np.ndarray) -> Lists:
    import faiss  # type: ignore[import-not-found]

    found = []
    for one in (before, after):
        index = faiss.IndexFlatIP(WIDTH)
        index.add(one)
        listed = index.search(one, TOP + 1)[1]
        kept = [[d for d in row if d != own][:TOP] for own, row in enumerate(listed)]
        found.append(np.array(kept))
    return found


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], Lists]] = {
    "ours": _ours,
    "ours-large": _ours_large,
    "numpy": _numpy,
    "faiss": _faiss,
}


def main(way: str, texts: int) -> None:
    before, after = _vectors(texts)
    began = time.perf_counter()
    lists = WAYS[way](before, after)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    digest = hashlib.sha256(b"".join(np.asarray(one, "<i4").tobytes() for one in lists))
    print(json.dumps({"seconds": seconds, "bytes": peak, "lists": digest.hexdigest()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
