"""Every switch but the dtype, each explained; several values of one are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from embedtui.plan.options import BY_NAME, ModelKind, Option
from embedtui.tui.pickers.style import FRAME_CSS, Over
from embedtui.tui.widgets.toggle_group import Toggle, ToggleGroup

_MANY = 16
_NUMBERS = (0, 1, 2, 3, 5)
"""What is offered of an option that says how often."""
_OPTIONS = ("prompt", "repeats", "shuffles", "restarts", "against", "reference", "too_long")
"""The options of a run that are chosen here."""
_PLACEHOLDERS = {
    "prompt": "none; a name or a text: query:␣",
    "against": "none; alias or folder",
}


def toggles_of(device: Device) -> dict[str, list[Toggle]]:
    """Return what can be chosen of each switch, and why not; reads what is installed."""
    return {
        switch.key: [
            Toggle(value, value, refused=why_not({switch.key: switch.parse(value)}, device))
            for value in switch.choices
        ]
        for switch in SWITCHES
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

    def __init__(
        self, now: Choices, toggles: Mapping[str, Sequence[Toggle]], *, device: Device, dtypes: int
    ) -> None:
        super().__init__()
        self._now = now
        self._toggles = toggles
        self._device = device
        self._dtypes = dtypes
        self._chosen: dict[str, list[Any]] = {
            key: list(values) for key, values in now.chosen[0].items() if key != "dtype"
        }
        self._values: dict[str, Any] = {name: getattr(now, name) for name in _OPTIONS}
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
                yield ToggleGroup(
                    self._toggles[switch.key], self._on(switch), id=f"switch-{switch.key}"
                )
            else:
                values = self._chosen.get(switch.key, [switch.default])
                yield Input(
                    ",".join(switch.show(value) for value in values),
                    id=f"switch-{switch.key}",
                    placeholder="auto, or NAME:VALUE"
                    if switch.read
                    else "auto, or whole numbers: 1,2",
                )
                yield Static("", classes="error", id=f"error-{switch.key}", markup=False)
            yield Static(switch.help, classes="explained", markup=False)

    def _options(self) -> ComposeResult:
        kind: ModelKind = "server" if self._device == "server" else "local"
        for option in (BY_NAME[name] for name in _OPTIONS):
            if kind not in option.models:
                continue
            name, now = option.name, _shown(self._values[option.name])
            with Vertical(classes="switch"):
                yield Static(name, classes="name", markup=False)
                if values := _values_of(option, self._values[name]):
                    toggles = [Toggle(value, value) for value in values]
                    yield ToggleGroup(toggles, (now,), single=True, id=f"option-{name}")
                else:
                    yield Input(now, id=f"option-{name}", placeholder=_PLACEHOLDERS[name])
                yield Static(option.help, classes="explained", markup=False)

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
            self._values[key] = _read(BY_NAME[key], event.selected[0])
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
        kind, _, key = (event.input.id or "").partition("-")
        if kind == "option":
            self._values[key] = event.value if key == "prompt" else event.value.strip()
            return
        switch = _switch_of(key)
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
        chosen = {**dtypes, **self._chosen}
        self.dismiss(replace(self._now, chosen=(chosen,), **self._values))

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

    def _on(self, switch: Switch) -> tuple[str, ...]:
        values = self._chosen.get(switch.key, [switch.default])
        return tuple(switch.show(value) for value in values)


def _switch_of(key: str) -> Switch:
    return next(switch for switch in SWITCHES if switch.key == key)


def _values_of(option: Option, now: Any) -> list[str]:
    """Return the values that are offered of an option; none where it is typed."""
    if option.key.kind is bool:
        return ["on", "off"]
    if option.key.kind is int:
        return [str(number) for number in sorted({*_NUMBERS, now})]
    return list(option.key.choices)


def _shown(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _read(option: Option, text: str) -> Any:
    """Return the value that is shown as `text`."""
    if option.key.kind is bool:
        return text == "on"
    return int(text) if option.key.kind is int else text
