"""What an index or a wire makes of vectors: the yardstick that drift is held against.

Each format gives back the vectors that a search would compare, so that storing is measured like any
other change of them: by distances and by lists of neighbours. Queries take the format as documents
do, as in an index that compares codes with codes, and as on a wire that both come over.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embedtui.measure.distances import Floats, Vectors, unit

Kind = Literal["storage", "dimensions", "wire"]

INT8_MOST = 127
"""Largest magnitude of a symmetric int8 code; -128 is left out, so that zero stays zero."""
_LEAST_WIDTH = 16
"""Fewer dimensions than this nobody keeps."""
_SAMPLE = 64
"""Vectors whose length as text is taken for that of all."""


@dataclass(frozen=True)
class Format:
    """A way to store or send vectors."""

    key: str
    name: str
    kind: Kind
    restored: Callable[[Vectors], Floats]
    """From n x width vectors to what comes back of them, n x the width that is kept."""
    bytes_of: Callable[[Vectors], float]
    """Bytes of one vector, of several the mean."""


def formats(width: int) -> list[Format]:
    """Return the formats that make sense for vectors of this width, the least loss first."""
    return [
        _fixed("float32", "float32", "storage", _as_is, 4 * width),
        _fixed("float16", "float16", "storage", to_float16, 2 * width),
        _fixed("bfloat16", "bfloat16", "storage", to_bfloat16, 2 * width),
        _fixed("int8", "int8, a scale per vector", "storage", to_int8, width + 4),
        _fixed("binary", "binary, signs alone", "storage", to_binary, -(-width // 8)),
        *(
            _fixed(f"first-{kept}", f"first {kept} dimensions", "dimensions", _Cut(kept), 4 * kept)
            for kept in (width // 2, width // 4)
            if kept >= _LEAST_WIDTH
        ),
        _fixed("base64", "base64, float32", "wire", over_base64, _base64_bytes(4 * width)),
        *(
            Format(f"json-{n}", f"JSON, {n} digits", "wire", _Decimal(n), _Decimal(n).bytes_of)
            for n in (9, 7, 5, 3)
        ),
        *(
            _fixed(f"base64-{name}", f"base64, embed_dtype {name}", "wire", to,
                   _base64_bytes(2 * width))
            for name, to in (("float16", to_float16), ("bfloat16", to_bfloat16))
        ),
    ]  # fmt: skip


def _fixed(
    key: str, name: str, kind: Kind, restored: Callable[[Vectors], Floats], size: int
) -> Format:
    return Format(key, name, kind, restored, lambda _vectors: float(size))


def to_float16(vectors: Vectors) -> Floats:
    """Round to IEEE binary16, to the nearest and ties to even; below 6e-8 nothing is left."""
    with np.errstate(over="ignore"):
        return vectors.astype(np.float32).astype(np.float16).astype(np.float64)


def to_bfloat16(vectors: Vectors) -> Floats:
    """Round to the upper half of float32, to the nearest and ties to even, as torch does."""
    bits = np.ascontiguousarray(vectors, dtype=np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    kept = np.where(np.isnan(vectors), bits, rounded).astype(np.uint32)
    return kept.view(np.float32).astype(np.float64)


def to_int8(vectors: Vectors) -> Floats:
    """Round to 255 steps between the largest magnitude of each vector and its negative."""
    wide = vectors.astype(np.float64)
    scale = np.abs(wide).max(axis=1, keepdims=True, initial=0.0) / INT8_MOST
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(scale > 0, np.rint(wide / scale) * scale, wide))


def to_binary(vectors: Vectors) -> Floats:
    """Keep the sign of each element as 1 or -1; cosines then order as Hamming distances do.

    Zero counts as negative, as NumPy's packing of `vectors > 0` has it in common use.
    """
    wide = vectors.astype(np.float64)
    return np.where(np.isnan(wide), np.nan, np.where(wide > 0, 1.0, -1.0))


def to_decimal(vectors: Vectors, digits: int) -> Floats:
    """Write float32 vectors with so many significant decimals and read them again as float32.

    9 digits tell any two float32 apart (IEEE 754-2019, section 5.12.2).
    """
    wide = vectors.astype(np.float32).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(np.abs(wide)))
        # A logarithm at a power of ten may round to the wrong side.
        exponent += (np.abs(wide) >= 10.0 ** (exponent + 1)) - 1.0 * (np.abs(wide) < 10.0**exponent)
        places = digits - 1 - exponent
        # A power of ten is exact up to 10**22, so that the quotient is the decimal's float64.
        power = 10.0 ** np.abs(places)
        scaled = np.rint(np.where(places >= 0, wide * power, wide / power))
        read = np.where(places >= 0, scaled / power, scaled * power)
    usable = np.isfinite(wide) & (wide != 0)
    return np.where(usable, read, wide).astype(np.float32).astype(np.float64)


def json_bytes(vectors: Vectors, digits: int) -> float:
    """Return how many bytes a vector takes as a JSON list of numbers with so many digits."""
    lengths = [
        len(json.dumps([float(f"{x:.{digits}g}") for x in row], separators=(",", ":")))
        for row in vectors[:_SAMPLE].astype(np.float64).tolist()
    ]
    return float(np.mean(lengths)) if lengths else 0.0


def over_base64(vectors: Vectors) -> Floats:
    """Send float32 as bytes in base64, which loses nothing, and read them again."""
    single = np.ascontiguousarray(vectors, dtype="<f4")
    sent = base64.b64encode(single.tobytes())
    return np.frombuffer(base64.b64decode(sent), dtype="<f4").reshape(single.shape).astype(float)


def _base64_bytes(raw: int) -> int:
    return 4 * -(-raw // 3)


def _as_is(vectors: Vectors) -> Floats:
    return vectors.astype(np.float32).astype(np.float64)


@dataclass(frozen=True)
class _Cut:
    """Keeps the first dimensions and scales to length one again, as Matryoshka models are used."""

    kept: int

    def __call__(self, vectors: Vectors) -> Floats:
        return unit(vectors[:, : self.kept])


@dataclass(frozen=True)
class _Decimal:
    digits: int

    def __call__(self, vectors: Vectors) -> Floats:
        return to_decimal(vectors, self.digits)

    def bytes_of(self, vectors: Vectors) -> float:
        return json_bytes(vectors, self.digits)
