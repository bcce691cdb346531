"""Neighbours: what a query finds before and after, side by side, and by how little it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from embedtui.assess.retrieval import TOP, Retrieval
from embedtui.assess.retrieval_sentences import describe, describe_forecast
from embedtui.assess.uncertainty import change_of
from embedtui.common.printable import printable
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.query_lists import Query, QueryPlace, changed_queries, query_of
from embedtui.tui.viewmodel.view_state import Lists
from embedtui.tui.views import WIDE
from embedtui.tui.widgets.changed_text import ChangedText
from embedtui.tui.widgets.titles import entitle

_FATES = {"up": "↑", "down": "↓", "new": "+", "gone": "-"}
_LEAST_FOR_GAPS = 46
"""Columns of a box from which on margins have room in it."""


class SearchView(Vertical, can_focus=True):
    """Shows the lists of one query; the keys go from one query to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "step(1)", "next query", show=False, id="search.next"),
        Binding("up,k", "step(-1)", "query before", show=False, id="search.previous"),
        Binding("n", "step_changed(1)", "next changed", show=False, id="search.changed"),
        Binding("N", "step_changed(-1)", "changed before", show=False, id="search.back"),
        Binding("home", "go(0)", "first query", show=False, id="search.first"),
        Binding("end", "go(-1)", "last query", show=False, id="search.last"),
    ]
    FOOTER: ClassVar[tuple[tuple[str, str], ...]] = (
        ("down", "next query"),
        ("n", "next changed"),
        ("N", "changed before"),
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "search--moved",
        "search--quiet",
        "search--id",
    }
    DEFAULT_CSS = """
    SearchView { padding: 0 1; }
    SearchView #near-all { height: auto; max-height: 4; }
    SearchView #near-query {
        height: 2; margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    SearchView #near-lists { height: auto; max-height: 1fr; }
    SearchView #near-more { height: 1fr; margin-top: 1; color: $muted; }
    SearchView .box {
        width: 1fr; height: auto; max-height: 100%;
        border: round $panel-lighten-1; border-title-color: $muted; padding: 0 1;
    }
    SearchView:focus .box { border: round $primary; border-title-color: $primary; }
    SearchView .box Static { text-wrap: nowrap; text-overflow: ellipsis; }
    SearchView .search--moved { color: $warning; text-style: bold; }
    SearchView .search--quiet { color: $muted; }
    SearchView .search--id { color: $foreground; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._place = 0
        self._lists: Lists | None = None

    def compose(self) -> ComposeResult:
        """Put what is true of all queries above the two lists of one."""
        yield ChangedText(id="near-all")
        yield ChangedText(id="near-query")
        with Horizontal(id="near-lists"):
            for name in ("before", "after"):
                with Vertical(classes="box", id=f"near-{name}") as box:
                    box.border_title = name
                    yield ChangedText(id=f"near-{name}-list")
        yield ChangedText(id="near-more")

    def focus_first(self) -> None:
        """Take the keys."""
        self.focus()

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        self._lists = frame.view.lists
        self._draw()

    def on_resize(self) -> None:
        """Draw the lists for the new width."""
        self.call_after_refresh(self._draw)

    def action_step(self, by: int) -> None:
        """Go to another query."""
        self._go(self._place + by)

    def action_go(self, place: int) -> None:
        """Go to the first or the last query."""
        found = self._found()
        if found is not None:
            self._go(place % len(found.sides.queries))

    def action_step_changed(self, by: int) -> None:
        """Go to the next query that finds something else."""
        found = self._found()
        changed = [] if found is None else changed_queries(found).tolist()
        if not changed:
            searching = self._lists is not None and self._lists.searching is not None
            said = "neighbours are being searched" if searching else "no list has changed"
            self.app.notify(said, markup=False, timeout=3)
            return
        beyond = [p for p in changed if (p > self._place if by > 0 else p < self._place)]
        self._go((beyond or changed)[0 if by > 0 else -1])

    def _found(self) -> Retrieval | None:
        return self._lists.found if self._lists is not None else None

    def _go(self, place: int) -> None:
        self._place = place
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        found = self._found()
        self.query_one("#near-lists").display = found is not None
        self.query_one("#near-query").display = found is not None
        self._put("near-all", self._all())
        if found is None or self._lists is None:
            return
        self._place = min(max(self._place, 0), len(found.sides.queries) - 1)
        query = query_of(found, self._place, self._lists.labels)
        self._put("near-query", self._query(found, query))
        self._put("near-more", self._more(found, query))
        before, _, after = self._lists.title.partition(", then ")
        for name, title, places in (
            ("before", before, query.before),
            ("after", after, query.after),
        ):
            judged = ", ✔ relevant" if self._lists.labels is not None else ""
            entitle(self.query_one(f"#near-{name}"), f"{name}: {title}{judged}")
            self._put(f"near-{name}-list", self._list(places, self._lists.ids))

    def _put(self, name: str, text: Text) -> None:
        self.query_one(f"#{name}", ChangedText).show(text)

    def _all(self) -> Text:
        """Say what is true of all queries."""
        lists = self._lists
        if lists is None:
            return Text("nothing was measured yet")
        head = f"{printable(lists.label)} · {lists.title}"
        narrow = self.size.width < WIDE
        if lists.found is None:
            said = "nothing to compare yet"
            if lists.fault:
                said = f"nothing is said of neighbours: fault: {printable(lists.fault)}"
            elif lists.searching is not None:
                said = f"neighbours are being searched … {lists.searching:.0%}"
            return Text(f"{head}: {said}")
        found = lists.found
        one = found.margins
        figures = [
            f"overlap {_span(found.mean('overlap'))}",
            f"RBO {_span(found.mean('rbo'))}",
            f"τ {_span(found.mean('tau'))}",
            f"{int(one.did.sum())} of {one.pairs} neighbouring pairs swapped",
            f"{found.expected_pairs:.0f} expected",
            f"{int(one.could.sum())} may swap",
        ]
        if one.least_tolerance is not None:
            figures.append(f"no swaps below L2 {one.least_tolerance:.0e}")
        # The header names the setting, and the boxes what they hold.
        said = describe(found) if narrow else f"{head}: {describe(found)}"
        return Text(f"{said}\n{' · '.join(figures)}")

    def _more(self, found: Retrieval, query: Query) -> Text:
        """Say what moved is about, what judgements say, and what a larger corpus would show."""
        assert self._lists is not None
        lines = []
        if found.quality_before is not None and found.differences:
            figures = [
                f"{name} {found.quality_before.mean(name)[0]:.4f} "
                f"{change_of(one.least, one.interval.low, one.interval.high)}"
                for name, one in found.differences.items()
            ]
            lines.append(f"by judgements of all queries: {', '.join(figures)}")
        if found.forecast is not None and found.order_changed[0]:
            one = found.forecast
            lines.append(describe_forecast(one.documents, one.order, one.top1))
        for place in query.before:
            if place.fate != "same":
                name = printable(self._lists.ids[place.row], 24)
                lines.append(f"{name}: {printable(self._lists.texts[place.row], 300)}")
        return Text("\n".join(lines))

    def _query(self, found: Retrieval, query: Query) -> Text:
        assert self._lists is not None
        changed = changed_queries(found)
        count = len(found.sides.queries)
        where = f"{'query' if found.sides.labelled else 'text'} {self._place + 1} of {count}"
        place = np.flatnonzero(changed == self._place)
        if not query.usable:
            state = "has no list: its vector is broken"
        elif query.order_changed:
            what = "its nearest" if query.top1_changed else f"an order in its top {TOP}"
            state = f"≠ {what} changed ({place[0] + 1} of {len(changed)} changed)"
        else:
            state = "its list is identical"
        gaps = [place.gap for place in query.before if place.gap is not None]
        least = f", smallest margin {min(gaps):.1e}" if gaps else ""
        name = printable(self._lists.ids[query.row], 24)
        room = max(self.content_size.width - cell_len(name) - 2, 1)
        return Text.assemble(
            (where, self._style("quiet")),
            "  ",
            (state, self._style("moved" if query.order_changed else "quiet")),
            (least, self._style("quiet")),
            "\n",
            (name, Style(bold=True)),
            f"  {printable(self._lists.texts[query.row], room)}",
        )

    def _list(self, places: Sequence[QueryPlace], ids: Sequence[str]) -> Text:
        width = max((self.content_size.width - 8) // 2, 20)
        gaps = width >= _LEAST_FOR_GAPS
        # Rank, score and fate have fixed columns; ids take what is left.
        digits = 7 if gaps else 6
        labelled = self._lists is not None and self._lists.labels is not None
        room = max(min(width - 18 - digits - (16 if gaps else 0) - 2 * labelled, 28), 6)
        lines = []
        for place in places:
            name = set_cell_size(_cut(printable(ids[place.row], 120), room), room)
            style = self._style("moved" if place.fate != "same" else "id")
            line = Text.assemble(
                (f"{place.rank:>2} ", self._style("quiet")),
                (name, style),
                (" ✔" if place.relevant else "  ") if labelled else "",
                f" {place.score:.{digits}f} ",
                (_fate(place).ljust(9), style),
            )
            if gaps:
                line.append_text(self._gap(place))
            lines.append(line)
        return Text("\n").join(lines)

    def _gap(self, place: QueryPlace) -> Text:
        if place.order is None:
            return Text("")
        if place.gap is None:
            return Text("  tied with next", self._style("quiet"))
        style = "moved" if place.order == "swapped" else "quiet"
        return Text(f" {place.gap:.1e} {place.order}", self._style(style))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"search--{name}", partial=True)


def _cut(name: str, room: int) -> str:
    """Shorten a name in its middle: ids of one kind differ at their end."""
    if len(name) <= room:
        return name
    end = (room - 1) // 2
    return f"{name[: room - 1 - end]}…{name[len(name) - end :]}"


def _fate(place: QueryPlace) -> str:
    """Return a mark and a word, so that no colour is needed."""
    if place.fate == "same":
        return ""
    if place.fate in {"new", "gone"}:
        return f"{_FATES[place.fate]} {place.fate}"
    return f"{_FATES[place.fate]} {place.moved} {place.fate}"


def _span(figure: tuple[float, float]) -> str:
    low, high = figure
    return f"{low:.4f}" if high - low < 5e-5 else f"{low:.3f}–{high:.3f}"
