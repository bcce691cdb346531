"""Batch sizes: chips for the usual ones, and a line for any."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from embedtui.common.errors import InputError
from embedtui.plan.batch_sizes import parse_batch_sizes
from embedtui.tui.widgets.toggle_group import Toggle, ToggleGroup

_USUAL = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_MOST_CHIPS = 16
_BASELINE = "unbatched is what the others are compared with"


class BatchSizes(Vertical):
    """A toggle group and a line of text that follow each other."""

    DEFAULT_CSS = """
    BatchSizes { height: auto; }
    BatchSizes Input { height: 1; border: none; padding: 0; margin-left: 8; background: $boost; }
    BatchSizes #sizes-error { color: $error; height: auto; margin-left: 8; display: none; }
    BatchSizes.bad #sizes-error { display: block; }
    """

    class Changed(Message):
        """Other batch sizes are chosen."""

        def __init__(self, sizes: tuple[int, ...]) -> None:
            super().__init__()
            self.sizes = sizes

    def __init__(self, sizes: Sequence[int], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.value = tuple(sorted({1, *sizes}))
        """The chosen batch sizes, 1 always among them."""

    def compose(self) -> ComposeResult:
        """Put the chips above the line."""
        yield ToggleGroup(self._chips(), self._on(), title="batch", id="sizes-chips")
        yield Input(
            show_sizes(self.value), placeholder="1,2,4-64*2", compact=True, id="sizes-input"
        )
        yield Static("", id="sizes-error", markup=False)

    def show(self, sizes: Sequence[int]) -> None:
        """Show other sizes; tells nobody."""
        self.value = tuple(sorted({1, *sizes}))
        self._show_chips()
        field = self.query_one(Input)
        if not field.has_focus:
            with self.prevent(Input.Changed):
                field.value = show_sizes(self.value)

    @on(ToggleGroup.Changed)
    def _chip(self, event: ToggleGroup.Changed) -> None:
        event.stop()
        hidden = [size for size in self.value if str(size) not in self._shown()]
        self._take(tuple(sorted({1, *map(int, event.selected), *hidden})))
        with self.prevent(Input.Changed):
            self.query_one(Input).value = show_sizes(self.value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            sizes = parse_batch_sizes(event.value)
        except InputError as error:
            self.query_one("#sizes-error", Static).update(str(error))
            self.add_class("bad")
        else:
            self.remove_class("bad")
            self._take(tuple(sorted({1, *sizes})))
            self._show_chips()

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        if not self.has_class("bad"):
            self.screen.focus_next()

    def _take(self, sizes: tuple[int, ...]) -> None:
        if sizes != self.value:
            self.value = sizes
            self.post_message(self.Changed(sizes))

    def _shown(self) -> list[str]:
        return [chip.value for chip in self.query_one(ToggleGroup).options]

    def _show_chips(self) -> None:
        self.query_one(ToggleGroup).replace(self._chips(), self._on())

    def _chips(self) -> list[Toggle]:
        shown = sorted({*_USUAL, *self.value})
        if len(shown) > _MOST_CHIPS:
            shown = list(_USUAL)
        return [
            Toggle(str(size), str(size), refused=_BASELINE if size == 1 else "") for size in shown
        ]

    def _on(self) -> tuple[str, ...]:
        return tuple(str(size) for size in self.value)


def show_sizes(sizes: Sequence[int]) -> str:
    """Return batch sizes as a person would type them: a run of doublings as a range."""
    parts: list[str] = []
    rest = sorted(set(sizes))
    while rest:
        run = [rest[0]]
        while len(run) < len(rest) and rest[len(run)] == run[-1] * 2:
            run.append(rest[len(run)])
        if len(run) > 3:
            parts.append(f"{run[0]}-{run[-1]}*2")
            rest = rest[len(run) :]
        else:
            parts.append(str(rest.pop(0)))
    return ",".join(parts)
