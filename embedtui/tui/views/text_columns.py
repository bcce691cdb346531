"""The columns that every table of texts begins with."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.tui.widgets.table_data import Column

_LOOKED_AT, _LEAST, _MOST = 200, 4, 16


def make_id_column(ids: Sequence[str]) -> Column:
    """Return the column of ids, as wide as most need; the first of them tell how long they are."""
    longest = max((len(one) for one in ids[:_LOOKED_AT]), default=_LEAST)
    return Column("id", "id", ids, "text", min(max(_LEAST, longest), _MOST), help="the text's id")


def make_text_column(texts: Sequence[str]) -> Column:
    """Return the column of texts, which takes the room that is left."""
    return Column("text", "text", texts, "text", 0, help="the text")
