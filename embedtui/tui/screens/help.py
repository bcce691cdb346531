"""Help: the keys of the view that is open, what the words mean, then every key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from embedtui.tui.actions import ACTIONS, shown
from embedtui.tui.pickers.style import Over

_WORDS = (
    ("batch drift", "a text embedded in a batch against the same text alone, same setting"),
    ("error", "a text embedded alone against float64 on the same weights"),
    ("noise", "the same batches, run again; drift below it is no drift"),
    ("consistent", "company moves no text beyond the limit"),
    ("exact", "within the limit of float64; which of the two decides, U chooses"),
    ("✔ ~ ✗ ◂", "holds; borderline: other texts may fall short; falls short; recommended"),
    ("top-10", "lists whose order changes, by batches or against float64, whichever is more"),
    ("identical", "equal bit for bit; never drawn as a tiny number"),
    ("limit", "the distance that the chosen use can bear (u chooses another)"),
    ("L2, 1 - cos", "distance of vectors of length one; 1 - cos is half of L2 squared"),
    ("setting", "dtype and every other switch: what makes one engine"),
    ("orders", "the largest batches shuffled: other company, other positions"),
    ("earlier", "settings of another model, other texts or choices: never compared"),
)
_VIEWS: dict[str, tuple[tuple[str, str], ...]] = {
    "overview": (
        ("↑ ↓ j k", "select a setting: lines and charts are about it"),
        ("Enter", "its texts"),
        ("o", "next chart: speed, batch size, position, tokens, cost, reasons"),
        ("h", "drift or error vs float64 in the grid"),
        (", .", "distribution at a smaller or larger batch size"),
        ("x X", "hide the selected setting; show all"),
        ("PgUp PgDn", "scroll what is written beside the distribution"),
    ),
    "texts": (
        ("↑ ↓ j k", "move; PgUp PgDn Home End as well"),
        ("← →", "columns that have no room"),
        ("s S", "sort by the next column; turn the order round"),
        ("w", "the text that drifts most"),
        ("/", "filter while you type; Esc clears"),
        ("Enter", "the whole text, its batches, its differences by dimension"),
        ("y", "copy the row"),
    ),
    "search": (
        ("↑ ↓ j k", "next query, or the one before; Home End"),
        ("n N", "next query whose list changed, or the one before"),
        (", .", "at a smaller or larger batch size"),
        ("h", "batches against alone, or alone against float64"),
    ),
    "compare": (
        ("[ ]", "change A"),
        ("{ }", "change B"),
        ("/ s w Enter y", "filter, sort, worst, open, copy"),
    ),
    "layers": (
        ("Enter l", "measure the layers of the selected setting"),
        ("↑ ↓ j k", "select another setting"),
        ("PgUp PgDn", "scroll the list"),
    ),
    "log": (
        ("← →", "the log before, the next one"),
        ("f", "follow the newest"),
        ("/", "filter; Esc clears"),
    ),
}


class HelpScreen(Over[None]):
    """One page that scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss(None)", "back", id="help.close"),
        Binding("down,j", "down", show=False),
        Binding("up,k", "up", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll {
        width: 92%; max-width: 96; height: 92%; border: round $primary; padding: 0 2;
        background: $surface; border-title-color: $primary; border-subtitle-color: $muted;
    }
    HelpScreen Static { height: auto; }
    """

    def __init__(self, keys: Mapping[str, str], view: str) -> None:
        super().__init__()
        self._keys = keys
        """Keys of each action as they are bound, remapped ones too."""
        self._view = view

    def compose(self) -> ComposeResult:
        """Lay out the words and the keys."""
        with VerticalScroll() as body:
            body.border_title = "embedtui: how far do vLLM's embeddings move?"
            body.border_subtitle = "Esc back"
            yield Static(self._page())

    def action_down(self) -> None:
        """Scroll down a line."""
        self.query_one(VerticalScroll).scroll_relative(y=2, animate=False)

    def action_up(self) -> None:
        """Scroll up a line."""
        self.query_one(VerticalScroll).scroll_relative(y=-2, animate=False)

    def _page(self) -> Table:
        page = Table.grid(padding=(0, 2))
        page.add_column(no_wrap=True, style="bold")
        page.add_column()
        self._part(page, f"In this view ({self._view})", _VIEWS[self._view])
        self._part(page, "Words", _WORDS)
        for group, actions in groupby(ACTIONS, key=lambda action: action.group):
            rows = [(_keys(self._keys[action.id]), action.help) for action in actions]
            self._part(page, group, rows)
        page.add_row()
        page.add_row(
            "",
            Text(
                "Keys are remapped in the config file, [keys]; `embedtui config path` says where."
            ),
        )
        return page

    def _part(self, page: Table, title: str, rows: Iterable[tuple[str, str]]) -> None:
        if page.row_count:
            page.add_row()
        page.add_row(Text(title, style="underline"), "")
        for left, right in rows:
            page.add_row(Text(left), Text(right))


def _keys(keys: str) -> str:
    return " ".join(shown(key) for key in keys.split(",") if key)
