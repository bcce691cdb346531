"""The first view: what to measure at the left, what was found beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message

from embedtui.common.address import is_address
from embedtui.common.printable import printable
from embedtui.engine.settings import SWITCHES
from embedtui.plan.choices import Choices, settings_of
from embedtui.plan.scenarios import METRIC_NAMES, Scenario
from embedtui.plan.server_sides import applicable
from embedtui.tui.pickers.path_completion import looks_like_path
from embedtui.tui.viewmodel.frames import Frame
from embedtui.tui.viewmodel.view_state import View
from embedtui.tui.views.texts import TextsPane
from embedtui.tui.widgets.batch_sizes import BatchSizes
from embedtui.tui.widgets.chart import ChartView
from embedtui.tui.widgets.explorer_app import explorer_of
from embedtui.tui.widgets.field import Field
from embedtui.tui.widgets.settings_table import SettingsTable
from embedtui.tui.widgets.titles import entitle
from embedtui.tui.widgets.toggle_group import Toggle, ToggleGroup

OVER = {
    "by-batch-size": "batch size",
    "by-position": "place in the batch",
    "by-tokens": "tokens",
}
"""What drift is drawn over in the second chart, and what that is called."""
_DTYPES = (
    ("bfloat16", "bfloat16", "wide range, few digits"),
    ("float32", "float32", "the widest; on a GPU attention may still run in TF32"),
    ("float16", "float16", "vLLM's own choice for a model stored in float32"),
    ("auto", "auto", "whatever vLLM chooses"),
)


class ExploreView(Vertical):
    """Settings, charts, the board of settings, and a table where there is room."""

    DEFAULT_CSS = """
    ExploreView .box {
        border: round $panel-lighten-1; border-title-color: $muted; padding: 0 1;
        border-subtitle-color: $muted;
    }
    ExploreView .box:focus-within { border: round $primary; border-title-color: $primary; }
    ExploreView #settings { width: 38; height: 1fr; }
    ExploreView #upper { height: 2fr; }
    ExploreView #found { width: 1fr; height: 1fr; }
    ExploreView #charts { height: 1fr; }
    ExploreView #drift { width: 3fr; }
    ExploreView #sizes { width: 2fr; }
    ExploreView #board-box { height: auto; }
    ExploreView #few-texts { height: 1fr; display: none; }
    """

    class Chose(Message):
        """Something that the next run measures was changed."""

        def __init__(self, **changes: Any) -> None:
            super().__init__()
            self.changes = changes

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._over = "by-batch-size"

    _model = ("", "", "")
    """The model that is described, its name, and what it is."""

    @property
    def _of_files(self) -> bool:
        """Whether run files are shown, and there is nothing to choose for a next run."""
        return explorer_of(self).opened is not None

    def compose(self) -> ComposeResult:
        """Lay the panes out."""
        self.add_class("settings")
        choices = explorer_of(self).choices
        with Horizontal(id="upper"):
            with VerticalScroll(id="settings", classes="box", can_focus=False) as box:
                box.border_title = "1 settings"
                yield Field("run", "Run", "", id="field-run")
                yield Field("model", "Model", "", id="field-model")
                yield Field("texts", "Texts", "", id="field-texts")
                yield Field("made", "Made", "", id="field-made")
                yield Field("use", "Use", "", id="field-use")
                yield ToggleGroup(
                    [Toggle(value, label, tip) for value, label, tip in _DTYPES],
                    selected=tuple(choices.chosen[0]["dtype"]),
                    title="dtype",
                    id="dtypes",
                )
                yield BatchSizes(choices.batch_sizes, id="batch-sizes")
                yield Field("advanced", "More", "", id="field-advanced")
            with Vertical(id="found"):
                with Horizontal(id="charts"):
                    with Vertical(id="drift", classes="box") as box:
                        box.border_title = "2 batch drift"
                        yield ChartView("histogram", id="histogram")
                    with Vertical(id="sizes", classes="box") as box:
                        box.border_title = "3 largest drift by batch size"
                        for name in OVER:
                            yield ChartView(name, id=name)
                with Vertical(id="board-box", classes="box"):
                    yield SettingsTable(id="board")
        pane = TextsPane(id="few-texts", classes="box")
        pane.border_title = "4 texts"
        yield pane

    def on_mount(self) -> None:
        """Show what is chosen."""
        self.query_one("#field-made").display = self._of_files
        if self._of_files:
            for part in ("field-run", "dtypes", "batch-sizes", "field-advanced"):
                self.query_one(f"#{part}").display = False
            for told in ("field-texts", "field-made"):
                self.query_one(f"#{told}").disabled = True
        for name in OVER:
            self.query_one(f"#{name}").display = name == self._over
        self.show_choices(explorer_of(self).choices)
        self.show_use(explorer_of(self).framer.view_state.scenario)
        self.focus_first()

    # --- what is chosen -----------------------------------------------------------------------

    def show_choices(self, choices: Choices) -> None:
        """Show what the next run measures."""
        if self._of_files:
            return
        field = self.query_one("#field-model", Field)
        if choices.model != self._model[0]:
            self._model = choices.model, choices.model, ""
        field.show(*self._model[1:])
        limit = f", {choices.limit} of them" if choices.limit else ""
        texts = Path(choices.texts).name if looks_like_path(choices.texts) else choices.texts
        self.query_one("#field-texts", Field).show(f"{texts}{limit}")
        chosen = dict(choices.chosen[0])
        dtypes = [str(value) for value in chosen.pop("dtype")]
        chips = self.query_one("#dtypes", ToggleGroup)
        chips.replace(chips.options, dtypes)
        chips.display = not is_address(choices.model)  # a server has the dtype that it has
        counted = applicable(choices)
        chosen = {key: chosen[key] for key in chosen if key in counted.chosen[0]}
        self.query_one(BatchSizes).show(choices.batch_sizes)
        known = {switch.key: switch for switch in SWITCHES}
        more = [
            f"{key}={','.join(known[key].show(value) for value in values)}"
            for key, values in chosen.items()
        ]
        more += [f"repeats={choices.repeats}"] if choices.repeats != 1 else []
        more += [f"shuffles={choices.shuffles}"] if choices.shuffles != 2 else []
        more += [f"restarts={counted.restarts}"] if counted.restarts else []
        more += ["no reference"] if not choices.reference else []
        more += [f"against {printable(counted.against, 30)}"] if counted.against else []
        more += [f"prompt {printable(choices.prompt, 20)}"] if choices.prompt else []
        more += ["too long: left out"] if choices.too_long != "truncate" else []
        self.query_one("#field-advanced", Field).show(
            f"{len(more)} changed" if more else "all at default", ", ".join(more)
        )
        count = len(settings_of("", counted.chosen))
        settings = f"{count} setting{'s' if count > 1 else ''}"
        sizes = f"{len(choices.batch_sizes)} size{'s' if len(choices.batch_sizes) > 1 else ''}"
        self._planned = f"{settings} × {sizes}"
        self._show_run("idle")

    def show_model(self, ref: str, name: str, note: str) -> None:
        """Show what the chosen model is, once that is known."""
        self._model = ref, name, note
        if ref == explorer_of(self).choices.model:
            self.query_one("#field-model", Field).show(name, note)

    def show_use(self, use: Scenario) -> None:
        """Show what the embeddings are for."""
        self.query_one("#field-use", Field).show(
            use.name, f"bears {use.limit}; {use.binding} decides"
        )

    def _show_run(self, state: str) -> None:
        words = {
            "idle": "press r or Enter",
            "running": "running: Esc stops",
            "cancelling": "stopping: Esc kills",
            "killing": "killing the engine",
        }
        self.query_one("#field-run", Field).show(words[state], self._planned)

    @on(Field.Activated)
    async def _activated(self, event: Field.Activated) -> None:
        event.stop()
        await self.app.run_action(event.field.name or "")

    @on(ToggleGroup.Changed, "#dtypes")
    def _dtypes(self, event: ToggleGroup.Changed) -> None:
        event.stop()
        choices = explorer_of(self).choices
        chosen = {**choices.chosen[0], "dtype": list(event.selected)}
        self.post_message(self.Chose(chosen=(chosen,)))

    @on(ToggleGroup.Refused)
    def _refused(self, event: ToggleGroup.Refused) -> None:
        event.stop()
        self.notify(event.reason, markup=False, timeout=4)

    @on(BatchSizes.Changed)
    def _batch_sizes(self, event: BatchSizes.Changed) -> None:
        event.stop()
        self.post_message(self.Chose(batch_sizes=event.sizes))

    # --- what was found -----------------------------------------------------------------------

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        view = frame.view
        for chart in self.query(ChartView):
            chart.show(frame.pictures.get(chart.picture_name))
        self.query_one(SettingsTable).show(view)
        if self._of_files:
            self._show_recorded(view)
        else:
            self._show_run(view.state)
        metric = METRIC_NAMES[view.view_state.metric]
        size = view.view_state.histogram_of
        which = "each text's largest" if size is None else f"at batch size {size}"
        entitle(self.query_one("#drift"), f"2 batch drift, {metric}, {which}")
        if self._over == "by-batch-size":
            entitle(self.query_one("#sizes"), f"3 largest {metric} by batch size")
        elif view.focus is not None:
            trend = view.per_text.trend if view.per_text else None
            at = f"@{trend.batch_size}, " if trend else ""
            label = printable(view.focus.label, 40)
            entitle(self.query_one("#sizes"), f"3 {metric} by {OVER[self._over]}, {at}{label}")
        texts = self.query_one("#few-texts", TextsPane)
        if texts.display and view.per_text is not None and view.focus is not None:
            texts.show(view)
            entitle(self.query_one("#few-texts"), f"4 texts, {printable(view.focus.label, 60)}")

    def _show_recorded(self, view: View) -> None:
        """Show what the run was that is opened."""
        counted = f"{len(view.lines)} settings; m: another"
        self.query_one("#field-model", Field).show(view.model, counted)
        self.query_one("#field-texts", Field).show(f"{view.texts_count} texts", view.texts)
        date, _, where = view.recorded.partition(" ")
        self.query_one("#field-made", Field).show(date, where)

    def next_over(self) -> str:
        """Draw drift over the next thing; return its name."""
        names = list(OVER)
        self._over = names[(names.index(self._over) + 1) % len(names)]
        for name in names:
            self.query_one(f"#{name}").display = name == self._over
        return OVER[self._over]

    def open(self, pane: str) -> None:
        """Show one pane where there is room for one only."""
        if not self.has_class(pane):
            self.remove_class("settings", "drift", "sizes")
            self.add_class(pane)

    def focus_pane(self, pane: str) -> None:
        """Give a pane the keys."""
        if pane == "settings":
            self.focus_first()
        else:
            self.query_one("#board").focus()

    def focus_part(self, part: str) -> None:
        """Give the dtypes or the batch sizes the keys."""
        self.query_one("#dtypes" if part == "dtypes" else "#sizes-chips").focus()

    def focus_first(self) -> None:
        """Give the first line the keys."""
        self.query_one("#field-model" if self._of_files else "#field-run").focus()
