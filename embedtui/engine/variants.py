"""Variants of a model's own pipeline in float64: the one that fits vectors names their fault.

A server that pools by another token, leaves a layer out, adds a prompt or cuts texts tells none of
it, but its vectors do: they are those of the variant, to within the rounding of its dtype.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.common.printable import printable
from embedtui.engine.messages import MatchVariants, Variant, VariantsMatched
from embedtui.measure import unit

Vector = npt.NDArray[np.float64]

_POOLINGS = ("cls", "mean", "lasttoken", "max", "weightedmean")
_CUTS = (512, 384, 256, 192, 128, 96, 64, 48, 32)
"""Tokens, special ones included; servers that count without them cut two later."""
_KNOWN_PROMPTS = ("query: ", "passage: ", "search_query: ", "search_document: ")
"""Prompts of widely used models, which a server may put before the texts of any."""
_NEAREST = 4
"""Variants nearest to the probes that the other texts are held against."""
_SAME_VARIANT = 1e-12
"""L2 between two exact vectors that are one."""


class Pipeline:
    """A sentence-transformers model taken apart; `run` computes a module in float64."""

    def __init__(self, model: Any, run: Callable[[Any, Any], Any]) -> None:
        self.model, self._run = model, run
        self.modules = list(model)
        kinds = [type(one).__name__ for one in self.modules]
        self.pool = kinds.index("Pooling") if "Pooling" in kinds else None
        self._states: dict[tuple[int, ...], Any] = {}

    @property
    def poolings(self) -> tuple[str, ...]:
        """How the model's own pipeline pools."""
        mode = () if self.pool is None else self.modules[self.pool].pooling_mode
        return (mode,) if isinstance(mode, str) else tuple(mode)

    def features(self, text: str, limit: int | None = None) -> dict[str, Any]:
        """Return a text's tokens, at most `limit` of them instead of the model's own limit."""
        before = self.model.max_seq_length
        try:
            if limit is not None:
                self.model.max_seq_length = limit
            found = self.model.preprocess([text])
        finally:
            self.model.max_seq_length = before
        return {
            key: value.to(self.model.device) if hasattr(value, "to") else value
            for key, value in found.items()
        }

    def vector(self, features: dict[str, Any], modules: Sequence[Any] | None = None) -> Vector:
        """Return what the modules behind the first make of the first one's states."""
        key = tuple(features["input_ids"][0].tolist())
        if key not in self._states:
            self._states[key] = self._run(self.modules[0], features)
        states = dict(self._states[key])
        for module in self.modules[1:] if modules is None else modules:
            states = dict(self._run(module, states))
        return np.asarray(states["sentence_embedding"][0].cpu().numpy(), dtype=np.float64)

    def forget(self) -> None:
        """Forget the states of the texts so far: a text's own are all that its variants need."""
        self._states.clear()


def match(pipeline: Pipeline, request: MatchVariants) -> VariantsMatched:
    """Hold vectors against every variant that can be had of the probes, then the nearest of all."""
    texts = list(zip(request.reference.texts, request.plain, request.vectors, strict=True))
    probes, rest = texts[: request.probes], texts[request.probes :]
    variants = _of_probes(pipeline, probes, request.dimensions)
    nearest = sorted(variants[1:], key=lambda one: max(one.l2))[:_NEAREST]
    kept = [(one.kind, one.name) for one in (*variants[:1], *nearest)]
    further: dict[_Key, list[float]] = {key: [] for key in kept}
    for text, plain, given in rest:
        made = dict(_variants_of(pipeline, text, plain, kept))
        pipeline.forget()
        for key, far in further.items():
            exact = _short(made[key], request.dimensions) if key in made else np.zeros(0)
            far.append(_l2(given.astype(np.float64), exact))
    whole = [replace(one, l2=(*one.l2, *further.get((one.kind, one.name), ()))) for one in variants]
    known = tuple(one for one in whole if all(np.isfinite(one.l2)))
    return VariantsMatched(known, "+".join(map(_pooling_name, pipeline.poolings)))


def _of_probes(
    pipeline: Pipeline, probes: Sequence[tuple[str, str, Any]], dimensions: int | None
) -> list[Variant]:
    by_text = []
    for text, plain, _ in probes:
        by_text.append(dict(_variants_of(pipeline, text, plain)))
        pipeline.forget()
    everywhere = [key for key in by_text[0] if all(key in one for one in by_text)]
    seen: list[list[Vector]] = []
    variants = []
    for kind, name in everywhere:
        exact = [_short(one[kind, name], dimensions) for one in by_text]
        if kind != "length" and any(_are_same(exact, before) for before in seen):
            continue
        seen.append(exact)
        l2 = tuple(
            _l2(given.astype(np.float64), vector)
            for (_, _, given), vector in zip(probes, exact, strict=True)
        )
        if all(np.isfinite(l2)):
            variants.append(Variant(kind, name, l2))
    return variants


def _variants_of(
    pipeline: Pipeline, text: str, plain: str, wanted: Collection[_Key] | None = None
) -> Iterator[tuple[_Key, Vector]]:
    """Yield each variant that this text has, the model's own first; none that cannot be run.

    Only those that are `wanted` are run, where that is said.
    """
    own = pipeline.features(text)
    yield ("length", "another length"), pipeline.vector(own)
    for key, modules in (*_poolings(pipeline), *_modules(pipeline)):
        if wanted is not None and key not in wanted:
            continue
        with contextlib.suppress(RuntimeError, KeyError, ValueError):  # widths that do not fit
            yield key, pipeline.vector(own, modules)
    for key, features in _inputs(pipeline, text, plain, own):
        if features["input_ids"].shape[1] and (wanted is None or key in wanted):
            with contextlib.suppress(RuntimeError, IndexError):  # beyond the model's positions
                yield key, pipeline.vector(features)


_Key = tuple[str, str]
"""Kind and name of a variant."""


def _poolings(pipeline: Pipeline) -> Iterator[tuple[_Key, list[Any]]]:
    """Yield the modules with other poolings, with what follows and, where that fits not, alone."""
    if pipeline.pool is None:
        return
    own = pipeline.poolings
    asked = "+".join(map(_pooling_name, own))
    before, after = pipeline.modules[1 : pipeline.pool], pipeline.modules[pipeline.pool + 1 :]
    for mode in _POOLINGS:
        if own == (mode,):
            continue
        pooling = copy.copy(pipeline.modules[pipeline.pool])
        pooling.pooling_mode = (mode,)
        name = f"pooling by {_pooling_name(mode)} where the model's files ask for {asked}"
        yield ("pooling", name), [*before, pooling, *after]


def _modules(pipeline: Pipeline) -> Iterator[tuple[_Key, list[Any]]]:
    """Yield the modules with one left out, without any from one on, and without activations."""
    import torch  # noqa: PLC0415

    modules = pipeline.modules
    first = 1 if pipeline.pool is None else pipeline.pool + 1
    dense = [at for at in range(first, len(modules)) if type(modules[at]).__name__ == "Dense"]
    for at in range(first, len(modules)):
        name = _module_name(modules, at)
        yield ("module", f"{name} left out"), [*modules[1:at], *modules[at + 1 :]]
    for at in dense:
        plain = copy.deepcopy(modules[at])  # a shallow copy shares what it holds
        plain.activation_function = torch.nn.Identity()
        name = f"the activation of {_module_name(modules, at)} left out"
        yield ("module", name), [*modules[1:at], plain, *modules[at + 1 :]]
    if len(dense) > 1:
        kept = [one for at, one in enumerate(modules) if at and at not in dense]
        yield ("module", "every Dense layer left out"), kept
    for at in range(first, len(modules)):
        name = f"everything from {_module_name(modules, at)} on left out"
        yield ("module", name), modules[1:at]


def _inputs(
    pipeline: Pipeline, text: str, plain: str, own: dict[str, Any]
) -> Iterator[tuple[_Key, dict[str, Any]]]:
    """Yield the tokens of other inputs: prompts, lower case, special tokens, other limits."""
    if plain != text:
        yield ("prompt", "no prompt before the text"), pipeline.features(plain)
    named = {text: name for name, text in (getattr(pipeline.model, "prompts", None) or {}).items()}
    for prompt in dict.fromkeys([*named, *_KNOWN_PROMPTS]):
        if prompt and prompt + plain != text:
            said = (
                f"the model's prompt '{printable(named[prompt], 40)}'"
                if prompt in named
                else f"the prompt '{printable(prompt.strip(), 60)}'"
            )
            yield ("prompt", f"{said} before the text"), pipeline.features(prompt + plain)
    yield ("case", "the text in lower case"), pipeline.features(text.lower())
    yield from _special(pipeline, own)
    for cut in _CUTS:
        for limit in (cut, cut + 2):
            key = ("truncation", f"the text cut at {limit} tokens")
            yield key, pipeline.features(text, limit)
    yield ("truncation", "the text not cut at the model's limit"), pipeline.features(text, 1 << 20)


def _special(pipeline: Pipeline, own: dict[str, Any]) -> Iterator[tuple[_Key, dict[str, Any]]]:
    """Yield a text's tokens without the special ones: all, the first, the last."""
    ids = own["input_ids"][0].tolist()
    special = set(getattr(pipeline.model.tokenizer, "all_special_ids", ()))
    kept = [at for at, one in enumerate(ids) if one not in special]
    whole = list(range(len(ids)))
    ends = {
        "no special tokens": kept,
        "no special token at the beginning": whole[1:] if ids and ids[0] in special else whole,
        "no special token at the end": whole[:-1] if ids and ids[-1] in special else whole,
    }
    for name, places in ends.items():
        yield (
            ("tokens", name),
            {
                key: value[:, places] if getattr(value, "ndim", 0) == 2 else value
                for key, value in own.items()
            },
        )


def _module_name(modules: Sequence[Any], at: int) -> str:
    """Name a module, by its place where there are several of its kind."""
    kinds = [type(one).__name__ for one in modules]
    if kinds.count(kinds[at]) > 1:
        return f"{kinds[at]} {kinds[: at + 1].count(kinds[at])} of {kinds.count(kinds[at])}"
    return f"the {kinds[at]} layer" if kinds[at] == "Dense" else kinds[at]


def _pooling_name(mode: str) -> str:
    return {"lasttoken": "last", "mean_sqrt_len_tokens": "mean_sqrt_len"}.get(mode, mode)


def _short(vector: Vector, dimensions: int | None) -> Vector:
    return vector[:dimensions]


def _l2(one: Vector, other: Vector) -> float:
    """Return how far two vectors of length one are apart; NaN for other widths."""
    if one.shape != other.shape:
        return float("nan")
    return float(np.linalg.norm(unit(one[None])[0] - unit(other[None])[0]))


def _are_same(one: Sequence[Vector], other: Sequence[Vector]) -> bool:
    far = [_l2(a, b) for a, b in zip(one, other, strict=True)]
    return all(value < _SAME_VARIANT for value in far)
