"""Vectors made small without losing a bit: the difference to vectors that are nearly the same.

Floats of one sign order as their bits do, so that the bits of near neighbours, taken as whole
numbers, differ by a small number. The bytes of those differences are laid out plane by plane (all
first bytes, all second ones …), where the high planes are nearly all zero, and compressed.
"""

from __future__ import annotations

import lzma
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_UNSIGNED: dict[int, Any] = {4: np.dtype("<u4"), 8: np.dtype("<u8")}
_SIGNED: dict[int, Any] = {4: np.dtype("<i4"), 8: np.dtype("<i8")}


def pack(values: Floats, reference: Floats | None = None) -> bytes:
    """Return the values, float32 or float64 of any shape, as bytes; `reference` makes them few.

    The reference must be at hand again to `unpack`; it has the shape and dtype of the values.
    """
    numbers = _zigzag(_difference(values, reference))
    planes = numbers.view(np.uint8).reshape(-1, numbers.itemsize).T
    return lzma.compress(planes.tobytes(), format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32)


def unpack(
    data: bytes, shape: tuple[int, ...], dtype: npt.DTypeLike, reference: Floats | None = None
) -> Floats:
    """Return what was packed, to the bit.

    Raises:
        ValueError: if the bytes are not those of so many values.
    """
    kind: Any = np.dtype(dtype)
    try:
        raw = np.frombuffer(lzma.decompress(data, format=lzma.FORMAT_XZ), dtype=np.uint8)
    except lzma.LZMAError as error:
        raise ValueError(f"packed vectors cannot be read ({error})") from error
    planes = raw.reshape(kind.itemsize, -1)
    numbers = np.ascontiguousarray(planes.T).view(_UNSIGNED[kind.itemsize]).reshape(shape)
    ordered = (numbers >> 1) ^ (~(numbers & 1) + numbers.dtype.type(1))
    if reference is not None:
        ordered = ordered + _ordered(reference)
    top = ordered.dtype.type(1 << (8 * kind.itemsize - 1))
    bits = np.where(ordered & top, ordered ^ top, ~ordered)
    values: Floats = bits.view(kind)
    return values


def cost(values: Floats, reference: Floats | None = None) -> float:
    """Return about how many bits the values take; to choose a reference by."""
    return float(np.log2(_zigzag(_difference(values, reference)).astype(np.float64) + 1).sum())


def _ordered(values: Floats) -> npt.NDArray[Any]:
    """Return the bits as whole numbers that order as the values do."""
    bits = np.ascontiguousarray(values).view(_UNSIGNED[values.itemsize])
    top = bits.dtype.type(1 << (8 * values.itemsize - 1))
    return np.where(bits & top, ~bits, bits | top)


def _difference(values: Floats, reference: Floats | None) -> npt.NDArray[Any]:
    ordered = _ordered(values)
    return ordered if reference is None else ordered - _ordered(reference)


def _zigzag(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Fold the sign into the lowest bit, so that small differences either way are small."""
    signed = numbers.view(_SIGNED[numbers.itemsize])
    folded: npt.NDArray[Any] = (signed << 1) ^ (signed >> (8 * numbers.itemsize - 1))
    return folded.view(_UNSIGNED[numbers.itemsize])
