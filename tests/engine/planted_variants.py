"""Plants faults in a small model's pipeline and prints, as JSON, which variant comes nearest.

Run as a program, since torch stays out of the tests' own process: FOLDER and texts in, for each
fault the kind, the name and the L2 of the nearest variant, of the next, and of the model's own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

for name in ("torchvision", "torchaudio", "torchcodec"):
    sys.modules[name] = None  # type: ignore[assignment]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402
from sentence_transformers.sentence_transformer import modules  # noqa: E402

from embedtui.engine.messages import MatchVariants, Reference  # noqa: E402
from embedtui.engine.reference import run_in_float64  # noqa: E402
from embedtui.engine.variants import Pipeline, match  # noqa: E402

SOME = "a prompt for the probes alone"
PROBES = 3
PROMPT = "Represent this: "


def pipeline(folder: str, *, served: bool = False) -> Any:
    """Return mean pooling, a normalisation, a bent Dense layer and one more normalisation."""
    torch.manual_seed(5)
    transformer = modules.Transformer(folder, model_kwargs={"dtype": torch.float64})
    width = transformer.get_embedding_dimension()
    dense = modules.Dense(width, width, activation_function=torch.nn.Mish())
    parts = [transformer, modules.Pooling(width, pooling_mode="mean"), modules.Normalize(), dense]
    model = SentenceTransformer(modules=[*parts, modules.Normalize()], device="cpu")
    model.prompts = {"query": PROMPT}
    model.max_seq_length = 100
    return model.to(torch.float32 if served else torch.float64).eval()


def without(*places: int) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        kept = [module for at, module in enumerate(model) if at not in places]
        return SentenceTransformer(modules=kept, device="cpu").eval()

    return change


def pooled_by(mode: str) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        model[1].pooling_mode = (mode,)
        return model

    return change


def cut_at(limit: int) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        model.max_seq_length = limit
        return model

    return change


def same(model: Any) -> Any:
    return model


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "none": (same, ""),
    "cls": (pooled_by("cls"), ""),
    "last": (pooled_by("lasttoken"), ""),
    "dense dropped": (without(3), ""),
    "normalised at the end alone": (without(2), ""),
    "cut at 32": (cut_at(32), ""),
    "the model's prompt": (same, PROMPT),
    "another model's prompt": (same, "query: "),
}


def main(folder: str, texts: list[str]) -> dict[str, Any]:
    exact = pipeline(folder)
    asked = Reference("", "cpu", 100, "mean", tuple(range(len(texts))), tuple(texts))
    found = {}
    for name, (change, prompt) in {**FAULTS, SOME: (same, "query: ")}.items():
        served = change(pipeline(folder, served=True)).to(torch.float32)
        vectors = []
        for at, text in enumerate(texts):
            before = "" if name == SOME and at >= PROBES else prompt
            with torch.no_grad():
                features = served(served.preprocess([before + text]))
            vectors.append(np.asarray(features["sentence_embedding"][0], dtype=np.float32))
        request = MatchVariants(asked, tuple(texts), tuple(vectors), probes=PROBES)
        variants = match(Pipeline(exact, run_in_float64), request).variants
        ranks = sorted((max(one.l2), one.kind, one.name) for one in variants)
        found[name] = {
            "nearest": ranks[0],
            "next": ranks[1][0],
            "own": max(variants[0].l2),
            "texts": len(variants[0].l2),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text("utf-8")))))  # noqa: T201
