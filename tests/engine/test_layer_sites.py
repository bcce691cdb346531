"""Layers are found by structure, in modules built as vLLM, transformers and others build them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from embedtui.engine.layer_sites import Layer, dissect, hooks_of, layer_modules, put_in, watching  # noqa: E402 - torch may be absent
from embedtui.measure.layer_errors import LayerSite  # noqa: E402

WIDTH, TOKENS = 8, 5
nn = torch.nn


class SelfAttention(nn.Linear):
    def __init__(self) -> None:
        super().__init__(WIDTH, WIDTH)


class Norm(nn.LayerNorm):
    def __init__(self) -> None:
        super().__init__(WIDTH)


class AddNorm(nn.LayerNorm):
    """Adds the stream in place and gives both, as vLLM's fused norm does."""

    def __init__(self) -> None:
        super().__init__(WIDTH)

    def forward(self, branch: Any, stream: Any = None) -> Any:
        if stream is None:
            return super().forward(branch)
        stream.add_(branch)
        return super().forward(stream), stream


class PostNorm(nn.Module):
    """BERT: the attention adds and norms by itself, the MLP is in two modules."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(WIDTH, WIDTH)
        self.intermediate = nn.Linear(WIDTH, WIDTH)
        self.attention = SelfAttention()

    def forward(self, state: Any) -> Any:
        attended = self.attention(state) + 0
        return self.output(torch.tanh(self.intermediate(attended))) + attended


class PreNorm(nn.Module):
    """ModernBERT: norm, attention, sum, norm, MLP, sum."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Linear(WIDTH, WIDTH)
        self.attn_norm, self.attn, self.mlp_norm = Norm(), SelfAttention(), Norm()

    def forward(self, hidden_states: Any) -> Any:
        state = hidden_states + self.attn(self.attn_norm(hidden_states))
        return state + self.mlp(self.mlp_norm(state))


class Fused(nn.Module):
    """vLLM's decoders: a branch, and the stream that it is yet to be added to."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = AddNorm(), AddNorm()
        self.self_attn, self.mlp = SelfAttention(), nn.Linear(WIDTH, WIDTH)

    def forward(self, positions: Any, hidden_states: Any, residual: Any) -> Any:
        if residual is None:
            residual = hidden_states.clone()
            hidden_states = self.input_layernorm(hidden_states)
        else:
            hidden_states, residual = self.input_layernorm(hidden_states, residual)
        hidden_states = self.self_attn(hidden_states)
        hidden_states, residual = self.post_attention_layernorm(hidden_states, residual)
        return self.mlp(hidden_states), residual


class Sandwich(Fused):
    """Gemma: the attention's result has a norm of its own before it is added."""

    def __init__(self) -> None:
        super().__init__()
        self.pre_feedforward_layernorm = AddNorm()
        self.post_attention_layernorm = Norm()

    def forward(self, positions: Any, hidden_states: Any, residual: Any) -> Any:
        if residual is None:
            residual = hidden_states.clone()
            hidden_states = self.input_layernorm(hidden_states)
        else:
            hidden_states, residual = self.input_layernorm(hidden_states, residual)
        hidden_states = self.post_attention_layernorm(self.self_attn(hidden_states))
        hidden_states, residual = self.pre_feedforward_layernorm(hidden_states, residual)
        return self.mlp(hidden_states), residual


class Parallel(nn.Module):
    """Something that mixes tokens and has no name that says so."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, state: Any) -> Any:
        return state + self.one(state) + self.two(state)


class Model(nn.Module):
    def __init__(self, kind: type, layers: int = 3) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.kind = kind
        self.layers = nn.ModuleList([kind() for _ in range(layers)])
        self.heads = nn.ModuleList([nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 2)])

    def forward(self, state: Any) -> Any:
        if issubclass(self.kind, Fused):
            residual = None
            for layer in self.layers:
                state, residual = layer(None, state, residual)
            return state + residual
        for layer in self.layers:
            state = layer(state)
        return state


KINDS = {
    PostNorm: ("intermediate", "attention"),
    PreNorm: ("mlp_norm", "attn"),
    Fused: ("post_attention_layernorm", "self_attn"),
    Sandwich: ("pre_feedforward_layernorm", "post_attention_layernorm"),
    Parallel: (None, None),
}


def built(kind: type) -> tuple[Model, list[Layer], torch.Tensor]:
    model = Model(kind).double()
    given = torch.randn(TOKENS, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        layers = dissect(layer_modules(model), lambda: model(given.clone()))
    return model, layers, given


@pytest.mark.parametrize(
    ("kind", "names"), KINDS.items(), ids=lambda one: getattr(one, "__name__", "")
)
def test_parts_are_found_by_the_order_of_calls(kind: type, names: Any) -> None:
    model, layers, _ = built(kind)
    assert [layer.module for layer in layers] == list(model.layers)
    assert {(layer.gate, layer.end) for layer in layers} == {names}
    assert hooks_of(model) == 0


def by_hand(model: Model, given: torch.Tensor) -> list[torch.Tensor]:
    """Return the states before, within and after each layer, computed plainly."""
    states, state = [given], given
    for layer in model.layers:
        match layer:
            case Sandwich():
                within = state + layer.post_attention_layernorm(
                    layer.self_attn(layer.input_layernorm(state))
                )
                after = within + layer.mlp(layer.pre_feedforward_layernorm(within))
            case Fused():
                within = state + layer.self_attn(layer.input_layernorm(state))
                after = within + layer.mlp(layer.post_attention_layernorm(within))
            case PreNorm():
                within = state + layer.attn(layer.attn_norm(state))
                after = within + layer.mlp(layer.mlp_norm(within))
            case _:
                within = layer.attention(state)
                after = layer(state)
        states += [within, after]
        state = after
    return states


@pytest.mark.parametrize("kind", [PostNorm, PreNorm, Fused, Sandwich])
def test_states_are_those_that_are_computed_plainly(kind: type) -> None:
    model, layers, given = built(kind)
    places = [LayerSite("embeddings")]
    places += [LayerSite.from_names(part, n) for n in range(3) for part in ("attention", "mlp")]
    with torch.no_grad():
        expected = by_hand(model, given)
        with watching(layers, places) as states:
            model(given.clone())
            model(given.clone() * 2)
    for place, state in zip(places, expected, strict=True):
        found = states.at(place)
        assert found.shape == (2 * TOKENS, WIDTH)
        assert torch.allclose(found[:TOKENS], state, rtol=1e-12, atol=1e-14), place
    assert hooks_of(model) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", range(4))
def test_a_state_put_back_where_it_was_changes_nothing_and_another_does(
    kind: type, start: int
) -> None:
    model, layers, given = built(kind)
    place = LayerSite("layer", start - 1) if start else LayerSite("embeddings")
    with torch.no_grad():
        with watching(layers, [place]) as states:
            whole = model(given.clone())
        state = states.at(place)
        for factor, same in ((1, True), (1.5, False)):
            with ExitStack() as hooks:
                put_in(hooks, layers, start, state * factor)
                found = model(torch.zeros_like(given) + 1)
            assert torch.allclose(found, whole, rtol=1e-12, atol=1e-13) is same
        assert hooks_of(model) == 0
        assert torch.equal(model(given.clone()), whole)


def test_hooks_go_also_where_the_run_fails() -> None:
    model, layers, _ = built(Fused)
    with pytest.raises(RuntimeError), watching(layers, [LayerSite("mlp", 1)]):
        model(torch.zeros(TOKENS, WIDTH + 1, dtype=torch.float64))
    assert hooks_of(model) == 0


def test_experts_within_layers_are_no_layers() -> None:
    class Expert(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList([nn.Linear(WIDTH, WIDTH) for _ in range(9)])

    model = Model(Expert)
    assert layer_modules(model) == list(model.layers)


def test_a_model_without_a_list_of_layers_has_none() -> None:
    assert layer_modules(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))) == []
