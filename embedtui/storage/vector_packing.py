"""Vectors made small without losing a bit: the difference to vectors that are nearly the same.

Floats of one sign order as their bits do, so that the bits of near neighbours, taken as whole
numbers, differ by a small number. The bytes of those differences are laid out plane by plane (all
first bytes, all second ones …), where the high planes are nearly all zero, and compressed.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
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
    return _compressed(planes.tobytes())


def unpack(
    data: bytes, shape: tuple[int, ...], dtype: npt.DTypeLike, reference: Floats | None = None
) -> Floats:
    """Return what was packed, to the bit.

    Raises:
        ValueError: if the bytes are not those of so many values.
    """
    kind: Any = np.dtype(dtype)
    raw = np.frombuffer(_decompressed(data, "vectors"), dtype=np.uint8)
    planes = raw.reshape(kind.itemsize, -1)
    numbers = np.ascontiguousarray(planes.T).view(_UNSIGNED[kind.itemsize]).reshape(shape)
    ordered = (numbers >> 1) ^ (~(numbers & 1) + numbers.dtype.type(1))
    if reference is not None:
        ordered = ordered + _ordered(reference)
    top = ordered.dtype.type(1 << (8 * kind.itemsize - 1))
    bits = np.where(ordered & top, ordered ^ top, ~ordered)
    values: Floats = bits.view(kind)
    return values


def pack_parts(parts: Sequence[bytes]) -> bytes:
    """Return strings of bytes as one; what they have in common is kept once."""
    lengths = np.array([len(part) for part in parts], dtype="<u4")
    return _compressed(lengths.tobytes() + b"".join(parts))


def unpack_parts(data: bytes, count: int) -> list[bytes]:
    """Return the strings that were packed, so many.

    Raises:
        ValueError: if the bytes are not those of so many.
    """
    raw = _decompressed(data, "texts")
    ends = 4 * count + np.cumsum(np.frombuffer(raw, "<u4", count), dtype=np.int64)
    if count and ends[-1] != len(raw):
        raise ValueError("packed texts cannot be read (they end elsewhere)")
    return [raw[start:end] for start, end in zip([4 * count, *ends], ends, strict=False)]


def cost(values: Floats, reference: Floats | None = None) -> float:
    """Return about how many bits the values take; to choose a reference by."""
    return float(np.log2(_zigzag(_difference(values, reference)).astype(np.float64) + 1).sum())


def _compressed(raw: bytes) -> bytes:
    return lzma.compress(raw, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32)


def _decompressed(data: bytes, what: str) -> bytes:
    try:
        return lzma.decompress(data, format=lzma.FORMAT_XZ)
    except lzma.LZMAError as error:
        raise ValueError(f"packed {what} cannot be read ({error})") from error


def _ordered(values: Floats) -> npt.NDArray[Any]:
    """Return the bits as whole numbers that order as the values do."""
    bits = np.ascontiguousarray(values).view(_UNSIGNED[values.itemsize])
    top = bits.dtype.type(1 << (8 * values.itemsize - 1))
    ordered: npt.NDArray[Any] = np.where(bits & top, ~bits, bits | top)
    return ordered


def _difference(values: Floats, reference: Floats | None) -> npt.NDArray[Any]:
    ordered = _ordered(values)
    return ordered if reference is None else ordered - _ordered(reference)


def _zigzag(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Fold the sign into the lowest bit, so that small differences either way are small."""
    signed = numbers.view(_SIGNED[numbers.itemsize])
    folded: npt.NDArray[Any] = (signed << 1) ^ (signed >> (8 * numbers.itemsize - 1))
    return folded.view(_UNSIGNED[numbers.itemsize])
