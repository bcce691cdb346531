"""Completing a path that is typed: folders, and files of the wanted kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST = 200
"""Entries that are listed of one folder."""


@dataclass(frozen=True)
class Entry:
    """Something that a typed path could go on to."""

    text: str
    """What the line of text becomes, exactly; a folder ends in a slash."""
    name: str
    folder: bool


@dataclass(frozen=True)
class Completion:
    """What could follow."""

    entries: tuple[Entry, ...]
    more: int
    """Entries beyond those that are listed."""
    common: str
    """The typed text, as far as all entries agree."""


def looks_like_path(text: str) -> bool:
    """Say whether what is typed is a path rather than a name."""
    return text.startswith((".", "/", "~"))


def short_name(ref: str) -> str:
    """Return the last part of a path, and a name as it is."""
    return Path(ref).name if looks_like_path(ref) else ref


def complete(text: str, wanted: Callable[[Path], bool]) -> Completion:
    """Return the folders and the `wanted` files that begin as `text` does.

    Hidden ones are listed once their dot is typed. A folder that cannot be read is empty.
    """
    head, slash, start = text.rpartition("/")
    if text in {"~", ".", ".."}:
        return Completion((Entry(f"{text}/", text, True),), 0, f"{text}/")
    folder = Path(os.path.expanduser(head + slash) if slash else ".")  # noqa: PTH111 - `~user` may be unknown
    found: list[Entry] = []
    try:
        with os.scandir(folder) as listed:
            for one in listed:
                if not one.name.startswith(start) or (
                    one.name.startswith(".") and not start.startswith(".")
                ):
                    continue
                is_folder = _is_folder(one)
                if is_folder or wanted(folder / one.name):
                    end = "/" if is_folder else ""
                    found.append(Entry(f"{head}{slash}{one.name}{end}", one.name, is_folder))
    except (OSError, ValueError):
        return Completion((), 0, text)
    found.sort(key=lambda entry: (not entry.folder, entry.name.casefold(), entry.name))
    # Character by character is what is meant: half a name is completed as well.
    common = os.path.commonprefix([entry.text for entry in found]) or text  # noqa: RUF071
    return Completion(tuple(found[:MOST]), max(len(found) - MOST, 0), common)


def _is_folder(one: os.DirEntry[str]) -> bool:
    try:
        return one.is_dir()
    except OSError:
        return False
