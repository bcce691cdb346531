"""Every text with its distances; the same table in the corner of the first view and in its own."""

from __future__ import annotations

from embedtui.tui.view import PerText, View
from embedtui.tui.widgets.table_data import Column, TableData


def data_of(per_text: PerText, view: View) -> TableData:
    """Return the table of the setting that is spoken of."""
    limit = view.wish.scenario.tolerance_in(view.wish.metric)
    columns = [
        Column("id", "id", per_text.ids, "text", 8, help="the text's id"),
        Column(
            "tokens", "tokens", per_text.tokens, "integer", 6, help="tokens the engine computes"
        ),
        Column("text", "text", per_text.texts, "text", 0, help="the text"),
    ]
    for one in per_text.columns:
        columns.append(
            Column(
                one.title,
                one.title,
                one.values,
                "distance",
                9,
                help=f"batched {one.title} against unbatched",
                identical=one.identical,
                limit=limit,
            )
        )
    if per_text.error is not None:
        columns.append(
            Column(
                "error",
                "vs truth",
                per_text.error.values,
                "distance",
                9,
                help="unbatched against the float64 truth",
                identical=per_text.error.identical,
            )
        )
    columns.append(
        Column(
            "position",
            "place",
            per_text.position + 1,
            "integer",
            5,
            help="place in its batch at the largest batch size",
        )
    )
    return TableData(tuple(columns), per_text.ids, len(per_text.ids))
