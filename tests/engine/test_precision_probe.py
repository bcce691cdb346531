"""The probe on torch modules that stand where vLLM's do, exact ones and ones that round."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

from embedtui.engine.precision_probe import probe

torch = pytest.importorskip("torch")

HEADS, WIDTH, TOKENS = 4, 16, 24

Rounding = Callable[[Any], Any]


class AttentionType(str, Enum):  # noqa: UP042 - as vLLM has it
    """vLLM has had both, plain strings and an enumeration of them."""

    DECODER = "decoder"


def ten_bits(part: Any) -> Any:
    """Round float32 to the ten bits of mantissa that TF32 multiplies with."""
    bits = part.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


class UnquantizedLinearMethod:
    """Named as vLLM names it: that is what the probe goes by."""

    def __init__(self, rounded: Rounding) -> None:
        self.rounded = rounded

    def apply(self, layer: Any, given: Any, bias: Any) -> Any:
        return self.rounded(given) @ self.rounded(layer.kept).T


class Linear(torch.nn.Module):
    def __init__(self, rounded: Rounding, *, packed: bool) -> None:
        super().__init__()
        width = HEADS * WIDTH
        self.kept = torch.nn.Parameter(torch.randn(width, width))
        if not packed:
            self.weight = self.kept
        self.input_size_per_partition = width
        self.quant_method = UnquantizedLinearMethod(rounded)


class Kernel:
    """An attention kernel; `num_kv_heads` fewer than heads, as decoders have."""

    scale, head_size, num_heads = WIDTH**-0.5, WIDTH, HEADS
    sliding_window = None
    logits_soft_cap = 0

    def __init__(self, rounded: Rounding, causal: bool) -> None:
        self.rounded, self.causal = rounded, causal

    def forward(
        self,
        layer: Any,
        query: Any,
        key: Any,
        value: Any,
        cache: Any,
        metadata: Any,
        output: Any = None,
    ) -> Any:
        each = HEADS // key.shape[1]
        q, k, v = (
            self.rounded(part).transpose(0, 1)
            for part in (query, key.repeat_interleave(each, 1), value.repeat_interleave(each, 1))
        )
        done = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        output.copy_(done.transpose(0, 1))
        return output


class Attention(torch.nn.Module):
    def __init__(self, rounded: Rounding, causal: bool) -> None:
        super().__init__()
        self.impl = Kernel(rounded, causal)
        self.attn_type = AttentionType.DECODER if causal else "encoder_only"


class Llm:
    """A model of one layer, asked as vLLM's `LLM` is."""

    def __init__(
        self,
        *,
        linear: Rounding = lambda t: t,
        attention: Rounding = lambda t: t,
        causal: bool = False,
        packed: bool = False,
    ) -> None:
        torch.manual_seed(1)
        self.model = torch.nn.ModuleList(
            [Linear(linear, packed=packed), Attention(attention, causal)]
        )

    def apply_model(self, function: Callable[[Any], Any]) -> list[Any]:
        return [function(self.model)]

    def embed(self) -> None:
        kernel = self.model[1].impl
        query = torch.randn(TOKENS, HEADS, WIDTH)
        key, value = (torch.randn(TOKENS, HEADS // 2, WIDTH) for _ in range(2))
        kernel.forward(self.model[1], query, key, value, None, None, output=query.clone())


def probed(llm: Llm, tokens: int = TOKENS) -> tuple[Any, Any]:
    found = probe(llm, llm.embed, tokens)
    return found["probe_matmul"], found["probe_attention"]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_float32_is_found_to_be_float32(causal: bool, packed: bool) -> None:
    matmul, attention = probed(Llm(causal=causal, packed=packed))
    assert 0 < matmul < 1e-6
    assert 0 < attention < 1e-6


def test_ten_bits_in_attention_are_found_there_alone() -> None:
    matmul, attention = probed(Llm(attention=ten_bits))
    assert matmul < 1e-6
    assert 1e-4 < attention < 1e-3


def test_ten_bits_in_matrix_products_are_found_there_alone() -> None:
    matmul, attention = probed(Llm(linear=ten_bits))
    assert 1e-4 < matmul < 1e-3
    assert attention < 1e-6


def test_a_mask_that_should_be_there_and_is_not_is_no_rounding() -> None:
    llm = Llm(causal=True)
    llm.model[1].impl.causal = False
    assert probed(llm)[1] > 0.1


def test_the_layer_is_left_as_it_was() -> None:
    llm = Llm()
    probed(llm)
    assert set(vars(llm.model[1].impl)) == {"rounded", "causal"}


@pytest.mark.parametrize(
    ("name", "value"), [("sliding_window", (7, 7)), ("logits_soft_cap", 30.0), ("sinks", "some")]
)
def test_another_formula_is_left_alone(name: str, value: object) -> None:
    llm = Llm()
    setattr(llm.model[1].impl, name, value)
    matmul, attention = probed(llm)
    assert matmul is not None
    assert attention is None


def test_a_step_that_held_something_else_tells_nothing() -> None:
    assert probed(Llm(), tokens=TOKENS + 1)[1] is None


def test_a_model_built_in_another_way_does_not_fail_the_engine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    llm = Llm()
    llm.model[0].quant_method.apply = None
    assert probed(llm) == (None, None)
    assert "Traceback" in capsys.readouterr().err
