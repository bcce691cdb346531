"""The text picker: packs and files, with a look into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.texts import PackInfo, TextPack, describe_packs, load_texts
from embedtui.tui.pickers import path_completion
from embedtui.tui.pickers.style import FRAME_CSS, Options, Over
from embedtui.tui.state.background import in_background

_WITH_COLUMNS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
_SUFFIXES = (".txt", *_WITH_COLUMNS)
_PREVIEW = 200
_SHOWN = 6


@dataclass(frozen=True)
class TextsChoice:
    """What `load_texts` is to be asked for."""

    ref: str
    column: str | None = None
    id_column: str | None = None
    limit: int | None = None


class TextsPicker(Over[TextsChoice | None]):
    """Choose a pack or a file; the first texts are shown before it is taken."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", id="texts.back"),
        Binding("down", "move(1)", "down", show=False, priority=True),
        Binding("up", "move(-1)", "up", show=False, priority=True),
        Binding("ctrl+t", "complete", "complete", show=False, priority=True),
    ]
    DEFAULT_CSS = f"""
    TextsPicker {{
        {FRAME_CSS}
        & OptionList {{ max-height: 9; }}
        & #texts-more {{ height: 1; }}
        & #texts-preview {{ text-wrap: nowrap; text-overflow: ellipsis; }}
        & #texts-preview.wrong {{ text-wrap: wrap; }}
        & #texts-more Label {{ width: auto; padding: 0 1 0 0; color: $muted; }}
        & #texts-more Input {{ width: 1fr; margin-right: 2; }}
    }}
    """

    def __init__(self, current: TextsChoice) -> None:
        super().__init__()
        self._current = current
        self._packs: list[PackInfo] = []
        self._listed: list[str] = []
        """What the lines of the list stand for; nothing while the folder that is typed is read."""
        self._asked: TextsChoice | None = None
        self._chosen: TextsChoice | None = None
        """What was chosen, until something else is typed."""

    def compose(self) -> ComposeResult:
        """Put list, columns and preview below the line that is typed into."""
        now = self._current
        with Vertical(classes="frame") as frame:
            frame.border_title = "texts"
            frame.border_subtitle = (
                "type a pack or a path   → complete   Tab columns   Enter choose   Esc back"
            )
            path = now.ref if path_completion.looks_like_path(now.ref) else ""
            yield Input(path, placeholder="a pack's name, or ./file.jsonl", id="texts-ref")
            yield Options()
            with Horizontal(id="texts-more"):
                yield Label("text column")
                yield Input(now.column or "", placeholder="text", id="texts-column")
                yield Label("id column")
                yield Input(now.id_column or "", placeholder="id", id="texts-id")
                yield Label("first")
                limit = str(now.limit) if now.limit else ""
                yield Input(limit, placeholder="all", id="texts-limit", type="integer")
            yield Static("", classes="details", markup=False, id="texts-preview")

    def on_mount(self) -> None:
        """List the packs."""
        self.query_one(OptionList).can_focus = False
        self._find()
        self.query_one("#texts-ref", Input).focus()

    @in_background("looking for texts", group="find-texts")
    def _find(self) -> None:
        self.call_later(self._found, describe_packs())

    def _found(self, packs: list[PackInfo]) -> None:
        self._packs = packs
        self._list()

    @on(Input.Changed, "#texts-ref")
    def _typed(self) -> None:
        self._chosen = None
        self._list()

    @on(Input.Changed, "#texts-column, #texts-id, #texts-limit")
    def _changed(self) -> None:
        self._chosen = None
        self._look()

    @on(Input.Submitted)
    def _entered(self) -> None:
        ref = self._ref()
        if ref is not None and ref.endswith("/"):
            line = self.query_one("#texts-ref", Input)
            line.value = ref
            line.focus()
            line.action_end()
        else:
            self._choose()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        if event.option_index < len(self._listed):
            self.query_one(OptionList).highlighted = event.option_index
            self._entered()

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._look()

    def action_move(self, by: int) -> None:
        """Move through the list while the line keeps the keys."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()

    def on_key(self, event: object) -> None:
        """Complete the path when the cursor goes beyond its end."""
        line = self.query_one("#texts-ref", Input)
        at_end = line.has_focus and line.cursor_position == len(line.value)
        if getattr(event, "key", "") == "right" and at_end:
            self.action_complete()

    def action_complete(self) -> None:
        """Complete the path, or the name under the cursor."""
        line = self.query_one("#texts-ref", Input)
        if path_completion.looks_like_path(line.value):
            self._complete(line.value)
        else:
            self._completed(line.value, self._ref() or line.value)

    @in_background("listing a folder", group="complete", exclusive=True)
    def _complete(self, typed: str) -> None:
        found = path_completion.complete(typed, _wanted)
        self.call_later(self._completed, typed, found.common)

    def _completed(self, typed: str, completed: str) -> None:
        """Put what was completed into the line, unless something else was typed meanwhile."""
        line = self.query_one("#texts-ref", Input)
        if line.value == typed:
            line.value = completed if completed != typed else self._ref() or ""
            line.action_end()

    def _ref(self) -> str | None:
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._listed):
            return self._listed[place]
        return self.query_one("#texts-ref", Input).value.strip() or None

    def _list(self) -> None:
        typed = self.query_one("#texts-ref", Input).value.strip()
        if path_completion.looks_like_path(typed) or "/" in typed:
            self._listed = []
            self._list_path(typed)
            return
        found = [pack for pack in self._packs if typed.casefold() in pack.name.casefold()]
        self._show_list(typed, [(pack.name, _line(pack.name, pack.description)) for pack in found])

    @in_background("listing a folder", group="list-path", exclusive=True)
    def _list_path(self, typed: str) -> None:
        found = path_completion.complete(typed, _wanted)
        lines = [
            (one.text, _line(one.text, "folder" if one.folder else "")) for one in found.entries
        ]
        if found.more:
            lines.append((typed, _line(f"and {found.more} more: type on", "")))
        self.call_later(self._show_list, typed, lines)

    def _show_list(self, typed: str, lines: list[tuple[str, Text]]) -> None:
        if typed != self.query_one("#texts-ref", Input).value.strip():
            return  # something else was typed meanwhile
        options = self.query_one(OptionList)
        self._listed = [ref for ref, _ in lines]
        options.clear_options()
        options.add_options([Option(line) for _, line in lines])
        if lines:
            current = self._current.ref
            known = not typed and current in self._listed
            options.highlighted = self._listed.index(current) if known else 0
        self._look()

    def _choice(self) -> TextsChoice | None:
        ref = self._ref()
        if ref is None:
            return None
        limit = self.query_one("#texts-limit", Input).value.strip()
        # What was typed for another file counts for none that has no columns.
        columns = ref.lower().endswith(_WITH_COLUMNS)
        return TextsChoice(
            ref,
            (self.query_one("#texts-column", Input).value.strip() or None) if columns else None,
            (self.query_one("#texts-id", Input).value.strip() or None) if columns else None,
            int(limit) if limit.isdecimal() and int(limit) else None,
        )

    def _look(self) -> None:
        choice = self._choice()
        if choice == self._asked:
            return
        self._asked = choice
        if choice is None or choice.ref.endswith("/"):
            self._show("")
            return
        self._show("reading …")
        self._read(choice)

    @in_background("reading texts", group="preview")
    def _read(self, choice: TextsChoice) -> None:
        limit = min(choice.limit or _PREVIEW, _PREVIEW)
        try:
            pack = load_texts(
                choice.ref, column=choice.column, id_column=choice.id_column, limit=limit
            )
            said = _preview(pack, limit)
        except InputError as error:
            self.call_later(self._answer, choice, printable(str(error)), wrong=True)
        else:
            self.call_later(self._answer, choice, said)

    def _answer(self, choice: TextsChoice, said: str, *, wrong: bool = False) -> None:
        if choice == self._asked and self.is_mounted:
            self._show(said, wrong=wrong)

    def _show(self, said: str, *, wrong: bool = False) -> None:
        preview = self.query_one("#texts-preview", Static)
        preview.set_class(wrong, "wrong")
        preview.update(Text("\n" + said))

    def _choose(self) -> None:
        self._chosen = self._choice()
        if self._chosen is not None:
            self._show("reading …")
            self._check(self._chosen)

    @in_background("reading texts", group="choose-texts", exclusive=True)
    def _check(self, choice: TextsChoice) -> None:
        """Take texts that can be read, all of them: a file may be broken below its first lines."""
        try:
            load_texts(
                choice.ref, column=choice.column, id_column=choice.id_column, limit=choice.limit
            )
        except InputError as error:
            self.call_later(self._refuse, choice, printable(str(error)))
        else:
            self.call_later(self._take, choice)

    def _refuse(self, choice: TextsChoice, why: str) -> None:
        if choice == self._chosen:
            self._show(why, wrong=True)
            self.app.bell()

    def _take(self, choice: TextsChoice) -> None:
        if choice == self._chosen:
            self.dismiss(choice)


def _wanted(path: object) -> bool:
    return str(path).lower().endswith(_SUFFIXES)


def _line(ref: str, words: str) -> Text:
    return Text.assemble((f"{printable(ref, 60):<12}", "bold"), "  ", printable(words))


def _preview(pack: TextPack, limit: int) -> str:
    lengths = sorted(len(one.text) for one in pack.texts)
    count = f"the first {limit}" if len(pack) == limit else f"{len(pack)}"
    lines = [
        f"{count} texts of {lengths[0]} to {lengths[-1]} characters, "
        f"half of them up to {lengths[len(lengths) // 2]}"
    ]
    for one in pack.texts[:_SHOWN]:
        lines.append(f"{printable(one.id, 10):<10}  {printable(one.text[:400], 200)}")
    return "\n".join(lines)
