from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from embedtui.measure import compare, nearest
from embedtui.measure.ranking import agreement
from embedtui.measure.storage_formats import (
    formats,
    json_bytes,
    over_base64,
    to_bfloat16,
    to_binary,
    to_decimal,
    to_float16,
    to_int8,
)
from tests.measure.conftest import Points

few = settings(max_examples=100, deadline=None)
single = npst.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 6)),
    elements=st.floats(-8, 8, width=32, allow_subnormal=False),
)


@few
@given(single)
def test_bfloat16_rounds_as_torch_does(vectors: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    want = torch.from_numpy(vectors.copy()).to(torch.bfloat16).to(torch.float64).numpy()
    assert np.array_equal(to_bfloat16(vectors), want)


def test_bfloat16_keeps_what_is_no_number() -> None:
    strange = np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, 3.4e38]], dtype=np.float32)
    found = to_bfloat16(strange)[0]
    assert np.isnan(found[0])
    assert found[1:5].tolist() == [np.inf, -np.inf, 0.0, -0.0]
    assert found[5] == np.inf


@few
@given(single)
def test_float16_has_eleven_bits(vectors: np.ndarray) -> None:
    found = to_float16(vectors)
    allowed = np.maximum(np.abs(vectors) * 2.0**-11, 2.0**-25)
    assert (np.abs(found - vectors) <= allowed).all()


@few
@given(single)
def test_int8_is_off_by_half_a_step_at_most(vectors: np.ndarray) -> None:
    found = to_int8(vectors)
    step = np.abs(vectors.astype(np.float64)).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - vectors) <= step * (0.5 + 1e-9)).all()
    codes = np.where(step > 0, found / np.where(step > 0, step, 1), 0)
    assert np.abs(codes - np.rint(codes)).max() < 1e-9
    assert np.abs(codes).max() <= 127 + 1e-9


@few
@given(single, st.sampled_from([3, 5, 7, 9]))
def test_decimals_are_those_that_are_written_and_read(vectors: np.ndarray, digits: int) -> None:
    want = [[np.float32(f"{float(x):.{digits}g}") for x in row] for row in vectors]
    assert np.array_equal(to_decimal(vectors, digits), np.array(want, dtype=np.float64))


def test_nine_digits_and_base64_lose_nothing(points: Points) -> None:
    vectors = points(20, 64).astype(np.float32)
    for back in (to_decimal(vectors, 9), over_base64(vectors)):
        assert back.astype(np.float32).tobytes() == vectors.tobytes()
    assert to_decimal(vectors, 7).astype(np.float32).tobytes() != vectors.tobytes()


def test_binary_orders_as_hamming_distances_do(points: Points) -> None:
    vectors = points(30, 64)
    signs = to_binary(vectors)
    bits = np.packbits(vectors > 0, axis=1)
    hamming = np.unpackbits(bits[:, None] ^ bits[None], axis=2).sum(axis=2)
    np.testing.assert_allclose(signs @ signs.T / 64, 1 - 2 * hamming / 64)
    assert np.isnan(to_binary(np.array([[np.nan, 1.0]]))[0, 0])


def test_what_a_vector_takes(points: Points) -> None:
    vectors = points(5, 96).astype(np.float32)
    sizes = {one.key: one.bytes_of(vectors) for one in formats(96)}
    assert (sizes["float32"], sizes["float16"], sizes["int8"], sizes["binary"]) == (
        384,
        192,
        100,
        12,
    )
    assert sizes["first-48"] == 192
    assert sizes["base64"] == len(base64.b64encode(vectors[0].tobytes()))
    assert sizes["base64-float16"] == len(base64.b64encode(vectors[0].astype(np.float16).tobytes()))
    written = [json.dumps([float(f"{x:.7g}") for x in row], separators=(",", ":")) for row in
               vectors.astype(float).tolist()]  # fmt: skip
    assert json_bytes(vectors, 7) == sum(map(len, written)) / 5
    assert "first-8" not in {one.key for one in formats(32)}


def test_each_format_costs_what_its_digits_say(points: Points) -> None:
    vectors = points(200, 96).astype(np.float32)
    before = nearest(vectors, None, 10)
    l2, overlap = {}, {}
    for one in formats(96):
        back = one.restored(vectors)
        padded = np.pad(back, ((0, 0), (0, 96 - back.shape[1])))
        l2[one.key] = float(compare(padded, vectors.astype(np.float64)).l2.max())
        found = agreement(before, nearest(back, None, 10), 10)
        overlap[one.key] = float(found.overlap[:, 0].mean())
    assert l2["float32"] == l2["base64"] == l2["json-9"] == 0
    assert overlap["float32"] == 1
    assert 0 < l2["json-7"] < 1e-6 < l2["json-5"] < l2["float16"] < l2["bfloat16"] < l2["int8"]
    assert l2["int8"] < l2["binary"]
    assert l2["base64-float16"] == l2["float16"]
    assert 1e-4 < l2["float16"] < 2.0**-11
    assert 1e-3 < l2["bfloat16"] < 2.0**-8
    assert overlap["binary"] < overlap["int8"] <= 1
    assert overlap["first-24"] < overlap["first-48"] < overlap["int8"]
