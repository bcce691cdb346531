"""The sample packs: files NAME.jsonl and labelled folders, told about in one README.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from embedtui.texts.labelled import count_texts, is_labelled

_FOLDER = "sample_texts"
_SUFFIX = ".jsonl"
_NAME_CELL = re.compile(r"`([^`]+)`")
_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class PackInfo:
    """What a list of packs shows about one of them."""

    name: str
    description: str
    count: int


def sample_texts_folder() -> Path:
    """Return the folder of the sample packs: inside an installed package, or beside it.

    A wheel carries the folder inside the package; a checkout has it at the top. The inner one is
    looked for first, because what lies beside an installed package belongs to somebody else.
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / _FOLDER
    return installed if installed.is_dir() else package.parent / _FOLDER


def pack_names() -> list[str]:
    """Return the names of the sample packs in alphabetical order."""
    folder = sample_texts_folder()
    found = [path for path in folder.glob(f"*{_SUFFIX}") if path.is_file()]
    found += [path for path in folder.glob("*/") if is_labelled(path)]
    return sorted(path.stem for path in found if not path.name.startswith("."))


def pack_path(name: str) -> Path | None:
    """Return the file or folder of the pack with this name, or None where there is none."""
    if name not in pack_names():
        return None
    folder = sample_texts_folder() / name
    return folder if is_labelled(folder) else folder.with_name(f"{name}{_SUFFIX}")


def describe_packs() -> list[PackInfo]:
    """Return name, description and number of texts of each pack, in the order of `pack_names()`.

    A pack that the README's table does not tell about has an empty description: it still loads.
    """
    descriptions = _descriptions()
    return [PackInfo(name, descriptions.get(name, ""), _count(name)) for name in pack_names()]


def _count(name: str) -> int:
    path = pack_path(name)
    assert path is not None
    if path.is_dir():
        return count_texts(path)
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _descriptions() -> dict[str, str]:
    readme = sample_texts_folder() / "README.md"
    if not readme.is_file():
        return {}
    descriptions: dict[str, str] = {}
    for line in readme.read_text(encoding="utf-8", errors="replace").split("\n"):
        cells = [cell.strip() for cell in _UNESCAPED_BAR.split(line.strip())]
        # A row begins with a bar, so the first cell stands second.
        if len(cells) < 3 or cells[0]:
            continue
        if name := _NAME_CELL.fullmatch(cells[1]):
            descriptions.setdefault(name[1], cells[2].replace(r"\|", "|"))
    return descriptions
