"""What a checkpoint says about itself: its size and dtype, read from headers alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from embedtui.common.printable import printable
from embedtui.models.files import weight_files

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_BUFFERS = {"I64", "BOOL"}
"""Position ids and masks: stored beside the parameters, but nothing that was learnt."""
_LONGEST_HEADER = 100_000_000
"""Bytes; safetensors itself refuses a longer one."""
_GIT_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class Weights:
    """The weights in one folder."""

    parameters: int | None
    """None where the checkpoint is a pickle, which only torch may open."""
    dtype: str | None
    """What most parameters are stored in; None for a pickle."""
    bytes_on_disk: int | None
    """None where there are no weights."""
    fault: str | None
    """Why they cannot be loaded, in one line."""


def read_weights(folder: Path) -> Weights:
    """Read the headers of the weights in `folder`; no tensor is touched.

    A cut-off download looks like a model until vLLM has started, so each file's size is compared
    with what its header promises. Raises `InputError` where the shard index is broken.
    """
    files = weight_files(folder)
    if not files:
        return Weights(None, None, None, "no weights (*.safetensors or *.bin)")
    elements: Counter[str] = Counter()
    total = 0
    for file in files:
        try:
            size = file.stat().st_size
            total += size
            elements += _elements(file, size)
        except FileNotFoundError:
            return Weights(None, None, None, f"{printable(file.name)} is missing")
        except OSError as error:
            return Weights(
                None, None, None, f"cannot read {printable(file.name)}: {error.strerror}"
            )
        except _DamagedError as error:
            return Weights(None, None, total, f"{printable(file.name)} {error}")
    if not elements:
        return Weights(None, None, total, None)
    learnt = Counter({k: n for k, n in elements.items() if k not in _BUFFERS}) or elements
    stored_as = learnt.most_common(1)[0][0]
    return Weights(learnt.total(), _DTYPES.get(stored_as, stored_as.lower()), total, None)


class _DamagedError(Exception):
    """What is wrong with a file, worded to follow its name."""


def _elements(file: Path, size: int) -> Counter[str]:
    """Return the number of elements of each dtype that a safetensors header tells of."""
    with file.open("rb") as stream:
        start = stream.read(len(_GIT_LFS))
        if start == _GIT_LFS:
            raise _DamagedError("is a Git LFS pointer, not the weights: run git lfs pull")
        if file.suffix != ".safetensors":
            return Counter()
        length = int.from_bytes(start[:8], "little")
        if len(start) < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise _DamagedError("is cut off or no safetensors file; download it again")
        stream.seek(8)
        raw = stream.read(length)
    elements: Counter[str] = Counter()
    end = 0
    try:
        header = json.loads(raw)
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            elements[printable(str(tensor["dtype"]))] += math.prod(int(n) for n in tensor["shape"])
            end = max(end, int(tensor["data_offsets"][1]))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        raise _DamagedError("has no safetensors header; download it again") from None
    promised = 8 + length + end
    if promised != size:
        raise _DamagedError(
            f"is damaged: {size:,} bytes where its header tells of {promised:,}; download it again"
        )
    return elements
