"""The model picker: what is here, a path, or the hub, and whether vLLM would run it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from embedtui import models
from embedtui.common.address import Address, is_address
from embedtui.common.errors import EmbedtuiError, InputError
from embedtui.common.printable import printable
from embedtui.engine.access import Access, Secret
from embedtui.models import ModelInfo
from embedtui.tui.pickers import path_completion
from embedtui.tui.pickers.style import FRAME_CSS, Options, Over
from embedtui.tui.state.background import in_background
from embedtui.tui.viewmodel.model_facts import in_brief, mark_of

if TYPE_CHECKING:
    from embedtui.engine.port import EnginePool


class ModelPicker(Over[str | None]):
    """Search by typing; what is under the cursor is described below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", id="model.back"),
        Binding("down", "move(1)", "down", show=False, priority=True),
        Binding("up", "move(-1)", "up", show=False, priority=True),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]
    DEFAULT_CSS = f"ModelPicker {{ {FRAME_CSS} & OptionList {{ max-height: 14; }} }}"

    def __init__(self, current: str, engines: EnginePool | None = None) -> None:
        super().__init__()
        self._current = current
        self._engines = engines
        """What knows how servers are asked, and is told their key."""
        self._known: list[ModelInfo] = []
        self._described: dict[str, ModelInfo | str] = {}
        """What was found of a name, or why nothing was."""
        self._listed: list[str] = []
        """What the lines of the list stand for; nothing while the folder that is typed is read."""
        self._models: set[str] = set()
        """Paths that were seen to be models."""
        self._chosen = ""
        """What was chosen, until something else is typed."""
        self._served: list[str] = []
        """Addresses with the models that the server lists."""
        self._looking = True

    def compose(self) -> ComposeResult:
        """Put the list and the description below the line that is typed into."""
        with Vertical(classes="frame") as frame:
            frame.border_title = "model"
            frame.border_subtitle = (
                "type to search, a path or org/name   Tab complete   Enter choose   Esc back"
            )
            yield Input(placeholder="alias, ./folder or org/name", compact=True)
            yield Options()
            yield Static("", classes="details", markup=False, id="model-details")

    def on_mount(self) -> None:
        """Look for models."""
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._list()
        self._find()

    @in_background("looking for models", group="find-models", exclusive=True)
    def _find(self) -> None:
        self.call_later(self._found, models.find_models())

    def _found(self, found: list[ModelInfo]) -> None:
        self._known = found
        self._described |= {info.ref: info for info in found}
        self._looking = False
        self._list()

    @in_background("describing a model", group="describe-model")
    def _describe(self, ref: str) -> None:
        try:
            found: ModelInfo | str = models.resolve(ref)
        except InputError as error:
            found = str(error)
        self.call_later(self._describes, ref, found)

    def _describes(self, ref: str, found: ModelInfo | str) -> None:
        self._described[ref] = found
        self._show_details()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._chosen = ""
        self._list()

    @on(Input.Submitted)
    def _entered(self) -> None:
        ref = self._ref()
        if ref is not None:
            self._choose(ref)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        if event.option_index < len(self._listed):
            self._choose(self._listed[event.option_index])

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._show_details()

    def _choose(self, ref: str) -> None:
        if is_address(ref):
            self._choose_server(ref)
        else:
            self._chosen = ref
            self.query_one("#model-details", Static).update("\nlooking …")
            self._choose_model(ref)

    @in_background("describing the model", group="choose-model", exclusive=True)
    def _choose_model(self, ref: str) -> None:
        """Take a model that vLLM embeds with; a folder that is none is gone into."""
        if ref.endswith("/") and not _is_model(ref):
            self.call_later(self._go_into, ref)
            return
        try:
            models.require_embeddable(models.resolve(_bare(ref)))
        except InputError as error:
            self.call_later(self._refuse, _bare(ref), str(error))
        else:
            self.call_later(self._take, ref)

    def _go_into(self, folder: str) -> None:
        if folder == self._chosen:
            line = self.query_one(Input)
            line.value = folder
            line.action_end()

    def _take(self, ref: str) -> None:
        if ref == self._chosen:
            self.dismiss(_bare(ref))

    def _choose_server(self, ref: str) -> None:
        """Take a server's address, with the model that it is asked for."""
        try:
            address = Address.parse(ref)
        except InputError as error:
            self._refuse(ref, str(error))
            return
        if self._engines is not None:
            self._engines.access = self._engines.access.naming(address)
        self._described[ref] = f"asking {address.base} …"
        self._show_details()
        self._ask(ref, address)

    @in_background("asking the server", group="ask-server", exclusive=True)
    def _ask(self, ref: str, address: Address) -> None:
        """Find out which models the server has; only when it was chosen, not while it is typed."""
        from embedtui.engine.remote.choose_model import listed  # noqa: PLC0415 - servers alone need it

        access = self._engines.access if self._engines is not None else Access()
        try:
            found: list[str] | EmbedtuiError = listed(address, access)
        except EmbedtuiError as error:
            found = error
        self.call_later(self._answered, ref, address, found)

    def _answered(self, ref: str, address: Address, found: list[str] | EmbedtuiError) -> None:
        if isinstance(found, EmbedtuiError):
            self._refuse(ref, str(found))
            if getattr(found, "fault", "") == "no-access" and self._engines is not None:
                self._ask_key(address)
        elif address.model:  # a server has models that it does not list
            self.dismiss(str(address))
        elif len(found) == 1 and not address.model:
            self.dismiss(str(address.with_model(found[0])))
        elif not found:
            self._refuse(ref, f"the server lists no models: type one, as {address.base}#MODEL")
        else:
            self._served = [str(address.with_model(name)) for name in found]
            self.query_one(Input).value = f"{address.with_model('')}#"
            self._list()

    def _ask_key(self, address: Address) -> None:
        from embedtui.tui.pickers.key import KeyScreen  # noqa: PLC0415 - when it is asked for

        def typed(key: Secret | None) -> None:
            if key is not None and self._engines is not None:
                self._engines.access = self._engines.access.with_key(address, key)
                self._choose_server(str(address))

        self.app.push_screen(KeyScreen(address.origin), typed)

    def _refuse(self, ref: str, why: str) -> None:
        self._described[ref] = why
        self.query_one("#model-details", Static).update(Text(printable(why)))
        self.app.bell()

    def action_move(self, by: int) -> None:
        """Move through the list while the line keeps the keys."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()

    def action_complete(self) -> None:
        """Complete the path, or the name under the cursor."""
        line = self.query_one(Input)
        if path_completion.looks_like_path(line.value):
            self._complete(line.value)
        else:
            self._completed(line.value, self._ref() or line.value)

    @in_background("listing a folder", group="complete", exclusive=True)
    def _complete(self, typed: str) -> None:
        found = path_completion.complete(typed, lambda path: False)
        self.call_later(self._completed, typed, found.common)

    def _completed(self, typed: str, completed: str) -> None:
        """Put what was completed into the line, unless something else was typed meanwhile."""
        line = self.query_one(Input)
        if line.value == typed:
            line.value = completed
            line.action_end()

    def _ref(self) -> str | None:
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._listed):
            return self._listed[place]
        return self.query_one(Input).value.strip() or None

    def _list(self) -> None:
        typed = self.query_one(Input).value.strip()
        lines: list[tuple[str, Text]] = []
        if is_address(typed):
            lines += self._of_server(typed)
        elif path_completion.looks_like_path(typed):
            self._listed = []
            self._list_path(typed)
            return
        else:
            for info in self._known:
                if typed.casefold() in f"{info.ref} {info.name}".casefold():
                    facts = in_brief(info)
                    lines.append((info.ref, self._line(info.ref, facts, info.embeds)))
            if "/" in typed and not any(ref == typed for ref, _ in lines):
                lines.append((typed, self._line(typed, "ask the hub for it", "unknown")))
        self._show_list(typed, lines)

    @in_background("listing a folder", group="list-path", exclusive=True)
    def _list_path(self, typed: str) -> None:
        lines: list[tuple[str, Text]] = []
        found = path_completion.complete(typed, lambda path: False)
        seen = {_bare(ref) for ref in (typed, *(e.text for e in found.entries)) if _is_model(ref)}
        if _bare(typed) in seen:
            lines.append((_bare(typed), self._line(typed, "a model", "yes")))
        for entry in found.entries:
            model = _bare(entry.text) in seen
            word = "a model" if model else "folder"
            lines.append((entry.text, self._line(entry.text, word, "yes" if model else "")))
        if found.more:
            lines.append((typed, self._line(f"and {found.more} more: type on", "", "")))
        self.call_later(self._path_listed, typed, lines, seen)

    def _path_listed(self, typed: str, lines: list[tuple[str, Text]], seen: set[str]) -> None:
        self._models |= seen
        self._show_list(typed, lines)

    def _show_list(self, typed: str, lines: list[tuple[str, Text]]) -> None:
        if typed != self.query_one(Input).value.strip():
            return  # something else was typed meanwhile
        options = self.query_one(OptionList)
        self._listed = [ref for ref, _ in lines]
        options.clear_options()
        options.add_options([Option(line) for _, line in lines])
        if lines:
            current = self._current if not typed else ""
            options.highlighted = self._listed.index(current) if current in self._listed else 0
        self._show_details()

    def _of_server(self, typed: str) -> list[tuple[str, Text]]:
        """Return the models that the typed server is known to have, or the server itself."""
        served = [ref for ref in self._served if ref.startswith(typed)]
        if not served:
            return [(typed, self._line(typed, "measure this server", "unknown"))]
        return [(ref, self._line(ref, "served there", "")) for ref in served]

    def _line(self, ref: str, facts: str, embeds: str) -> Text:
        mark = mark_of(embeds)
        return Text.assemble(f"{mark} ", (printable(ref, 60), "bold"), f"  {facts}", no_wrap=True)

    def _show_details(self) -> None:
        ref = self._ref()
        details = self.query_one("#model-details", Static)
        if ref is None:
            details.update("looking for models …" if self._looking else "nothing is called that")
            return
        if is_address(ref):
            told = self._described.get(ref, "a server that speaks OpenAI's /v1/embeddings")
            details.update(Text("\n" + printable(str(told))))
            return
        ref = _bare(ref)
        found = self._described.get(ref)
        model = ref in self._models or not path_completion.looks_like_path(ref)
        if found is None and model:
            self._described[ref] = "looking …"
            self._describe(ref)
            found = self._described[ref]
        details.update(Text("\n" + (_details(found) if found is not None else "a folder")))


def _bare(ref: str) -> str:
    return ref.rstrip("/") or "/"


def _is_model(ref: str) -> bool:
    if not path_completion.looks_like_path(ref):
        return False
    try:
        return (Path(ref).expanduser() / "config.json").is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _details(found: ModelInfo | str) -> str:
    if isinstance(found, str):
        return printable(found)
    one = found
    lines = [f"{one.name}: {one.architecture or 'architecture unknown'}"]
    if one.layers and one.width:
        lines.append(f"{one.layers} layers × {one.width}")
    if one.pooling:
        lines.append(f"{one.pooling} pooling, says {one.pooling_source}")
    if one.parameters:
        stored = f", stored in {one.dtype}" if one.dtype else ""
        lines.append(f"{one.parameters / 1e6:.1f} M parameters{stored}")
    if one.bytes_on_disk:
        lines.append(f"{one.bytes_on_disk / 1e6:.1f} MB of weights")
    if one.max_length:
        lines.append(f"texts of up to {one.max_length} tokens")
    if one.folder is not None:
        lines.append(f"in {one.folder}")
    words = {"yes": "vLLM embeds with it", "no": "vLLM does not embed with it"}
    lines.append(words.get(one.embeds, "whether vLLM embeds with it is not known"))
    if one.reason:
        lines[-1] += f": {one.reason}"
    lines += models.notes(one)
    return "\n".join(map(printable, lines))
