"""Layers of the float64 model: what it has at each place, and what becomes of an engine's states.

An engine's state is put into the float64 model, which goes on from there without rounding. The
difference that one part makes is then seen in the final vector, alone: `measure.layers` says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.common.errors import InputError
from embedtui.engine.layer_sites import (
    Layer,
    States,
    before_layer,
    dissect,
    hooks_of,
    layer_modules,
    put_in,
    watching,
)
from embedtui.engine.messages import JudgeLayers, LayersFound, LayersJudged
from embedtui.measure.layer_errors import LayerSite, decompose_error, relative_states

_NORM = LayerSite("norm")
_EMBEDDINGS = LayerSite("embeddings")
_ROUNDING = 1e-9
"""Relative L2 within which a float64 sum is the sum that it should be."""

Forward = Callable[[str], Any]
"""Runs the float64 model over one text; returns its vector, as a tensor."""


class ReferenceLayers:
    """The layers of a sentence-transformers model in float64; `text` is one to try it on.

    Raises:
        InputError: if no layers are found.
    """

    def __init__(self, model: Any, forward: Forward, text: str) -> None:
        self._model, self._forward = model, forward
        modules = layer_modules(model[0])
        if not modules:
            raise InputError("the layers of the float64 model cannot be told apart")
        layers = dissect(modules, lambda: forward(text))
        self._layers = self._checked(layers, text)
        self.found = LayersFound(tuple(self._places()), len(layers), hooks_of(model))

    def _places(self) -> Iterator[LayerSite]:
        yield _EMBEDDINGS
        for number, layer in enumerate(self._layers):
            if layer.gate:
                yield LayerSite("attention", number)
                yield LayerSite("mlp", number)
            else:
                yield LayerSite("layer", number)
        yield _NORM

    def _checked(self, layers: Sequence[Layer], text: str) -> list[Layer]:
        """Drop what was taken for the state after an attention and is not.

        It is the attention's own result, or that added to the layer's input.
        """
        places = [LayerSite("attention", number) for number in range(len(layers))]
        self._added = [False] * len(layers)
        inputs, ends = _Kept(), _Kept()
        with watching(layers, places) as states, ExitStack() as hooks:
            for number, layer in enumerate(layers):
                inputs.of_input(hooks, layer.module, number)
                if layer.end:
                    ends.of_output(hooks, getattr(layer.module, layer.end), number)
            self._forward(text)
        checked = []
        for number, layer in enumerate(layers):
            known = False
            if places[number] in states and number in ends.found:
                state, end = states.at(places[number]), ends.found[number]
                self._added[number] = not _equal(state, end)
                known = not self._added[number] or _equal(state, end + inputs.found[number])
            checked.append(layer if known else Layer(layer.module, None, None))
        return checked

    def judge(self, request: JudgeLayers) -> LayersJudged:
        """Compare an engine's states with the exact ones, and follow each to the final vector.

        Raises:
            InputError: if the two models read the text differently.
        """
        import torch  # noqa: PLC0415

        places, text = request.places, request.text
        given = [torch.from_numpy(state).to(torch.float64) for state in request.states]
        dtype = getattr(torch, request.dtype)
        states, exact, kept = self._baseline(text, places)
        if len(states.at(places[0])) != len(given[0]):
            raise InputError(
                f"vLLM makes {len(given[0])} tokens of a text, the float64 model "
                f"{len(states.at(places[0]))}: their layers cannot be compared"
            )
        relative = [
            relative_states(mine.numpy(), states.at(place).numpy())
            for place, mine in zip(places, given, strict=True)
        ]

        def final(vector: Any) -> npt.NDArray[np.float64]:
            found = np.asarray(vector.cpu().numpy(), dtype=np.float64)[: len(request.vector)]
            return np.asarray(found / np.linalg.norm(found) if request.normalized else found)

        ends, roundings = [final(exact)], []
        outputs: dict[int, Any] = {}
        for place, mine in zip(places, given, strict=True):
            following = place.layer + 1 if place.part in {"embeddings", "mlp", "layer"} else None
            vector, output = self._from(text, place, mine, kept, following)
            ends.append(final(vector))
            if output is not None and following is not None:
                outputs[following] = output
                stored = output.to(dtype).to(torch.float64)
                vector, _ = self._from(text, LayerSite("layer", following), stored, kept, None)
                roundings.append(final(vector) - ends[-1])
        ends.append(final(torch.from_numpy(request.vector)))
        parts = [later - earlier for earlier, later in pairwise(ends)]
        return LayersJudged(
            exact=ends[0],
            relative=np.asarray(relative),
            budget=decompose_error(parts, roundings, places),
            outputs=tuple(outputs[number].numpy() for number in range(len(self._layers))),
        )

    def resume(
        self, text: str, start: int | None, state: npt.NDArray[np.floating] | None, stop: int | None
    ) -> npt.NDArray[np.float64]:
        """Run one text with a state put in before a layer; return its vector or a later state."""
        import torch  # noqa: PLC0415

        place = None if stop is None else before_layer(stop)
        with ExitStack() as hooks:
            if start is not None and state is not None:
                wide = torch.from_numpy(np.ascontiguousarray(state)).to(torch.float64)
                put_in(hooks, self._layers, start, wide)
            states = hooks.enter_context(watching(self._layers, [] if place is None else [place]))
            vector = self._forward(text)
        found = vector.cpu() if place is None else states.at(place)
        return np.asarray(found.numpy())

    def _baseline(self, text: str, places: Sequence[LayerSite]) -> tuple[States, Any, list[Any]]:
        """Return the exact states, the exact vector, and what each layer gave, as it gave it."""
        kept: list[Any] = []
        with watching(self._layers, places) as states, ExitStack() as hooks:
            for layer in self._layers:

                def keep(_: Any, __: Any, output: Any) -> None:
                    kept.append(output)

                hooks.callback(layer.module.register_forward_hook(keep).remove)

            def normed(_: Any, __: Any, features: Any) -> None:
                states.note(_NORM, features["token_embeddings"])

            hooks.callback(self._model[0].register_forward_hook(normed).remove)
            vector = self._forward(text)
        return states, vector, kept

    def _from(
        self, text: str, place: LayerSite, state: Any, kept: Sequence[Any], following: int | None
    ) -> tuple[Any, Any]:
        """Return the final vector with a state put in, and what layer `following` makes of it.

        Layers before the place are not run: each gives what it gave when nothing was put in.
        """
        first = {"embeddings": 0, "norm": len(self._layers)}.get(place.part, place.layer)
        wanted = []
        if following is not None and following < len(self._layers):
            wanted = [LayerSite("layer", following)]
        with ExitStack() as hooks:
            for number in range(first):
                _skip(hooks, self._layers[number].module, kept[number])
            match place.part:
                case "embeddings":
                    put_in(hooks, self._layers, 0, state)
                case "attention":
                    self._put_attention(hooks, place.layer, state)
                case "norm":
                    self._put_norm(hooks, state)
                case _:
                    _skip(hooks, self._layers[place.layer].module, kept[place.layer])
                    put_in(hooks, self._layers, place.layer + 1, state)
            states = hooks.enter_context(watching(self._layers, wanted))
            vector = self._forward(text)
        return vector, states.at(wanted[0]) if wanted else None

    def _put_attention(self, hooks: ExitStack, number: int, state: Any) -> None:
        """Let a state stand after the attention of a layer.

        Where the layer adds its input to the attention's result, the input is taken off before.
        """
        layer, inputs = self._layers[number], _Kept()
        assert layer.end is not None
        inputs.of_input(hooks, layer.module, number)

        def done(_: Any, __: Any, output: Any) -> Any:
            first = output[0] if isinstance(output, tuple) else output
            wide = state.to(first.device).reshape(first.shape)
            if self._added[number]:
                wide = wide - inputs.found[number].reshape(first.shape)
            return (wide, *output[1:]) if isinstance(output, tuple) else wide

        hooks.callback(getattr(layer.module, layer.end).register_forward_hook(done).remove)

    def _put_norm(self, hooks: ExitStack, state: Any) -> None:
        def normed(_: Any, __: Any, features: Any) -> Any:
            first = features["token_embeddings"]
            wide = state.to(first.device).reshape(first.shape)
            return {**features, "token_embeddings": wide}

        hooks.callback(self._model[0].register_forward_hook(normed).remove)


class _Kept:
    """What modules were given or gave, by number; the tensors themselves."""

    def __init__(self) -> None:
        self.found: dict[int, Any] = {}

    def of_input(self, hooks: ExitStack, module: Any, number: int) -> None:
        """Keep the state that a module is called with."""

        def keep(_: Any, args: Any, named: Any) -> None:
            self.found[number] = named["hidden_states"] if "hidden_states" in named else args[0]

        hooks.callback(module.register_forward_pre_hook(keep, with_kwargs=True).remove)

    def of_output(self, hooks: ExitStack, module: Any, number: int) -> None:
        """Keep the state that a module gives."""

        def keep(_: Any, __: Any, output: Any) -> None:
            self.found[number] = output[0] if isinstance(output, tuple) else output

        hooks.callback(module.register_forward_hook(keep).remove)


def _skip(hooks: ExitStack, module: Any, gives: Any) -> None:
    """Let a layer give what it gave before instead of being run."""
    module.forward = lambda *_, **__: gives
    hooks.callback(vars(module).pop, "forward")


def _equal(state: Any, other: Any) -> bool:
    other = other.detach().reshape(-1, other.shape[-1]).cpu()
    return state.shape == other.shape and bool((state - other).norm() <= _ROUNDING * state.norm())
