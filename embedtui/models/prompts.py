"""The text that a model wants before each input, such as e5's `query: `."""

from __future__ import annotations

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.models.info import ModelInfo

_FOR_QUERIES = ("query",)
_FOR_DOCUMENTS = ("document", "passage", "corpus")
"""Names that sentence-transformers and models in use have for them."""


def prompts_for(info: ModelInfo, asked: str, *, labelled: bool) -> tuple[str, str | None]:
    """Return what to put before every text, and before queries where those have another.

    Where queries are told from documents and nothing was asked for, the model's own prompts are
    used: a model that was trained with them ranks by them.

    Raises:
        InputError: for a name that the model's files do not know.
    """
    if asked or not labelled:
        return prompt_text(info, asked), None
    query = next((info.prompts[name] for name in _FOR_QUERIES if name in info.prompts), None)
    named = [info.prompts[name] for name in _FOR_DOCUMENTS if info.prompts.get(name)]
    return next(iter(named), ""), query


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
