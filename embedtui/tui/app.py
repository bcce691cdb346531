"""The explorer: choose, press one key, watch the drift appear while the real engine works."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events, on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static

from embedtui.config import Config
from embedtui.errors import InputError
from embedtui.printable import printable
from embedtui.study.choices import Choices
from embedtui.study.scenarios import METRIC_NAMES, Metric, scenario, scenarios
from embedtui.tui import themes
from embedtui.tui.actions import ACTIONS, NEED_ENGINES, shown
from embedtui.tui.terminal.ascii_filter import AsciiFilter
from embedtui.tui.widgets.strips import AnswersStrip, Header, Hints, ProgressStrip, Tabs

_METRICS: tuple[Metric, ...] = ("l2", "cosine", "max_abs")
_SLOW_SECONDS = 1.0
_PANES = {"settings": "1", "drift": "2", "sizes": "3"}
"""The parts of the first view, and their keys: all at once where there is room, else one."""
_WIDE = 100
_LEAST = (60, 15)
_ASCII = AsciiFilter()
_READY = "ready: press r or Enter"


if TYPE_CHECKING:
    # The first paint comes before all of this is imported.
    from embedtui.tui.frames import Frame, Framer
    from embedtui.tui.opened import Opened
    from embedtui.tui.screens.detail import DetailScreen
    from embedtui.tui.session import Session
    from embedtui.tui.view import Key, Line, View
    from embedtui.tui.views.explore import ExploreView
    from embedtui.tui.widgets.board import Board
    from embedtui.tui.widgets.chart import ChartView
    from embedtui.tui.widgets.table import TextTable


class Framed(Message, bubble=False):
    """A frame is ready; only the latest counts."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """Let a later frame take this one's place in the queue."""
        return isinstance(message, Framed)


@dataclass
class Outside:
    """What the app is given from outside, so that tests give something else."""

    open_session: Callable[[], Session]
    """Called once, after the first paint."""
    config: Config
    save: Any = None
    """Called with a changed config; None where nothing is to be kept."""
    problems: tuple[str, ...] = ()
    """Lines about the config file and themes that are told once."""
    themes_folder: Path | None = None
    shots_folder: Path | None = None
    guard: Any = None
    """The terminal guard that the app tells when it has the screen."""
    gpu: Any = None
    """Gives the latest readings of the GPUs."""
    opened: tuple[Path, ...] = ()
    """Run files to be shown; the explorer has no engine then."""


class Explorer(App[int]):
    """The explorer's app: it holds what is chosen and shows what the session holds."""

    TITLE = "embedtui"
    CSS_PATH = Path(__file__).with_name("embedtui.tcss")
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-slim"),
        (_LEAST[0], "-narrow"),
        (_WIDE, "-wide"),
        (160, "-huge"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-flat"),
        (_LEAST[1], "-low"),
        (34, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(a.keys, a.id, a.label, show=False, id=a.id, tooltip=a.help) for a in ACTIONS
    ]

    def __init__(self, outside: Outside) -> None:
        super().__init__()
        config = outside.config
        self.outside = outside
        self.config = config
        self.ascii = config.ascii
        """Whether nothing beyond ASCII may be shown; charts and chips look here."""
        self.choices = choices_of(config)
        self.paused = False
        self.slow = config.slow
        self.frame: Frame | None = None
        self._pane = "settings"
        self._gpu = ""
        self._machine = ""
        self._was_busy = False
        self._heard = ""
        """The problem that was told last."""
        self._model_name: dict[str, str] = {}
        """What a chosen model is called, for a path that has no room."""
        self._theme_file: tuple[Path, int] | None = None
        """The file of the theme in use, and when it was written."""

    @cached_property
    def session(self) -> Session:
        """What owns engines and runs."""
        return self.outside.open_session()

    @cached_property
    def framer(self) -> Framer:
        """What makes the frames."""
        from embedtui.tui.frames import Framer  # noqa: PLC0415 - after the first paint
        from embedtui.tui.view import Composer, Wish  # noqa: PLC0415 - likewise

        wish = Wish(scenario(self.config.scenario), self.config.metric)
        return Framer(Composer(self.session), wish, self._framed)

    @cached_property
    def opened(self) -> Opened | None:
        """The session, where it shows run files and has no engines."""
        return cast("Opened", self.session) if self.outside.opened else None

    @property
    def explore(self) -> ExploreView:
        """The first view, once it is built."""
        return cast("ExploreView", self.query_one("#explore"))

    # --- building ---------------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give Textual's own themes the colours that only ours name."""
        return themes.default_variables()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add to Textual's filters the one of the ASCII mode."""
        return [*super().get_line_filters(), *([_ASCII] if self.ascii else [])]

    def compose(self) -> ComposeResult:
        """Put the views between the header and the line of hints."""
        yield Static("embedtui needs 60 columns and 15 lines: make the window larger", id="small")
        with Vertical(id="whole"):
            yield Header(id="header")
            yield AnswersStrip(id="answers")
            yield Tabs(id="tabs")
            yield ContentSwitcher(id="views")
            yield ProgressStrip(id="progress")
            yield Hints(id="hints")

    def on_mount(self) -> None:
        """Take the screen; what costs time begins when it has been drawn once."""
        if self.outside.guard is not None:
            self.outside.guard.mounted()
        self.animation_level = "none"
        found = themes.find(self.config.theme, self.outside.themes_folder)
        self.register_theme(themes.to_textual(found))
        self.theme = found.name
        self.set_keymap(dict(self.config.keys))
        self._show_idle()
        self._show_tabs()
        self.query_one(ProgressStrip).show(_READY, None, "", problem=False)
        self.call_after_refresh(self._begin)

    async def on_key(self, event: events.Key) -> None:
        """Let Enter run also while there is nothing yet that could have the keys."""
        if event.key == "enter" and self.focused is None and self.screen is self.screen_stack[0]:
            await self.run_action("run")

    async def _begin(self) -> None:
        self.session.listen(self.framer.grown)
        self.framer.seconds = self._seconds()
        await self._open("explore")
        self.framer.start()
        self.set_interval(1.0, self._tick)
        if self.opened is not None:
            self.opened.show(self.opened.files[0])
            if self.size.width < _WIDE:
                await self._open_pane("drift", focus=True)
        for problem in self.outside.problems:
            self.notify(printable(problem), severity="warning", markup=False, timeout=12)
        if self.opened is None:
            self._machine_name()
            self._describe_model()

    def _fatal_error(self) -> None:
        """Leave with a plain traceback.

        Textual's own shows local variables: a thousand lines for one view, with a user's texts.
        """
        error = sys.exception() or self._exception
        lines = traceback.format_exception(error) if error is not None else ["unknown error"]
        shown = [
            line[: len(line) - len(line.lstrip(" "))] + printable(line)
            for line in "".join(lines).splitlines()
        ]
        self.panic(Text("\n".join(shown)))

    def on_unmount(self) -> None:
        """End the thread that makes frames."""
        if "framer" in vars(self):
            self.framer.stop()

    # --- frames -----------------------------------------------------------------------------

    def _framed(self, frame: Frame) -> None:
        """Take a frame from the thread that made it."""
        self.post_message(Framed(frame))

    @on(Framed)
    def _show_frame(self, message: Framed) -> None:
        frame, view = message.frame, message.frame.view
        if self.paused and self.frame is not None and view.wish == self.frame.view.wish:
            self._show_progress(view)
            return
        self.frame = frame
        with self.batch_update():
            self._show_header(view)
            self.query_one(AnswersStrip).show(view.answers)
            self._show_progress(view)
            self._show_view(frame)
            self._show_hints()
        # A run may end before any frame has shown it.
        unheard = view.problem and view.problem != self._heard
        if view.state == "idle" and (unheard or (self._was_busy and self.opened is None)):
            self._ended(view)
        self._was_busy = view.state != "idle"
        self._heard = view.problem

    def _show_view(self, frame: Frame) -> None:
        current = self.query_one("#views", ContentSwitcher).current
        if current is None:
            return
        shown_view = self.query_one(f"#{current}")
        if hasattr(shown_view, "show") and shown_view.is_mounted:
            shown_view.show(frame)

    def _show_header(self, view: View) -> None:
        line = view.focus
        if line is None:
            self._show_idle()
            return
        use = view.wish.scenario
        state = {True: "good", False: "bad", None: "open"}[line.judgement.holds]
        where = (view.recorded, view.texts) if view.recorded else (view.texts, view.machine)
        self.query_one(Header).show(
            (view.model, line.label, *where),
            (state, f"{use.short}  {line.judgement.said(use)}"),
        )

    def _show_idle(self) -> None:
        use = scenario(self.config.scenario)
        model = self._model_name.get(self.choices.model, self.choices.model)
        texts = Path(self.choices.texts).name or self.choices.texts
        if self.outside.opened:
            model, texts = "recordings", ""
        self.query_one(Header).show(
            (model, texts, self._machine), ("open", f"{use.short} bears {use.limit}")
        )

    def _show_progress(self, view: View) -> None:
        share = view.done / view.total if view.state != "idle" and view.total else None
        said, problem = said_of(view, self.paused), bool(view.problem) and view.state == "idle"
        self.query_one(ProgressStrip).show(said, share, self._gpu, problem=problem)

    def _show_hints(self) -> None:
        hints = []
        for action in sorted((a for a in ACTIONS if a.hint), key=lambda a: a.hint):
            if self.check_action(action.id, ()):
                keys = self.config.keys.get(action.id, action.keys)
                label = self._label(action.id, action.label)
                hints.append((action.id, shown(keys.split(",")[0]), label))
        self.query_one(Hints).show(hints)

    def _label(self, action: str, label: str) -> str:
        if action == "model" and self.opened is not None:
            return "recording"
        if action == "cancel":
            return "kill the engine" if self.session.state == "cancelling" else "stop"
        if action == "pause":
            return "go on" if self.paused else "pause view"
        return label

    def _ended(self, view: View) -> None:
        """Tell that a run has ended, also to whoever has gone to another window."""
        self.bell()
        if view.problem:
            self.notify(printable(view.problem), severity="error", markup=False, timeout=12)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which actions do something now: hints and palette tell the truth by it."""
        lines = self.frame.view.lines if self.frame else ()
        state = self.session.state if "session" in vars(self) else "idle"
        if self.opened is not None and action in NEED_ENGINES:
            return False
        able: dict[str, bool] = {
            "run": state == "idle",
            "choose_sweep": state == "idle",
            "heat": bool(lines),
            "cancel": state not in {"idle", "killing"},
            "pause": state != "idle" or self.paused,
            "show_all": bool(self.frame and self.frame.view.wish.hidden),
            "serve": bool(self.frame and self.frame.view.answers.command),
            **dict.fromkeys(("next_setting", "previous_setting", "compare"), len(lines) > 1),
            **dict.fromkeys(("hide", "worst", "filter", "export"), bool(lines)),
        }
        return able.get(action, True)

    def _tick(self) -> None:
        """Once a second: what moves by itself."""
        gpu = self.outside.gpu
        text = gpu_text(gpu.readings()) if gpu is not None else ""
        if text != self._gpu:
            self._gpu = text
            if self.frame is not None:
                self._show_progress(self.frame.view)
        self._follow_theme_file()
        for log in self.query("#log"):
            if log.display:
                log.tick()  # type: ignore[attr-defined]

    def _seconds(self) -> float:
        return max(1 / self.config.refresh, _SLOW_SECONDS if self.slow else 0.0)

    # --- choosing ---------------------------------------------------------------------------

    def on_explore_view_chose(self, message: ExploreView.Chose) -> None:
        """Take what was chosen."""
        self.choose(**message.changes)

    def choose(self, **changes: Any) -> None:
        """Change what the next run measures, and keep it for the next start."""
        self.choices = replace(self.choices, **changes)
        self.explore.show_choices(self.choices)
        if "model" in changes:
            self._describe_model()
        if self.frame is None or not self.frame.view.lines:
            self._show_idle()
        self._keep(config_of(self.config, self.choices))

    def _keep(self, config: Config) -> None:
        if config != self.config:
            self.config = config
            if self.outside.save is not None:
                self._write_config(config)

    @work(thread=True, exclusive=True, group="config", exit_on_error=False)
    def _write_config(self, config: Config) -> None:
        try:
            self.outside.save(config)
        except InputError as error:
            self.call_from_thread(
                self.notify, printable(str(error)), severity="warning", markup=False
            )

    @work(thread=True, group="machine", exit_on_error=False)
    def _machine_name(self) -> None:
        from embedtui import machine  # noqa: PLC0415 - asks the driver, which takes its time

        try:
            self._machine = machine.machine_name()
        except InputError as error:
            self._machine = ""
            self.call_from_thread(
                self.notify, printable(str(error)), severity="error", markup=False, timeout=30
            )
        self.framer.again()

    @work(thread=True, exclusive=True, group="describe", exit_on_error=False)
    def _describe_model(self) -> None:
        """Find out what the chosen model is; a path may lie on a slow disk."""
        from embedtui import models  # noqa: PLC0415 - not before the first paint
        from embedtui.tui.model_facts import in_brief, mark_of  # noqa: PLC0415 - likewise

        ref = self.choices.model
        try:
            info = models.resolve(ref)
        except InputError as error:
            mark, name, note = mark_of("no"), ref, str(error)
        else:
            mark, note = mark_of(info.embeds), in_brief(info)
            name = ref if ref in models.ALIASES else info.name
        self.call_from_thread(self._show_model, ref, name, f"{mark} {note}".strip())

    def _show_model(self, ref: str, name: str, note: str) -> None:
        self._model_name[ref] = name
        self.explore.show_model(ref, name, note)
        if self.frame is None or not self.frame.view.lines:
            self._show_idle()

    # --- actions: running -------------------------------------------------------------------

    async def action_run(self) -> None:
        """Measure what is chosen."""
        if self.session.run(self.choices):
            self.paused = False
            self._was_busy = True
            # Where all parts are seen at once, nothing has to come to the front.
            if self._pane == "settings" and self.size.width < _WIDE:
                await self._open_pane("drift")
            self.framer.again()
            self._show_hints()

    def action_cancel(self) -> None:
        """Stop after this batch; the second time kill the engine."""
        if self.session.state == "running":
            self.session.cancel()
        elif self.session.state == "cancelling":
            self.session.kill()
        self.framer.again()
        self._show_hints()

    def action_pause(self) -> None:
        """Hold the picture still, or let it go on."""
        self.paused = not self.paused
        self.framer.again()
        self._show_hints()

    def action_slow_link(self) -> None:
        """Draw less often, or as often as before."""
        self.slow = not self.slow
        self.framer.seconds = self._seconds()
        self.notify(
            "slow link: one picture a second" if self.slow else "drawing as often as before",
            timeout=3,
        )
        self._keep(replace(self.config, slow_link="on" if self.slow else "off"))

    def action_serve(self) -> None:
        """Copy the command to serve with."""
        if self.frame is not None and self.frame.view.answers.command:
            self.copy_and_tell(self.frame.view.answers.command)

    def copy_and_tell(self, text: str) -> None:
        """Copy a text over whatever lies between here and the person's own machine."""
        from embedtui.tui.terminal import clipboard  # noqa: PLC0415 - only when something is copied

        told = clipboard.copy(text, write=self._write_raw, folder=self._shots())
        self.notify(printable(told), markup=False, timeout=6)

    def _write_raw(self, data: str) -> None:
        if self._driver is not None:
            self._driver.write(data)
            self._driver.flush()

    def _shots(self) -> Path:
        from embedtui import paths  # noqa: PLC0415

        return self.outside.shots_folder or paths.shots_folder()

    async def action_quit(self) -> None:
        """Leave, and ask first while an engine works."""
        if self.opened is not None or not self.session.busy:
            self.exit(0)
            return
        from embedtui.tui.pickers.confirm import ConfirmScreen  # noqa: PLC0415 - when it is asked

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._leave_when_idle()
            elif answer == "kill":
                self.session.kill()
                self.exit(0)

        self.push_screen(
            ConfirmScreen(
                "An engine is at work.",
                (
                    ("stay", "s", "stay"),
                    ("stop", "w", "wait for this batch and leave"),
                    ("kill", "k", "kill the engine and leave"),
                ),
            ),
            answered,
        )

    @work(thread=True, group="leave", exit_on_error=False)
    def _leave_when_idle(self) -> None:
        self.session.cancel()
        self.framer.again()
        self.session.wait()
        self.call_from_thread(self.exit, 0)

    # --- actions: views ---------------------------------------------------------------------

    async def _open(self, name: str) -> Any:
        """Open a view and return it; one that was never open is built first."""
        switcher = self.query_one("#views", ContentSwitcher)
        if not switcher.query_children(f"#{name}"):
            await switcher.mount(self._build(name))
        opened: Any = switcher.query_one(f"#{name}")
        switcher.current = name
        self._show_tabs()
        if self.frame is not None and hasattr(opened, "show"):
            opened.show(self.frame)
        self.framer.again()
        if name != "explore":
            opened.focus_first()
        return opened

    def _build(self, name: str) -> Any:
        match name:
            case "explore":
                from embedtui.tui.views.explore import ExploreView  # noqa: PLC0415 - likewise

                return ExploreView(id="explore")
            case "texts":
                from embedtui.tui.views.texts import TextsView  # noqa: PLC0415 - built when opened

                return TextsView(id="texts")
            case "sweep":
                from embedtui.tui.views.sweep import SweepView  # noqa: PLC0415 - likewise

                return SweepView(id="sweep")
            case "compare":
                from embedtui.tui.views.compare import CompareView  # noqa: PLC0415 - likewise

                return CompareView(id="compare")
            case _:
                from embedtui.tui.views.log import LogView  # noqa: PLC0415 - likewise

                return LogView(self.session.engines.host.logs, id="log")

    async def _open_pane(self, pane: str, *, focus: bool = False) -> None:
        self._pane = pane
        explore: ExploreView = await self._open("explore")
        explore.open(pane)
        self._show_tabs()
        if focus:
            explore.focus_pane(pane)

    def _show_tabs(self) -> None:
        current = self.query_one("#views", ContentSwitcher).current or "explore"
        wide = self.size.width >= _WIDE
        others = (
            ("texts", "4", "Texts"),
            ("compare", "5", "Compare"),
            *((("log", "6", "Log"),) if not self.outside.opened else ()),
            ("sweep", "7", "Sweep"),
            *((("help", "?", "Help"),) if wide else ()),  # the hints have it as well
        )
        if wide:
            first: tuple[tuple[str, str, str], ...] = (("explore", "1", "Explore"),)
            opened = current
        else:
            first = (
                ("settings", "1", "Settings"),
                ("drift", "2", "Drift"),
                ("sizes", "3", "Sizes"),
            )
            opened = self._pane if current == "explore" else current
        self.query_one(Tabs).show((*first, *others), opened)

    def on_resize(self) -> None:
        """Name the tabs that there are at this width."""
        # The screen learns of its new size, and with it of its breakpoint, after the app does.
        self.call_after_refresh(self._show_tabs)

    @on(Tabs.Opened)
    async def _tab(self, message: Tabs.Opened) -> None:
        name = {"explore": "settings", "texts": "table"}.get(message.name, message.name)
        await self.run_action(name)

    async def action_settings(self) -> None:
        """Show the settings."""
        await self._open_pane("settings", focus=True)

    async def action_drift(self) -> None:
        """Show the histogram."""
        await self._open_pane("drift", focus=True)

    async def action_sizes(self) -> None:
        """Show drift and speed by batch size."""
        await self._open_pane("sizes", focus=True)

    async def action_table(self) -> None:
        """Show every text."""
        await self._open("texts")

    async def action_compare(self) -> None:
        """Show two settings side by side."""
        keys = [line.key for line in self._lines()]
        one, other = self.framer.wish.compared
        if one not in keys or other not in keys:
            focus = self.frame.view.focus if self.frame else None
            first = focus.key if focus else None
            second = next((key for key in keys if key != first), None)
            self.framer.change(compared=(first, second))
        await self._open("compare")

    async def action_sweep(self) -> None:
        """Show settings and batch sizes as a grid."""
        await self._open("sweep")

    def action_choose_sweep(self) -> None:
        """Choose a sweep and measure it."""
        from embedtui.tui.sweeps import choose  # noqa: PLC0415 - when it is asked for

        choose(self)

    async def action_over(self) -> None:
        """Draw drift over the next thing."""
        if self._pane != "sizes" and self.size.width < _WIDE:
            await self._open_pane("sizes", focus=True)
        elif self.query_one("#views", ContentSwitcher).current != "explore":
            await self._open("explore")
        else:
            self.explore.next_over()
            self.framer.again()

    def action_heat(self) -> None:
        """Weigh the other distance in the sweep."""
        heat = "error" if self.framer.wish.heat == "drift" else "drift"
        self.framer.change(heat=heat)

    async def action_log(self) -> None:
        """Show the engines' logs."""
        (await self._open("log")).tick()

    def action_help(self) -> None:
        """Show the keys and the words."""
        from embedtui.tui.screens.help import HelpScreen  # noqa: PLC0415 - when it is asked for

        keys = {a.id: self.config.keys.get(a.id, a.keys) for a in ACTIONS}
        self.push_screen(HelpScreen(keys))

    def action_palette(self) -> None:
        """Open the command palette."""
        self.action_command_palette()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action that does something now."""
        for action in ACTIONS:
            if action.id != "palette" and self.check_action(action.id, ()):
                keys = self.config.keys.get(action.id, action.keys).split(",")
                title = f"{self._label(action.id, action.label)} ({shown(keys[0])})"
                yield SystemCommand(
                    title[0].upper() + title[1:], action.help, self._runner(action.id)
                )

    def _runner(self, action: str) -> Any:
        async def run() -> None:
            await self.run_action(action)

        return run

    # --- actions: charts --------------------------------------------------------------------

    def _lines(self) -> tuple[Line, ...]:
        return self.frame.view.lines if self.frame else ()

    async def on_board_chosen(self, message: Board.Chosen) -> None:
        """Speak of the setting that was chosen."""
        self.framer.change(focus=message.key)
        if message.enter:
            await self._open("texts")

    def _step(self, by: int) -> None:
        lines = self._lines()
        if lines:
            # What was wished for last: keys may come faster than frames.
            wished = self.framer.wish.focus
            place = next((n for n, one in enumerate(lines) if one.key == wished), 0)
            self.framer.change(focus=lines[(place + by) % len(lines)].key)

    def action_next_setting(self) -> None:
        """Speak of the next setting."""
        self._step(1)

    def action_previous_setting(self) -> None:
        """Speak of the setting before."""
        self._step(-1)

    def action_compare_step(self, which: int, by: int) -> None:
        """Compare another setting."""
        pair = list(self.framer.wish.compared)
        keys: list[Key] = [line.key for line in self._lines() if line.key != pair[1 - which]]
        if keys:
            now = keys.index(pair[which]) if pair[which] in keys else -1  # type: ignore[arg-type]
            pair[which] = keys[(now + by) % len(keys)]
            self.framer.change(compared=(pair[0], pair[1]))

    def action_hide(self) -> None:
        """Take a setting off the charts."""
        focus = self.frame.view.focus if self.frame else None
        if focus is not None:
            self._step(1)
            self.framer.change(hidden=self.framer.wish.hidden | {focus.key})

    def action_show_all(self) -> None:
        """Put hidden settings back."""
        self.framer.change(hidden=frozenset())

    def action_metric(self) -> None:
        """Measure by the next metric."""
        metric = _METRICS[(_METRICS.index(self.framer.wish.metric) + 1) % len(_METRICS)]
        self.framer.change(metric=metric)
        self._keep(replace(self.config, metric=metric))
        self.notify(f"distances are {METRIC_NAMES[metric]}", markup=False, timeout=2)

    def _histogram_step(self, by: int) -> None:
        sizes = (None, *(self.frame.view.histogram_sizes if self.frame else ()))
        now = self.framer.wish.histogram_of
        place = sizes.index(now) if now in sizes else 0
        self.framer.change(histogram_of=sizes[min(max(place + by, 0), len(sizes) - 1)])

    def action_smaller(self) -> None:
        """Show the histogram of the next smaller batch size."""
        self._histogram_step(-1)

    def action_larger(self) -> None:
        """Show the histogram of the next larger batch size."""
        self._histogram_step(1)

    def on_chart_view_sized(self, message: ChartView.Sized) -> None:
        """Have a chart drawn at its size."""
        if message.chart.picture_name:
            self.framer.size(message.chart.picture_name, message.size, unicode=not self.ascii)

    def on_text_table_row_selected(self, message: TextTable.RowSelected) -> None:
        """Show the text."""
        self._open_detail(message.table, message.row)

    def on_text_table_copy_requested(self, message: TextTable.CopyRequested) -> None:
        """Copy the row."""
        self.copy_and_tell(message.text)

    def _open_detail(self, table: TextTable, row: int) -> None:
        """Show one text under the setting that is spoken of."""
        from embedtui.tui.screens.detail import DetailScreen  # noqa: PLC0415 - when asked for

        line = self.frame.view.focus if self.frame else None
        if line is None:
            return

        def step(screen: DetailScreen, by: int) -> None:
            table.action_move(by)
            if table.cursor_row is not None:
                self._fill_detail(screen, line, table.cursor_row)

        screen = DetailScreen(line.label, self.framer.wish.metric, step)
        self._fill_detail(screen, line, row)
        self.push_screen(screen)

    def _fill_detail(self, screen: DetailScreen, line: Line, row: int) -> None:
        from embedtui.tui.detail import detail_of  # noqa: PLC0415 - likewise

        with self.session.lock:
            found = self.framer.composer.shown().get(line.key)
            if found is not None:
                screen.show(detail_of(*found, row, self.framer.wish.metric))

    async def action_filter(self) -> None:
        """Go to the filter of the texts."""
        (await self._open("texts")).focus_filter()

    async def action_worst(self) -> None:
        """Go to the text that drifts most."""
        (await self._open("texts")).jump_to_worst()

    # --- actions: choosing ------------------------------------------------------------------

    async def action_dtypes(self) -> None:
        """Go to the dtypes."""
        await self._open_pane("settings")
        self.explore.focus_part("dtypes")

    async def action_batch_sizes(self) -> None:
        """Go to the batch sizes."""
        await self._open_pane("settings")
        self.explore.focus_part("sizes")

    def action_model(self) -> None:
        """Choose the model; of run files, the one that is shown."""
        if self.opened is not None:
            from embedtui.tui.recordings import choose  # noqa: PLC0415 - when it is asked for

            choose(self, self.opened)
            return
        from embedtui.tui.pickers.model import ModelPicker  # noqa: PLC0415 - when it is asked for

        def chosen(ref: str | None) -> None:
            if ref is not None:
                self.choose(model=ref)

        self.push_screen(ModelPicker(self.choices.model), chosen)

    def action_texts(self) -> None:
        """Choose the texts."""
        from embedtui.tui.pickers.texts import TextsChoice, TextsPicker  # noqa: PLC0415 - likewise

        now = TextsChoice(
            self.choices.texts, self.choices.column, self.choices.id_column, self.choices.limit
        )

        def chosen(choice: TextsChoice | None) -> None:
            if choice is not None:
                self.choose(
                    texts=choice.ref,
                    column=choice.column,
                    id_column=choice.id_column,
                    limit=choice.limit,
                )

        self.push_screen(TextsPicker(now), chosen)

    def action_use(self) -> None:
        """Choose what the embeddings are for."""
        from embedtui.tui.pickers.choice import ChoiceScreen  # noqa: PLC0415 - likewise

        options = [
            (one.key, f"{one.name}: {one.limit}", (one.reason, f"source: {one.source}"))
            for one in scenarios().values()
        ]

        def chosen(key: str | None) -> None:
            if key is not None:
                self.framer.change(scenario=scenario(key))
                self._keep(replace(self.config, scenario=key))
                self.explore.show_use(scenario(key))

        self.push_screen(
            ChoiceScreen("What are the embeddings for?", options, self.framer.wish.scenario.key),
            chosen,
        )

    def action_advanced(self) -> None:
        """Change the other switches."""
        from embedtui.tui.pickers.advanced import AdvancedChoice, AdvancedScreen  # noqa: PLC0415

        chosen_now = dict(self.choices.chosen[0])
        dtypes = list(chosen_now.pop("dtype"))
        now = AdvancedChoice(
            {key: list(values) for key, values in chosen_now.items()},
            repeats=self.choices.repeats,
            shuffles=self.choices.shuffles,
            restarts=self.choices.restarts,
            truth=self.choices.truth,
            too_long=self.choices.too_long,
            prompt=self.choices.prompt,
        )

        def chosen(choice: AdvancedChoice | None) -> None:
            if choice is not None:
                self.choose(
                    chosen=({"dtype": dtypes, **choice.settings},),
                    repeats=choice.repeats,
                    shuffles=choice.shuffles,
                    restarts=choice.restarts,
                    truth=choice.truth,
                    too_long=choice.too_long,
                    prompt=choice.prompt,
                )

        try:
            from embedtui import machine  # noqa: PLC0415

            device = machine.engine_device()
        except InputError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return
        self.push_screen(AdvancedScreen(now, device=device, dtypes=len(dtypes)), chosen)

    # --- actions: looks ---------------------------------------------------------------------

    def _follow_theme_file(self) -> None:
        """Show what a user saves of the theme in use."""
        folder = self.outside.themes_folder
        if folder is None:
            return
        path = folder / f"{self.theme}.toml"
        try:
            seen = path, path.stat().st_mtime_ns
        except OSError:
            return
        before, self._theme_file = self._theme_file, seen
        if before == seen or before is None or before[0] != path:
            return
        try:
            self.register_theme(themes.to_textual(themes.read(path, yours=True)))
        except InputError as error:
            self.notify(printable(str(error)), severity="error", markup=False, timeout=8)
        else:
            self.mutate_reactive(Explorer.theme)

    def action_theme(self) -> None:
        """Choose the colours."""
        from embedtui.tui.theme_picker import ThemePicker  # noqa: PLC0415 - when it is asked for

        def chosen(name: str | None) -> None:
            if name is not None:
                self._keep(replace(self.config, theme=name))

        self.push_screen(ThemePicker(self.outside.themes_folder), chosen)

    def action_screenshot(self) -> None:  # type: ignore[override]
        """Save the screen as SVG."""
        self._save_shot("svg")

    def action_screenshot_text(self) -> None:
        """Save the screen as text."""
        self._save_shot("text")

    def _save_shot(self, form: str) -> None:
        from embedtui.tui.terminal import screenshot  # noqa: PLC0415 - when one is taken

        save = screenshot.save_svg if form == "svg" else screenshot.save_text
        try:
            path = save(self, self._shots(), self._what())
        except InputError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
        else:
            self.notify(f"saved {printable(str(path))}", markup=False, timeout=6)

    def _what(self) -> str:
        """Return what the screen shows, for a file's name."""
        view = self.frame.view if self.frame else None
        line = view.focus if view else None
        current = self.query_one("#views", ContentSwitcher).current or "explore"
        if view is None or line is None:
            return f"{self.choices.model} {current}"
        return f"{view.model} {line.label} {view.texts} {current}"

    def action_export(self) -> None:
        """Write the report of the last run."""
        self._export()

    @work(thread=True, exclusive=True, group="export", exit_on_error=False)
    def _export(self) -> None:
        from embedtui.record import exports, report  # noqa: PLC0415 - when it is asked for

        with self.session.lock:
            run = self.session.runs[-1]
            path = self.session.run_path
            made = report.build(run)
        stem = path.with_suffix("") if path else self._shots() / "report"
        written = []
        try:
            for form, suffix in (("json", "json"), ("csv", "csv"), ("markdown", "md")):
                file = stem.with_name(f"{stem.name}.{suffix}")
                file.write_text(exports.FORMATS[form](made), encoding="utf-8", newline="")
                written.append(file.name)
        except OSError as error:
            said = f"{stem.parent} cannot be written: {error.strerror}"
            self.call_from_thread(self.notify, printable(said), severity="error", markup=False)
        else:
            said = f"wrote {', '.join(written)} in {stem.parent}"
            self.call_from_thread(self.notify, printable(said), markup=False, timeout=8)


def said_of(view: View, paused: bool) -> str:
    """Return in words what is happening."""
    match view.state:
        case "killing":
            said = "killing the engine"
        case "cancelling":
            said = f"stopping after this batch, Esc again kills the engine · {view.stage}"
        case "running":
            said = view.stage
            if view.measuring and view.rate is not None and view.seconds_left is not None:
                said += f" · {view.rate:.0f} texts/s · {duration(view.seconds_left)} left"
        case _:
            ended = {
                "cancelled": "stopped, what was measured stays; r goes on where it ended · ",
                "finished": f"done in {duration(view.seconds)} · ",
            }.get(view.status, "")
            if view.recorded:
                ended = f"recorded {view.recorded} · "
            focus = view.focus
            said = f"{focus.label}: {focus.sentence}" if focus else _READY
            said = view.problem or ended + said
    return f"picture held, p goes on · {said}" if paused else said


def duration(seconds: float) -> str:
    """Return seconds in words, whole ones."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def gpu_text(readings: Iterable[Any]) -> str:
    """Return memory and load of the GPUs in a few words."""
    parts = []
    for one in readings:
        used, total = one.used_bytes / 2**30, one.total_bytes / 2**30
        parts.append(f"{used:.1f}/{total:.0f} GB {one.utilisation:3.0f} %")
    return "GPU " + " · ".join(parts) if parts else ""


def choices_of(config: Config) -> Choices:
    """Return what the config says was chosen last."""
    return config.choices()


def config_of(config: Config, choices: Choices) -> Config:
    """Return the config with what is chosen now."""
    return config.with_choices(choices)
