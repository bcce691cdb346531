"""A model's identity: one hash over what determines its vectors.

Two runs may be compared only where the model was the same, and a folder's name cannot tell: the
same model has many paths, and one path holds another model after every fine-tuning.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import TypeAlias

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.models import files

_PATTERNS = (
    "config.json",
    "hf_quant_config.json",
    "modules.json",
    "config_sentence_transformers.json",
    *files.SENTENCE_CONFIGS,
    *files.TOKENIZER_PATTERNS,
    files.INDEX,
)
_WORTH_CACHING = 1 << 20
"""Bytes; a smaller file is hashed as quickly as it is looked up."""
_SETTLED_NS = 2_000_000_000
"""A file younger than this may change again without its time stamp telling."""

_Entry: TypeAlias = tuple[int, int, str]
"""Size, modification time in ns, and hex digest of a file when it was hashed."""


def model_hash(folder: Path) -> str:
    """Return the SHA-256, in hex, of the model in `folder`; the folder's own name has no part.

    Weights are read whole the first time, some seconds per gigabyte; digests of large files
    are kept in the cache folder until the file's size or time stamp changes. Raises `InputError`
    where the folder has no config.json or a file cannot be read.
    """
    known = _load()
    fresh: dict[str, _Entry] = {}
    whole = hashlib.sha256()
    try:
        if not (folder / "config.json").exists():
            raise InputError(f"no config.json in {printable(str(folder))}: it is no model's folder")
        for name, path in sorted(_determining(folder).items()):
            digest = _digest(path, known, fresh)
            whole.update(os.fsencode(name) + b"\0" + digest.encode("ascii") + b"\n")
    except OSError as error:
        where = printable(str(error.filename or folder))
        raise InputError(f"cannot read {where}: {error.strerror}") from error
    if fresh:
        _save(fresh)
    return whole.hexdigest()


def _determining(folder: Path) -> dict[str, Path]:
    """Return the files that the vectors depend on, by their names relative to `folder`."""
    places = {folder}
    for module in files.modules(folder):
        inside = files.module_folder(folder, module)
        if inside is not None:
            places.add(inside)
    found: dict[str, Path] = {}
    for place in places:
        # A shard that is missing counts too: what cannot be read has no hash.
        named = [m for p in _PATTERNS for m in files.matching(place, p)]
        for path in (*named, *files.weight_files(place)):
            found[path.relative_to(folder).as_posix()] = path
    return found


def _digest(path: Path, known: dict[str, _Entry], fresh: dict[str, _Entry]) -> str:
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        key = str(path.resolve())
        cached = known.get(key)
        if cached is not None and cached[:2] == (before.st_size, before.st_mtime_ns):
            return cached[2]
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        after = os.fstat(stream.fileno())
    stamp = (before.st_size, before.st_mtime_ns)
    settled = time.time_ns() - before.st_mtime_ns > _SETTLED_NS
    if before.st_size >= _WORTH_CACHING and settled and stamp == (after.st_size, after.st_mtime_ns):
        fresh[key] = (*stamp, digest)
    return digest


def _load() -> dict[str, _Entry]:
    """Return the digests that are known; a cache that cannot be read is an empty one."""
    known: dict[str, _Entry] = {}
    try:
        content = json.loads(_cache_file().read_bytes())
        for key, (size, mtime_ns, digest) in content.items():
            if isinstance(digest, str) and len(digest) == 64:
                known[key] = (int(size), int(mtime_ns), digest)
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return known
    return known


def _save(fresh: dict[str, _Entry]) -> None:
    """Add digests to the cache file, and drop those of files that are gone."""
    with contextlib.suppress(OSError):
        merged = {key: entry for key, entry in _load().items() if Path(key).exists()} | fresh
        target = _cache_file()
        beside = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}")
        try:
            paths.create_private(beside).write_text(json.dumps(merged), "ascii")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def _cache_file() -> Path:
    return paths.cache_folder("models") / "digests.json"
