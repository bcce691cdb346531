"""Where the layers of a model are, and where its state stands between them; of any architecture.

What is looked for is structure, so that vLLM's modules and those of transformers are read by one
rule: the layers are the longest list of modules of one class; within a layer the state after the
attention is what the MLP reads, before its norm. Which module is called after which is watched
in one forward pass, because the order in which modules are defined says nothing.

Layers are called in two ways. Most take and give one state. Decoders of vLLM hand on a branch and
the stream that it is yet to be added to, as two tensors: the state is their sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from embedtui.measure.layer_errors import LayerSite

_NORM = re.compile(r"norm|(^|_)ln(_|\d|$)", re.IGNORECASE)
_ATTENTION = re.compile(r"att(n|ention)", re.IGNORECASE)
_MLP = re.compile(r"mlp|ffn|feed_?forward|intermediate|moe|expert", re.IGNORECASE)

Inputs = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Layer:
    """One layer, and the modules in it between which the attention's result stands."""

    module: Any
    gate: str | None
    """The module of this name is called with the state after the attention; None if unknown."""
    end: str | None
    """The module of this name, called before it, ends the attention."""


def layer_modules(model: Any) -> list[Any]:
    """Return the layers: the longest list of modules of one class that is in no other list.

    Empty where there is none. Experts are longer lists, and stand within a layer.
    """
    import torch  # noqa: PLC0415

    found: dict[str, list[Any]] = {}
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.ModuleList) or not len(module):
            continue
        if any(name.startswith(f"{outer}.") for outer in found):
            continue
        if len({type(layer) for layer in module}) == 1 and any(True for _ in module.parameters()):
            found[name] = list(module)
    return max(found.values(), key=len, default=[])


def dissect(modules: Sequence[Any], run: Callable[[], Any]) -> list[Layer]:
    """Run once and return each layer with its inner modules, found by the order of calls."""
    calls: list[list[str]] = [[] for _ in modules]
    with ExitStack() as hooks:
        for module, called in zip(modules, calls, strict=True):
            for name, child in module.named_children():

                def note(*_: Any, name: str = name, called: list[str] = called) -> None:
                    called.append(name)

                hooks.callback(child.register_forward_pre_hook(note).remove)
        run()
    return [_layer(module, called) for module, called in zip(modules, calls, strict=True)]


def _layer(module: Any, called: Sequence[str]) -> Layer:
    kinds = [_kind(name, getattr(module, name)) for name in called]
    if "attention" not in kinds or "mlp" not in kinds[kinds.index("attention") :]:
        return Layer(module, None, None)
    attention = kinds.index("attention")
    gate = kinds.index("mlp", attention)
    if gate - 1 > attention and kinds[gate - 1] == "norm":
        gate -= 1
    return Layer(module, called[gate], called[gate - 1])


def _kind(name: str, module: Any) -> str:
    said = (name, type(module).__name__)
    for kind, pattern in (("norm", _NORM), ("attention", _ATTENTION), ("mlp", _MLP)):
        if any(pattern.search(one) for one in said):
            return kind
    return "unknown"


def before_layer(number: int) -> LayerSite:
    """Return the place where the state stands that a layer is given."""
    return LayerSite("layer", number - 1) if number else LayerSite("embeddings")


def hooks_of(model: Any) -> int:
    """Return how many hooks stand on the modules of a model."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


class States:
    """The states of one run: what each forward pass had at each place, in order."""

    def __init__(self) -> None:
        self._found: dict[LayerSite, list[Any]] = {}

    def note(self, place: LayerSite, state: Any) -> None:
        """Keep a copy of a state; kernels that add in place will overwrite the tensor itself."""
        flat = state.detach().reshape(-1, state.shape[-1])
        self._found.setdefault(place, []).append(flat.to("cpu", copy=True))

    def __contains__(self, place: LayerSite) -> bool:
        return place in self._found

    def at(self, place: LayerSite) -> Any:
        """Return tokens x width at a place, all forward passes one after the other."""
        import torch  # noqa: PLC0415

        return torch.cat(self._found[place])


@contextmanager
def watching(layers: Sequence[Layer], places: Sequence[LayerSite]) -> Iterator[States]:
    """Keep the states at these places of every forward pass; no hook is left at the end.

    The final norm is the business of whoever knows what comes after it.
    """
    wanted, states = set(places), States()
    with ExitStack() as hooks:
        if LayerSite("embeddings") in wanted:

            def embedded(_: Any, args: Any, named: Any) -> None:
                states.note(LayerSite("embeddings"), _sum(*_given((args, named))))

            before(hooks, layers[0].module, embedded)
        for number, layer in enumerate(layers):
            if layer.gate and LayerSite("attention", number) in wanted:

                def attended(_: Any, args: Any, named: Any, number: int = number) -> None:
                    states.note(LayerSite("attention", number), _sum(*_given((args, named))))

                before(hooks, getattr(layer.module, layer.gate), attended)
            for part in ("mlp", "layer"):
                place = LayerSite.from_names(part, number)
                if place in wanted:

                    def done(_: Any, __: Any, output: Any, place: LayerSite = place) -> None:
                        states.note(place, _sum(*_result(output)))

                    hooks.callback(layer.module.register_forward_hook(done).remove)
        yield states


def before(hooks: ExitStack, module: Any, hook: Callable[..., Any]) -> None:
    """Have `hook` called with what the module is given, until `hooks` are closed."""
    hooks.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)


def put_in(hooks: ExitStack, layers: Sequence[Layer], start: int, state: Any) -> None:
    """Let `state`, tokens x width, stand before layer `start`, or behind the last for their number.

    What the model had there is dropped, in whatever dtype and shape it has it.
    """
    if start == 0:

        def embedded(_: Any, args: Any, named: Any) -> Inputs:
            first, second = _given((args, named))
            return _exchanged((args, named), _swaps(state, first, second))

        before(hooks, layers[0].module, embedded)
        return

    def done(_: Any, __: Any, output: Any) -> Any:
        first, second = _result(output)
        if not isinstance(output, tuple):
            return _like(state, first)
        swaps = _swaps(state, first, second)
        return tuple(swaps.get(id(one), one) for one in output)

    hooks.callback(layers[start - 1].module.register_forward_hook(done).remove)


def _like(state: Any, tensor: Any) -> Any:
    return state.to(tensor.dtype).to(tensor.device).reshape(tensor.shape)


def _swaps(state: Any, first: Any, second: Any) -> dict[int, Any]:
    """Return what takes the place of a branch and its stream, by their identity."""
    import torch  # noqa: PLC0415

    swaps = {id(first): _like(state, first)}
    if second is not None:
        swaps[id(second)] = torch.zeros_like(second)
    return swaps


def _exchanged(inputs: Inputs, swaps: dict[int, Any]) -> Inputs:
    args, named = inputs
    return (
        tuple(swaps.get(id(one), one) for one in args),
        {key: swaps.get(id(one), one) for key, one in named.items()},
    )


def _given(inputs: Inputs) -> tuple[Any, Any]:
    """Return the state that a module is called with, and the stream that comes with it if any."""
    args, named = inputs
    first = named.get("hidden_states")
    floats = [one for one in (*args, *named.values()) if _is_state(one)]
    if first is None:
        first = floats[0]
    return first, next((o for o in floats if o is not first and o.shape == first.shape), None)


def _result(output: Any) -> tuple[Any, Any]:
    """Return the state that a module gives, and the stream that comes with it if any."""
    if not isinstance(output, tuple):
        return output, None
    floats = [one for one in output if _is_state(one)]
    first = floats[0]
    return first, next((o for o in floats if o is not first and o.shape == first.shape), None)


def _is_state(value: Any) -> bool:
    return bool(getattr(value, "ndim", 0) >= 2 and value.is_floating_point())


def _sum(first: Any, second: Any) -> Any:
    """Return the state as it is stored: a sum of two is rounded to their dtype."""
    return first if second is None else first + second
