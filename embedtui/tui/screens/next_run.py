"""The drawer over the overview: what the next run measures."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message

from embedtui.common.address import is_address
from embedtui.common.printable import printable
from embedtui.engine.settings import SWITCHES
from embedtui.plan.choices import Choices
from embedtui.plan.scenarios import Scenario
from embedtui.plan.server_sides import applicable
from embedtui.tui.pickers.path_completion import short_name
from embedtui.tui.pickers.style import Over
from embedtui.tui.viewmodel.view_state import NextRun
from embedtui.tui.widgets.batch_sizes import BatchSizes
from embedtui.tui.widgets.explorer_app import explorer_of
from embedtui.tui.widgets.field import Field
from embedtui.tui.widgets.toggle_group import Toggle, ToggleGroup

_DTYPES = (
    ("bfloat16", "bfloat16", "wide range, few digits"),
    ("float32", "float32", "the widest; on a GPU attention may still run in TF32"),
    ("float16", "float16", "vLLM's own choice for a model stored in float32"),
    ("auto", "auto", "whatever vLLM chooses"),
)
_OPENERS = (
    ("m", "model"),
    ("t", "texts"),
    ("u", "use"),
    ("U", "situation"),
    ("A", "advanced"),
    ("S", "choose_sweep"),
)
"""Keys that open over the drawer what they open everywhere."""


class NextRunScreen(Over[str | None]):
    """Fields that open pickers, and chips; what is changed counts at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,a", "dismiss(None)", "close", id="next.close"),
        Binding("r,f5", "dismiss('run')", "run", id="next.run"),
        Binding("d", "part('dtypes')", "dtypes", show=False, id="next.dtypes"),
        Binding("b", "part('sizes-chips')", "batch sizes", show=False, id="next.sizes"),
        *(
            Binding(key, f"app.{action}", action, show=False, id=f"next.{action}")
            for key, action in _OPENERS
        ),
    ]
    DEFAULT_CSS = """
    NextRunScreen { align: right top; }
    NextRunScreen > VerticalScroll {
        width: 56; max-width: 96%; height: auto; max-height: 100%; padding: 0 1;
        border: round $primary; background: $surface;
        border-title-color: $primary; border-subtitle-color: $muted;
        scrollbar-size-vertical: 1;
    }
    """

    class Chose(Message):
        """Something that the next run measures was changed."""

        def __init__(self, **changes: Any) -> None:
            super().__init__()
            self.changes = changes

    def __init__(self, part: str = "") -> None:
        """Open it at a part: the id of a widget in it."""
        super().__init__()
        self._part = part or "field-run"

    def compose(self) -> ComposeResult:
        """Put the fields one below the other."""
        choices = explorer_of(self).choices
        with VerticalScroll(can_focus=False) as body:
            body.border_title = "next run"
            body.border_subtitle = "r run   Esc close"
            yield Field("run", "Run", "", id="field-run")
            yield Field("model", "Model", "", id="field-model")
            yield Field("texts", "Texts", "", id="field-texts")
            yield ToggleGroup(
                [Toggle(value, label, tip) for value, label, tip in _DTYPES],
                selected=tuple(choices.chosen[0]["dtype"]),
                title="dtype",
                id="dtypes",
            )
            yield BatchSizes(choices.batch_sizes, id="batch-sizes")
            yield Field("advanced", "More", "", id="field-advanced")
            yield Field("choose_sweep", "Sweep", "many settings at once", id="field-sweep")
            yield Field("use", "Use", "", id="field-use")
            yield Field("situation", "Meets", "", id="field-situation")

    def on_mount(self) -> None:
        """Show what is chosen."""
        app = explorer_of(self)
        self.show_choices(app.choices, app.framer.view_state.next_run)
        self.show_use(app.framer.view_state.scenario)
        self.show_model(*app.model_facts())
        self.action_part(self._part)

    def action_part(self, part: str) -> None:
        """Give a part the keys."""
        self.query_one(f"#{part}").focus()

    def show_choices(self, choices: Choices, planned: NextRun) -> None:
        """Show what the next run measures."""
        limit = f", {choices.limit} of them" if choices.limit else ""
        self.query_one("#field-texts", Field).show(f"{short_name(choices.texts)}{limit}")
        chosen = dict(choices.chosen[0])
        chips = self.query_one("#dtypes", ToggleGroup)
        chips.replace(chips.options, [str(value) for value in chosen.pop("dtype")])
        chips.display = not is_address(choices.model)  # a server has the dtype that it has
        self.query_one(BatchSizes).show(choices.batch_sizes)
        more = changes_of(choices)
        self.query_one("#field-advanced", Field).show(
            f"{len(more)} changed" if more else "all at default", ", ".join(more)
        )
        many, sizes = len(planned.labels), len(planned.batch_sizes)
        said = f"{many} setting{'s' if many != 1 else ''} × {sizes} size{'s' if sizes != 1 else ''}"
        self.query_one("#field-run", Field).show("press r or Enter", said)

    def show_model(self, ref: str, name: str, note: str) -> None:
        """Show what the chosen model is, once that is known."""
        if ref == explorer_of(self).choices.model:
            self.query_one("#field-model", Field).show(name, note)

    def show_use(self, use: Scenario) -> None:
        """Show what the embeddings are for."""
        self.query_one("#field-use", Field).show(use.name, f"limit: {use.limit}")
        self.query_one("#field-situation", Field).show(use.situation, f"{use.binding} decides")

    @on(Field.Activated)
    async def _activated(self, event: Field.Activated) -> None:
        event.stop()
        if event.field.name == "run":
            self.dismiss("run")
        else:
            await self.app.run_action(event.field.name or "")

    @on(ToggleGroup.Changed, "#dtypes")
    def _dtypes(self, event: ToggleGroup.Changed) -> None:
        event.stop()
        chosen = {**explorer_of(self).choices.chosen[0], "dtype": list(event.selected)}
        self.post_message(self.Chose(chosen=(chosen,)))

    @on(ToggleGroup.Refused)
    def _refused(self, event: ToggleGroup.Refused) -> None:
        event.stop()
        self.notify(event.reason, markup=False, timeout=4)

    @on(BatchSizes.Changed)
    def _batch_sizes(self, event: BatchSizes.Changed) -> None:
        event.stop()
        self.post_message(self.Chose(batch_sizes=event.sizes))


def changes_of(choices: Choices) -> list[str]:
    """Return what is not at its default, beside dtypes and batch sizes."""
    counted = applicable(choices)
    known = {switch.key: switch for switch in SWITCHES}
    more = [
        f"{key}={','.join(known[key].show(value) for value in values)}"
        for key, values in choices.chosen[0].items()
        if key != "dtype" and key in counted.chosen[0]
    ]
    more += [f"repeats={choices.repeats}"] if choices.repeats != 1 else []
    more += [f"shuffles={choices.shuffles}"] if choices.shuffles != 2 else []
    more += [f"restarts={counted.restarts}"] if counted.restarts else []
    more += ["no reference"] if not choices.reference else []
    more += [f"against {printable(counted.against, 30)}"] if counted.against else []
    more += [f"prompt {printable(choices.prompt, 20)}"] if choices.prompt else []
    more += ["too long: left out"] if choices.too_long != "truncate" else []
    return more
