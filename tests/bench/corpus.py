"""A corpus of real texts, and the vectors of it: what the forecast is held against.

The texts are the docstrings and the documentation of the packages that are installed beside this
one; `python -m tests.bench.corpus FOLDER SETTING…` writes their vectors, once for each setting.
`float64` is the reference, of the first `EXACT` texts.
"""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from embedtui import models
from embedtui.engine.messages import Reference
from embedtui.engine.pool import VllmPool
from embedtui.engine.settings import Setting, parse_overrides
from embedtui.plan.plan import Plan
from embedtui.results.events import BatchEmbedded, Event
from embedtui.run.study import Study
from embedtui.texts import Text, TextPack

FOLDER = Path(tempfile.gettempdir()) / "embedtui-corpus"
"""Where benchmarks keep texts and vectors; half an hour's work on two cores."""
TEXTS = 24_000
EXACT = 8_000
BATCH = 64
SEED = 0
_LEAST, _MOST = 60, 240
"""Characters of a text; 240 are about 64 tokens."""
_DRAWN = 1.5
"""How many times as many texts are found as are taken: a file's do not all come together."""
_FILES = ("*.py", "*.rst", "*.md", "METADATA")
_SPACE = re.compile(r"\s+")
_LETTERS = re.compile(r"[^a-z]+")


def texts() -> list[str]:
    """Return texts that differ by more than digits and signs, in an order drawn by a seed."""
    draw = np.random.default_rng(SEED)
    found: dict[str, str] = {}
    for raw in _raw(draw):
        text = _SPACE.sub(" ", raw).strip()[:_MOST].rsplit(" ", 1)[0]
        if len(text) >= _LEAST:
            found.setdefault(_LETTERS.sub("", text.lower()), text)
        if len(found) >= _DRAWN * TEXTS:
            break
    kept = list(found.values())
    return [kept[at] for at in draw.permutation(len(kept))[:TEXTS]]


def _raw(draw: np.random.Generator) -> Iterator[str]:
    """Yield docstrings and paragraphs of documentation, file by file in an order drawn."""
    site = Path(sysconfig.get_paths()["purelib"])
    files = sorted(path for pattern in _FILES for path in site.rglob(pattern))
    for at in draw.permutation(len(files)):
        if files[at].suffix == ".py":
            yield from _docstrings(files[at])
        else:
            yield from files[at].read_text("utf-8", "replace").split("\n\n")


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def vectors(corpus: list[str], overrides: list[str], batch: int = BATCH) -> np.ndarray:
    """Return what vLLM makes of the texts in one setting of minilm, in batches of one size."""
    chosen = {key: values[0] for key, values in parse_overrides(overrides).items()}
    folder = str(models.resolve("minilm").folder)
    pack = TextPack("corpus", "corpus", tuple(Text(str(n), one) for n, one in enumerate(corpus)))
    made: list[np.ndarray] = [np.zeros((len(corpus), 0))]

    def keep(event: Event) -> None:
        if isinstance(event, BatchEmbedded):
            if not made[0].shape[1]:
                made[0] = np.full((len(corpus), event.vectors.shape[1]), np.nan, np.float32)
            made[0][list(event.rows)] = event.vectors

    engines = VllmPool()
    try:
        setting = Setting(folder, **chosen)
        plan = Plan(
            "minilm", "minilm", None, (setting,), (batch,), pack, reference=False, repeats=0
        )
        Study(plan, engines, [keep]).run()
    finally:
        engines.close()
    return made[0]


def exact_vectors(corpus: list[str]) -> np.ndarray:
    """Return the reference's vectors of the texts, texts x width."""
    model = models.resolve("minilm")
    assert model.max_length is not None
    rows = tuple(range(len(corpus)))
    asked = Reference(str(model.folder), "cpu", model.max_length, "mean", rows, tuple(corpus))
    engines = VllmPool()
    try:
        with engines.reference(lambda: False) as reference:
            done = reference.embed(asked, lambda _: None, lambda: False)
            return np.stack([one.vector for one in done])
    finally:
        engines.close()


def made(*settings: str) -> Path:
    """Return the folder of the corpus, with vectors of these settings in it."""
    main(FOLDER, list(settings))
    return FOLDER


def main(folder: Path, settings: list[str]) -> None:
    """Write the vectors of each setting, `dtype=float16,…` and `@BATCH` where it is another."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "texts.txt"
    if not kept.exists():
        kept.write_text("\n".join(texts()), "utf-8")
    corpus = kept.read_text("utf-8").split("\n")
    print(f"{len(corpus)} texts", flush=True)
    for name in settings:
        if not (folder / f"{name}.npy").exists():
            np.save(folder / f"{name}.npy", _found(corpus, name))
        print(f"{name}: done", flush=True)


def _found(corpus: list[str], name: str) -> np.ndarray:
    if name == "float64":
        return exact_vectors(corpus[:EXACT])
    switches, _, batch = name.partition("@")
    return vectors(corpus, switches.split(","), int(batch or BATCH))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
