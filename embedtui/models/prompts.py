"""The text that a model wants before each input, such as e5's `query: `."""

from __future__ import annotations

from embedtui.errors import InputError
from embedtui.models.info import ModelInfo
from embedtui.printable import printable


def prompt_text(info: ModelInfo, asked: str) -> str:
    r"""Return the prompt that `asked` means: the model's own of that name, or the text itself.

    A text is told from a name by a space or a colon in it; `\n` in it stands for a line break,
    which a shell does not pass on easily.

    Raises:
        InputError: for a name that the model's files do not know.
    """
    if asked in info.prompts:
        return info.prompts[asked]
    if not asked or any(mark in asked for mark in (" ", ":", "\n")):
        return asked.replace("\\n", "\n")
    known = ", ".join(printable(name, 30) for name, text in info.prompts.items() if text)
    raise InputError(
        f"the model has no prompt '{printable(asked, 40)}': "
        + (f"give one of {known}, or " if known else "give ")
        + "the text itself, such as 'query: '"
    )
