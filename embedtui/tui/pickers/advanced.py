"""Every switch but the dtype, each explained; several values of one are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from embedtui.common.errors import InputError
from embedtui.common.machine import Device
from embedtui.engine.settings import SWITCHES, Switch, why_not
from embedtui.plan.choices import Choices
from embedtui.tui.pickers.style import FRAME_CSS, Over
from embedtui.tui.widgets.toggle_group import Toggle, ToggleGroup

_MANY = 16
_TIMES = {
    "repeats": "how often unbatched and largest batches are run again: the noise floor",
    "shuffles": "in how many other orders the largest batches are tried: other company, other "
    "places",
    "restarts": "how often the engine is loaded anew to run them again",
}


class AdvancedScreen(Over[Choices | None]):
    """Changes are kept with Escape or Enter on a line of text; nothing has to be confirmed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "keep", "done", id="advanced.done"),
        # A line of text would take it for cutting.
        Binding(
            "ctrl+x",
            "forget",
            "back without changes",
            show=False,
            priority=True,
            id="advanced.forget",
        ),
        Binding("D", "reset", "all to their defaults", show=False, id="advanced.reset"),
    ]
    DEFAULT_CSS = f"""
    AdvancedScreen {{
        {FRAME_CSS}
        & .frame {{ height: 92%; }}
        & VerticalScroll {{ height: 1fr; scrollbar-size-vertical: 1; }}
        & .switch {{ height: auto; margin-bottom: 1; }}
        & .name {{ text-style: bold; height: 1; }}
        & .explained {{ color: $muted; height: auto; }}
        & .refused {{ color: $disabled; height: auto; }}
        & #advanced-count {{ height: 1; color: $muted; }}
        & #advanced-count.many {{ color: $warning; }}
        &:ansi .explained {{ text-style: dim; }}
    }}
    """

    def __init__(self, now: Choices, *, device: Device, dtypes: int) -> None:
        super().__init__()
        self._now = now
        self._device = device
        self._dtypes = dtypes
        self._chosen: dict[str, list[Any]] = {
            key: list(values) for key, values in now.chosen[0].items() if key != "dtype"
        }
        self._times = {"repeats": now.repeats, "shuffles": now.shuffles, "restarts": now.restarts}
        self._truth, self._too_long = now.truth, now.too_long
        self._prompt = now.prompt
        self._against = now.against
        self._bad: set[str] = set()

    def compose(self) -> ComposeResult:
        """Put a part for each switch, and how many settings that makes, into the frame."""
        with Vertical(classes="frame") as frame:
            frame.border_title = "advanced: what else can move an embedding"
            frame.border_subtitle = "Space switches   Tab next   D all to default   Esc done"
            with VerticalScroll(can_focus=False):
                for switch in SWITCHES:
                    if switch.key != "dtype" and self._is_wanted(switch):
                        yield from self._switch(switch)
                yield from self._options()
            yield Static("", id="advanced-count", markup=False)

    def _is_wanted(self, switch: Switch) -> bool:
        """Say whether a switch has a meaning here: a server has its own, and only servers those."""
        if self._device == "server":
            return "server" in switch.devices
        return not switch.is_for_servers_alone

    def _switch(self, switch: Switch) -> ComposeResult:
        refused = self._device not in switch.devices
        with Vertical(classes="switch"):
            yield Static(
                self._heading(switch), classes="name", id=f"name-{switch.key}", markup=False
            )
            if refused:
                where = "on a GPU only" if self._device == "cpu" else "on the CPU only"
                said = f"{where}: {switch.refusal}"
                yield Static(said, classes="refused", markup=False)
            elif switch.choices:
                yield ToggleGroup(self._chips(switch), self._on(switch), id=f"switch-{switch.key}")
            else:
                values = self._chosen.get(switch.key, [switch.default])
                yield Input(
                    ",".join(switch.show(value) for value in values),
                    id=f"switch-{switch.key}",
                    placeholder="auto, or whole numbers: 1,2",
                )
                yield Static("", classes="error", id=f"error-{switch.key}", markup=False)
            yield Static(switch.help, classes="explained", markup=False)

    def _options(self) -> ComposeResult:
        with Vertical(classes="switch"):
            yield Static("prompt", classes="name", markup=False)
            yield Input(
                self._prompt, id="option-prompt", placeholder="none; a name or a text: query:␣"
            )
            said = "put before every text: one of the model's own by its name, or a text"
            yield Static(said, classes="explained", markup=False)
        for name, said in _TIMES.items():
            if name == "restarts" and self._device == "server":
                continue  # it is not ours to start anew
            with Vertical(classes="switch"):
                yield Static(name, classes="name", markup=False)
                numbers = [
                    Toggle(str(n), str(n)) for n in sorted({0, 1, 2, 3, 5, self._times[name]})
                ]
                now = str(self._times[name])
                yield ToggleGroup(numbers, (now,), single=True, id=f"option-{name}")
                yield Static(said, classes="explained", markup=False)
        if self._device == "server":
            with Vertical(classes="switch"):
                yield Static("against", classes="name", markup=False)
                yield Input(self._against, id="option-against", placeholder="none; alias or folder")
                said = "the same model on this machine: its float64 truth judges the server"
                yield Static(said, classes="explained", markup=False)
            return
        with Vertical(classes="switch"):
            yield Static("float64 truth", classes="name", markup=False)
            chips = [Toggle("on", "on"), Toggle("off", "off")]
            now = "on" if self._truth else "off"
            yield ToggleGroup(chips, (now,), single=True, id="option-truth")
            said = "each text once in float64 on the same weights, kept for next time"
            yield Static(said, classes="explained", markup=False)
        with Vertical(classes="switch"):
            yield Static("texts beyond the model's limit", classes="name", markup=False)
            chips = [Toggle("truncate", "truncate"), Toggle("refuse", "leave out")]
            yield ToggleGroup(chips, (self._too_long,), single=True, id="option-too-long")

    def on_mount(self) -> None:
        """Say how many settings there are, and begin at the top."""
        self._count()
        for error in self.query(".error"):
            error.display = False
        self.call_after_refresh(self.query_one(VerticalScroll).scroll_home, animate=False)

    @on(ToggleGroup.Changed)
    def _chip(self, event: ToggleGroup.Changed) -> None:
        event.stop()
        kind, _, key = (event.chips.id or "").partition("-")
        if kind == "option":
            value = event.selected[0]
            match key:
                case "repeats" | "shuffles" | "restarts":
                    self._times[key] = int(value)
                case "truth":
                    self._truth = value == "on"
                case _:
                    self._too_long = "refuse" if value == "refuse" else "truncate"
            return
        switch = _switch_of(key)
        self._take(switch, [switch.parse(value) for value in event.selected])

    @on(ToggleGroup.Refused)
    def _refused(self, event: ToggleGroup.Refused) -> None:
        event.stop()
        self.notify(event.reason, markup=False, timeout=4)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id == "option-prompt":
            self._prompt = event.value
            return
        if event.input.id == "option-against":
            self._against = event.value.strip()
            return
        switch = _switch_of((event.input.id or "").removeprefix("switch-"))
        error = self.query_one(f"#error-{switch.key}", Static)
        try:
            parts = [part for part in event.value.split(",") if part.strip()]
            values = [switch.parse(part) for part in parts or ["auto"]]
        except InputError as problem:
            error.update(str(problem))
            error.display = True
            self._bad.add(switch.key)
        else:
            error.display = False
            self._bad.discard(switch.key)
            self._take(switch, list(dict.fromkeys(values)))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    def action_keep(self) -> None:
        """Go back with what is chosen."""
        if self._bad:
            self.notify(f"{', '.join(sorted(self._bad))}: not a value", severity="warning")
            return
        dtypes = {key: v for key, v in self._now.chosen[0].items() if key == "dtype"}
        self.dismiss(
            replace(
                self._now,
                chosen=({**dtypes, **self._chosen},),
                truth=self._truth,
                too_long=self._too_long,
                prompt=self._prompt,
                against=self._against,
                repeats=self._times["repeats"],
                shuffles=self._times["shuffles"],
                restarts=self._times["restarts"],
            )
        )

    def action_forget(self) -> None:
        """Go back as if nothing had been changed."""
        self.dismiss(None)

    def action_reset(self) -> None:
        """Put every switch to its default."""
        self._chosen.clear()
        for switch in SWITCHES:
            for chips in self.query(f"#switch-{switch.key}").results(ToggleGroup):
                chips.replace(chips.options, self._on(switch))
            for line in self.query(f"#switch-{switch.key}").results(Input):
                line.value = switch.show(switch.default)
            for name in self.query(f"#name-{switch.key}").results(Static):
                name.update(self._heading(switch))
        self._count()

    def _take(self, switch: Switch, values: list[Any]) -> None:
        if values == [switch.default]:
            self._chosen.pop(switch.key, None)
        else:
            self._chosen[switch.key] = values
        self.query_one(f"#name-{switch.key}", Static).update(self._heading(switch))
        self._count()

    def _count(self) -> None:
        made = self._dtypes
        parts = [f"{self._dtypes} dtype{'s' if self._dtypes > 1 else ''}"]
        chosen = {key: v for key, v in self._chosen.items() if self._is_wanted(_switch_of(key))}
        if self._device == "server":
            # Both ways of sending are measured unless one was chosen.
            made, parts = (1, []) if "requests" in chosen else (2, ["2 of requests"])
        for key, values in chosen.items():
            made *= len(values)
            if len(values) > 1:
                parts.append(f"{len(values)} of {key}")
        line = self.query_one("#advanced-count", Static)
        line.set_class(made > _MANY, "many")
        more = ": that takes its time" if made > _MANY else ""
        line.update(f"{' × '.join(parts) or '1'} = {made} setting{'s' if made > 1 else ''}{more}")

    def _heading(self, switch: Switch) -> Text:
        changed = switch.key in self._chosen
        return Text(f"{switch.key}{' ● changed' if changed else ''}")

    def _chips(self, switch: Switch) -> list[Toggle]:
        return [
            Toggle(value, value, refused=why_not({switch.key: switch.parse(value)}, self._device))
            for value in switch.choices
        ]

    def _on(self, switch: Switch) -> tuple[str, ...]:
        values = self._chosen.get(switch.key, [switch.default])
        return tuple(switch.show(value) for value in values)


def _switch_of(key: str) -> Switch:
    return next(switch for switch in SWITCHES if switch.key == key)
