"""Names that commands had in the last release: understood for one more, with a word about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embedtui.cli import output

EXPLORER = "[MODEL]"
"""Stands before the arguments of the explorer, which is started by no command's name."""


@dataclass(frozen=True)
class _Former:
    """What a former command is written as now."""

    present: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    """Its options that are called otherwise."""


_FORMER = {
    "explore": _Former((EXPLORER,)),
    "advise": _Former(("run", "--advise"), {"--among": "--sweep"}),
    "layers": _Former(("run", "--layers-only"), {"--batch-size": "--batch-sizes"}),
    "history": _Former(("check", "--history"), {"--history": "--history-file"}),
    "mix": _Former(("compare",)),
    "models make": _Former(("make-model",)),
    "models list": _Former(("list", "models")),
    **{
        name: _Former(("list", name))
        for name in ("models", "texts", "settings", "scenarios", "themes")
    },
}
FORMER_COMMANDS = tuple(_FORMER)


def in_present_words(arguments: list[str], *, aloud: bool) -> list[str]:
    """Return a command line as it is written now, and say so on standard error if `aloud`."""
    name = next((one for one in (" ".join(arguments[:2]), *arguments[:1]) if one in _FORMER), None)
    if name is None:
        return arguments
    former = _FORMER[name]
    if aloud:
        present = " ".join(("embedtui", *former.present))
        output.err().print(
            f"embedtui: `embedtui {name}` is now `{present}`; the old name goes with the next "
            "release",
            soft_wrap=True,
        )
    rest = [_option(word, former.options) for word in arguments[len(name.split()) :]]
    return [*former.present, *rest]


def _option(word: str, renamed: Mapping[str, str]) -> str:
    name, equals, value = word.partition("=")
    return f"{renamed.get(name, name)}{equals}{value}"
