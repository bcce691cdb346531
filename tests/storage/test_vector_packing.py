from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embedtui.storage.vector_packing import cost, pack, unpack

FLOATS = st.one_of(
    hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32)),
    hnp.arrays(np.float64, (3, 4), elements=st.floats()),
)


def bits(values: np.ndarray) -> bytes:
    return values.tobytes()


@given(FLOATS)
def test_every_bit_comes_back(values: np.ndarray) -> None:
    assert bits(unpack(pack(values), values.shape, values.dtype)) == bits(values)


@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_with_any_reference_too(data: st.DataObject, dtype: type[np.floating]) -> None:
    elements = hnp.from_dtype(np.dtype(dtype))
    values, reference = (data.draw(hnp.arrays(dtype, (2, 5), elements=elements)) for _ in range(2))
    packed = pack(values, reference)
    assert bits(unpack(packed, values.shape, dtype, reference)) == bits(values)


def test_a_near_reference_makes_it_small() -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((64, 384)).astype(np.float32)
    near = (values * (1 + 1e-6 * rng.standard_normal(values.shape))).astype(np.float32)
    assert len(pack(near, values)) < 0.25 * near.nbytes
    assert len(pack(values, values)) < 200
    assert cost(near, values) < 0.25 * cost(near)


def test_what_is_damaged_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        unpack(b"nothing", (1, 1), np.float32)
    with pytest.raises(ValueError, match="reshape"):
        unpack(pack(np.zeros((2, 2), np.float32)), (3, 3), np.float32)
