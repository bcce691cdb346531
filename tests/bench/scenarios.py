"""What drift of a given size does to what embeddings are used for: where the scenarios' limits lie.

`make bench ARGS=scenarios` prints tables of the float64 vectors of all-MiniLM-L6-v2 for 8,000 real
texts, and of settings; it makes them first where they are missing. Every text moves by the same L2,
queries as well, as in a setting in which the limit is reached by every text and not by the worst
alone. It moves in two ways: in a direction drawn by a seed, and in that of bfloat16's error of this
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedtui.assess.retrieval import QueryDocSplit
from embedtui.measure import nearest, unit
from embedtui.measure.margins import expected, margins
from embedtui.measure.ranking import agreement
from tests.bench.corpus import made

TEXTS, TOP, SEED = 8_000, 10, 0
SIZES = (1_000, 8_000)
MOVES = (1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1.4e-3, 5e-3, 1e-2, 2e-2)
"""L2; 1.4e-3 is 1 - cos = 1e-6."""
SETTINGS = ("dtype=float16", "dtype=bfloat16", "dtype=bfloat16,pooling_accumulation=model")
THRESHOLDS = (0.8, 0.9, 0.95)
CLUSTERS = (20, 200)
_ROUNDS = 25
_BLOCK = 1_000
_RIDGE = 1.0
_CLASSES = ("returns?", "if", "class", "file", "test")
"""Words; a linear classifier says of each whether a text has it, from the vector."""
Vectors = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Corpus:
    """Unit vectors of texts, and the ways in which they are moved."""

    vectors: Vectors
    ways: dict[str, Vectors]
    """Unit vectors across those of the texts, by name."""
    settings: dict[str, Vectors]
    """What settings make of the texts, by name."""

    def moved(self, way: str, l2: Vectors | float) -> Vectors:
        """Return the vectors moved by an L2 each, still of length one."""
        angle = 2 * np.arcsin(np.asarray(l2) / 2)
        return np.asarray(np.cos(angle) * self.vectors + np.sin(angle) * self.ways[way])


def read(folder: Path) -> Corpus:
    """Return what the corpus script wrote."""
    vectors = unit(np.load(folder / "float64.npy").astype(np.float64))[:TEXTS]
    settings = {
        name: unit(np.load(folder / f"{name}.npy")[:TEXTS].astype(np.float64)) for name in SETTINGS
    }
    random = np.random.default_rng(SEED).standard_normal(vectors.shape)
    steps = {"random": random, "rounding": settings["dtype=bfloat16"] - vectors}
    return Corpus(vectors, {way: _across(step, vectors) for way, step in steps.items()}, settings)


def _across(steps: Vectors, vectors: Vectors) -> Vectors:
    return unit(steps - (steps * vectors).sum(axis=1, keepdims=True) * vectors)


def changed_lists(before: Vectors, after: Vectors, documents: int) -> tuple[int, int, int]:
    """Return how many orders among the first ten and nearest texts change, and of how many.

    Each text is searched in the others of its corpus; the texts make as many corpora as they can.
    """
    order = top1 = count = 0
    for start in range(0, len(before) - documents + 1, documents):
        rows = slice(start, start + documents)
        one, two = (nearest(side[rows], None, TOP + 1) for side in (before, after))
        found = agreement(one, two, TOP)
        order += int(found.order_changed[:, 0].sum())
        top1 += int(found.top1_changed[:, 0].sum())
        count += documents
    return order, top1, count


def crossed_pairs(before: Vectors, after: Vectors) -> tuple[list[tuple[int, int]], float]:
    """Return the pairs that cross each threshold, those above it, and the largest change."""
    crossed, above = np.zeros(len(THRESHOLDS), np.int64), np.zeros(len(THRESHOLDS), np.int64)
    largest = 0.0
    for start in range(0, len(before), _BLOCK):
        one = before[start : start + _BLOCK] @ before.T
        two = after[start : start + _BLOCK] @ after.T
        upper = np.arange(len(before)) > np.arange(start, start + len(one))[:, None]
        one, two = one[upper], two[upper]
        largest = max(largest, float(np.abs(two - one).max(initial=0.0)))
        for at, threshold in enumerate(THRESHOLDS):
            crossed[at] += ((one >= threshold) != (two >= threshold)).sum()
            above[at] += (one >= threshold).sum()
    return list(zip(crossed.tolist(), above.tolist(), strict=True)), largest


def centres(vectors: Vectors, clusters: int) -> Vectors:
    """Return the centres that spherical k-means finds from texts drawn by a seed."""
    drawn = np.random.default_rng(SEED).choice(len(vectors), clusters, replace=False)
    found = vectors[drawn]
    for _ in range(_ROUNDS):
        sums = np.zeros_like(found)
        np.add.at(sums, assigned(vectors, found), vectors)
        found = np.where(sums.any(axis=1, keepdims=True), unit(sums), found)
    return np.asarray(found)


def assigned(vectors: Vectors, found: Vectors) -> npt.NDArray[np.intp]:
    """Return the nearest centre of each vector, by cosine."""
    return np.asarray((vectors @ found.T).argmax(axis=1))


def classifier(vectors: Vectors, texts: list[str]) -> tuple[Vectors, Vectors]:
    """Return weights and offset of a ridge regression for each class, width x classes."""
    known = np.array(
        [[bool(re.search(rf"\b{word}\b", text.lower())) for word in _CLASSES] for text in texts]
    )
    wanted = 2.0 * known - 1
    middle, mean = vectors.mean(axis=0), wanted.mean(axis=0)
    inner = (vectors - middle).T @ (vectors - middle) + _RIDGE * np.eye(vectors.shape[1])
    weights = np.linalg.solve(inner, (vectors - middle).T @ (wanted - mean))
    return weights, mean - middle @ weights


def scenarios() -> None:
    """Print the tables."""
    folder = made("float64", *SETTINGS)
    corpus = read(folder)
    texts = (folder / "texts.txt").read_text("utf-8").split("\n")[: len(corpus.vectors)]
    _searches(corpus)
    _settings(corpus)
    _statistics(corpus)
    _pairs(corpus)
    _clusters(corpus)
    _classes(corpus, texts)


def _searches(corpus: Corpus) -> None:
    count = len(corpus.vectors)
    print(f"search, each of {count} texts in the others of its corpus, every text moved; changed:")
    print(
        f"{'':19} " + "".join(f"{f'{way}, {n:,} texts':>24}" for way in corpus.ways for n in SIZES)
    )
    print(f"{'L2':>9} {'1 - cos':>9} " + "           order   top 1" * len(corpus.ways) * len(SIZES))
    for l2 in MOVES:
        cells = ""
        for way in corpus.ways:
            after = corpus.moved(way, l2)
            cells += "".join(f"{_lists(corpus.vectors, after, size):>24}" for size in SIZES)
        print(f"{l2:9.1e} {l2**2 / 2:9.1e} {cells}", flush=True)


def _lists(before: Vectors, after: Vectors, size: int) -> str:
    order, top1, count = changed_lists(before, after, size)
    return f"{order / count:8.2%} {top1 / count:7.2%}"


def _settings(corpus: Corpus) -> None:
    print(
        "settings against float64, one engine for all: mean, 95th percentile, largest L2; changed"
    )
    vectors = corpus.vectors
    lists, rows = nearest(vectors, None, TOP + 1), np.arange(len(vectors))
    every = QueryDocSplit(rows, rows, labelled=False)
    for name, after in corpus.settings.items():
        l2 = np.linalg.norm(after - vectors, axis=1)
        cells = "".join(f"{_lists(vectors, after, size):>24}" for size in SIZES)
        pairs = margins((vectors, vectors), (after, after), lists, TOP)
        turned = f"pairs turned {int(pairs.did.sum())}, expected {expected(pairs).sum():.0f}"
        found = agreement(lists, every.nearest_mixed(vectors, after, TOP + 1), TOP)
        mixed = f"{found.order_changed[:, 0].mean():.2%} {found.top1_changed[:, 0].mean():.2%}"
        print(f"{name:40} {_of_sizes(l2)} {cells}   {turned}   mixed {mixed}", flush=True)


def _of_sizes(l2: Vectors) -> str:
    return f"{l2.mean():8.1e} {np.quantile(l2, 0.95):8.1e} {l2.max():8.1e}"


def _statistics(corpus: Corpus) -> None:
    """Which figure of a drift that differs by text says what it does to a search."""
    count, mean = len(corpus.vectors), 1.4e-3
    rng = np.random.default_rng(SEED + 1)
    shapes = {
        "equal": np.ones(count),
        "Gaussian": np.abs(rng.standard_normal(count)),
        "lognormal 1": rng.lognormal(0.0, 1.0, count),
        "one text in ten": (rng.random(count) < 0.1).astype(float),
        "one text in a hundred": (rng.random(count) < 0.01).astype(float),
    }
    print(f"drift of mean {mean:.1e} that differs by text: mean, 95th percentile, largest; changed")
    for name, shape in shapes.items():
        l2 = mean * shape / shape.mean()
        cells = "".join(
            f"{_lists(corpus.vectors, corpus.moved(way, l2[:, None]), count):>24}"
            for way in corpus.ways
        )
        print(f"{name:40} {_of_sizes(l2)} {cells}", flush=True)


def _pairs(corpus: Corpus) -> None:
    print("deduplication: pairs that cross a cosine, of those above it; largest change of a score")
    for way, l2 in product(corpus.ways, MOVES):
        found, largest = crossed_pairs(corpus.vectors, corpus.moved(way, l2))
        cells = "".join(
            f"   {at}: {crossed:>3} of {above:>5}"
            for at, (crossed, above) in zip(THRESHOLDS, found, strict=True)
        )
        print(f"{way:8} {l2:9.1e}{cells}   {largest:.1e} (bound {2 * l2:.1e})", flush=True)


def _clusters(corpus: Corpus) -> None:
    print("clustering: texts that go to another centre, of centres that stay")
    known = {count: centres(corpus.vectors, count) for count in CLUSTERS}
    for way, l2 in product(corpus.ways, MOVES):
        after, cells = corpus.moved(way, l2), ""
        for count, found in known.items():
            other = (assigned(corpus.vectors, found) != assigned(after, found)).mean()
            cells += f"   {count} clusters: {other:.3%}"
        print(f"{way:8} {l2:9.1e}{cells}", flush=True)


def _classes(corpus: Corpus, texts: list[str]) -> None:
    half = len(texts) // 2
    weights, offset = classifier(corpus.vectors[:half], texts[:half])
    print(f"classification: {len(_CLASSES)} linear classifiers, {half} texts they never saw")
    print(f"norms of the weights {np.linalg.norm(weights, axis=0).round(1).tolist()}")
    before = corpus.vectors[half:] @ weights + offset
    for way, l2 in product(corpus.ways, MOVES):
        after = corpus.moved(way, l2)[half:] @ weights + offset
        turned, by = ((before > 0) != (after > 0)).mean(), np.abs(after - before).max()
        print(f"{way:8} {l2:9.1e}   other answers {turned:.3%}, scores by up to {by:.1e}")


if __name__ == "__main__":
    scenarios()
