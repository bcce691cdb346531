"""Help: what the words mean, and every key, from the one list of actions."""

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
    ("noise floor", "the same batches, simply run again; drift below it is no drift"),
    ("reference", "float64 on the same weights, every text alone"),
    ("precision error", "a text embedded alone against the float64 reference"),
    ("consistent", "company changes no text beyond the limit: batched against unbatched"),
    ("exact", "within the limit of float64; which of the two decides, U chooses"),
    ("✔ ~ ✗", "holds; borderline, another sample may fall on the other side; falls short"),
    ("shuffled", "the largest batches in other orders: other company, other places"),
    ("probe", "a product and an attention of the engine's own kernels against float64"),
    ("by layer", "states within the model; what a part adds, alone, to the final error"),
    ("identical", "equal bit for bit; never drawn as a tiny number"),
    ("tolerance", "the drift that the chosen use can bear (u chooses another)"),
    ("L2, 1 - cos", "distance of vectors of length one; 1 - cos is half of L2 squared"),
    ("setting", "dtype and every other switch: what makes one engine"),
    ("texts/s", "alone → at the fastest batch size"),
)
_SWEEP_KEYS = (
    ("↑ ↓ j k", "from one setting to the next; PgUp PgDn scroll what is said of it"),
    ("Enter, S", "choose a sweep, or a plan file of this folder"),
    ("h", "batch drift or precision error"),
    ("f", "where there is little room: the chart of it against speed"),
    ("c", "copy the command that serves the recommended setting"),
)
_TABLE_KEYS = (
    ("↑ ↓ j k", "move; PgUp PgDn Home End as well"),
    ("← → h l", "columns that have no room"),
    ("s S", "sort by the next column, turn the order round"),
    ("w", "the text that drifts most"),
    ("/", "filter while you type; Esc clears"),
    ("Enter", "the whole text, its batches, its differences by dimension"),
    ("y", "copy the row"),
)


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

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = keys
        """Keys of each action as they are bound, remapped ones too."""

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
        page.add_row("", Text("Choose at the left, press r, watch the drift appear."))
        self._part(page, "Words", _WORDS)
        for group, actions in groupby(ACTIONS, key=lambda action: action.group):
            rows = [(_keys(self._keys[action.id]), action.help) for action in actions]
            self._part(page, group, rows)
        self._part(page, "In the sweep", _SWEEP_KEYS)
        self._part(page, "In tables", _TABLE_KEYS)
        page.add_row()
        page.add_row(
            "",
            Text(
                "Keys are remapped in the config file, [keys]; `embedtui config path` says where."
            ),
        )
        return page

    def _part(self, page: Table, title: str, rows: Iterable[tuple[str, str]]) -> None:
        page.add_row()
        page.add_row(Text(title, style="underline"), "")
        for left, right in rows:
            page.add_row(Text(left), Text(right))


def _keys(keys: str) -> str:
    return " ".join(shown(key) for key in keys.split(","))
