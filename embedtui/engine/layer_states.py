"""Layers of the model in an engine: their states read, and other states put in their place.

Nothing is changed but by hooks that are gone when a question is answered: what the engine computes
afterwards is what it would have computed without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.common.errors import EngineError, InputError
from embedtui.engine.layer_sites import (
    States,
    before,
    before_layer,
    dissect,
    hooks_of,
    layer_modules,
    put_in,
    watching,
)
from embedtui.engine.messages import LayersCompared, LayersFound, LayerStates
from embedtui.measure.layer_errors import LayerSite, relative_states

Prompts = Sequence[list[int]]
Embed = Callable[[Prompts], npt.NDArray[np.float32]]

_NORM = LayerSite("norm")
_EMBEDDINGS = LayerSite("embeddings")
_ANOTHER_TEXT = 0.1
"""Relative L2 of the embeddings of a text in a batch and alone: no arithmetic moves them so far."""


class EngineLayers:
    """The layers of a model that vLLM has loaded in this process, run with `embed`.

    Raises:
        InputError: if no layers are found, or the model's states do not come out where they should.
    """

    def __init__(self, model: Any, embed: Embed, prompt: list[int]) -> None:
        self._embed = embed
        self._model = model
        modules = layer_modules(model)
        self._pooler = getattr(model, "pooler", None)
        if not modules or self._pooler is None:
            raise InputError(
                f"the layers of {type(model).__name__} cannot be told apart: its modules are in no "
                "list of layers that embedtui knows"
            )
        self._layers = dissect(modules, lambda: embed([prompt]))
        self.found = self._find(prompt)

    def _find(self, prompt: list[int]) -> LayersFound:
        wanted = [_EMBEDDINGS]
        for number, layer in enumerate(self._layers):
            split = layer.gate is not None
            wanted += [LayerSite("attention", number), LayerSite("mlp", number)] if split else []
            wanted += [] if split else [LayerSite("layer", number)]
        wanted.append(_NORM)
        states, _ = self._run([prompt], wanted)
        missing = [place for place in wanted if place not in states]
        if missing or len(states.at(_EMBEDDINGS)) < len(prompt):
            raise InputError(
                f"{type(self._model).__name__} runs no forward pass in which its states can be seen"
                f"{f' at {missing[0]}' if missing else ''}: nothing can be said of its layers"
            )
        last = states.at(wanted[-2])[: len(prompt)]
        if last.shape == states.at(_NORM).shape and bool((last == states.at(_NORM)).all()):
            wanted.remove(_NORM)  # this architecture has no norm behind its layers
        return LayersFound(tuple(wanted), len(self._layers), hooks_of(self._model))

    def see(self, prompt: list[int], places: Sequence[LayerSite]) -> LayerStates:
        """Run one text alone; return its states and its vector."""
        states, vectors = self._run([prompt], places)
        found = tuple(_array(states.at(place)[: len(prompt)]) for place in places)
        return LayerStates(found, vectors[0])

    def compare(
        self, prompts: Prompts, places: Sequence[LayerSite], steps: list[tuple[int, int]]
    ) -> LayersCompared:
        """Run each text alone and then all together; return how far their states move.

        `steps` is where the engine records its steps. States stay in this process: those of many
        long texts are larger than what should go through a socket.

        Raises:
            EngineError: if it cannot be told which text is where in the batch.
        """
        alone = [self._run([prompt], places)[0] for prompt in prompts]
        steps.clear()
        batch, _ = self._run(prompts, places)
        relative = np.zeros((len(prompts), len(places)))
        identical = np.zeros(relative.shape, dtype=np.bool_)
        order = _order([len(prompt) for prompt in prompts], steps, batch, alone)
        for number, place in enumerate(places):
            for row, mine in order.blocks(batch.at(place)):
                single = alone[row].at(place)[: len(mine)]
                identical[row, number] = bool((mine == single).all())
                if not identical[row, number]:
                    relative[row, number] = relative_states(_array(mine), _array(single))
        return LayersCompared(relative, identical, tuple(steps))

    def resume(
        self,
        prompt: list[int],
        start: int | None,
        state: npt.NDArray[np.floating] | None,
        stop: int | None,
    ) -> npt.NDArray[np.floating]:
        """Run one text with a state put in before a layer; return its vector or a later state.

        The state is rounded to what the engine stores states in.
        """
        import torch  # noqa: PLC0415

        place = None if stop is None else before_layer(stop)
        with ExitStack() as hooks:
            if start is not None and state is not None:
                put_in(hooks, self._layers, start, torch.from_numpy(np.ascontiguousarray(state)))
            states, vectors = self._run([prompt], [] if place is None else [place])
        return vectors[0] if place is None else _array(states.at(place)[: len(prompt)])

    def _run(
        self, prompts: Prompts, places: Sequence[LayerSite]
    ) -> tuple[States, npt.NDArray[np.float32]]:
        with self._watching(places) as states:
            vectors = self._embed(prompts)
        return states, vectors

    @contextmanager
    def _watching(self, places: Sequence[LayerSite]) -> Iterator[States]:
        with watching(self._layers, places) as states, ExitStack() as hooks:
            if _NORM in places:

                def pooled(_: Any, args: Any, named: Any) -> None:
                    given = named.get("hidden_states")
                    states.note(_NORM, args[0] if given is None else given)

                before(hooks, self._pooler, pooled)
            yield states


@dataclass(frozen=True)
class _Order:
    """Which text is where among the packed tokens of a batch."""

    rows: tuple[int, ...]
    lengths: tuple[int, ...]
    """By row."""

    def blocks(self, packed: Any) -> Iterator[tuple[int, Any]]:
        """Return each text's tokens out of those of all."""
        start = 0
        for row in self.rows:
            yield row, packed[start : start + self.lengths[row]]
            start += self.lengths[row]


def _order(
    lengths: Sequence[int],
    steps: Sequence[tuple[int, int]],
    batch: States,
    alone: Sequence[States],
) -> _Order:
    """Return the order that vLLM has put the texts in, told by their embeddings.

    As they were handed in, or, by newer model runners on a GPU, the short ones of a step first.
    """
    rows = range(len(lengths))
    sorted_rows: list[int] = []
    for sequences, _ in steps:
        step = rows[len(sorted_rows) : len(sorted_rows) + sequences]
        sorted_rows += sorted(step, key=lambda row: lengths[row])
    for tried in (tuple(rows), tuple(sorted_rows)):
        order = _Order(tried, tuple(lengths))
        blocks = order.blocks(batch.at(_EMBEDDINGS))
        singles = [(mine, alone[row].at(_EMBEDDINGS)[: len(mine)]) for row, mine in blocks]
        if len(tried) == len(lengths) and all(
            len(mine) == len(single)
            and relative_states(_array(mine), _array(single)) <= _ANOTHER_TEXT
            for mine, single in singles
        ):
            return order
    raise EngineError("the engine runs the texts of a batch in an order that cannot be told")


def _array(state: Any) -> npt.NDArray[np.float32]:
    """Return a state in float32, which holds whatever engines store states in."""
    import torch  # noqa: PLC0415

    return np.asarray(state.to(torch.float32).numpy())
