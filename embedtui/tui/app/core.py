"""What the explorer holds, and what each group of its actions needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.config import Config
from embedtui.plan.scenarios import scenario
from embedtui.tui import themes
from embedtui.tui.app.dependencies import AppDeps
from embedtui.tui.state.background import in_background
from embedtui.tui.state.supervisor import Worker

if TYPE_CHECKING:
    # The first paint comes before all of this is imported.
    from embedtui.tui.screens.next_run import NextRunScreen
    from embedtui.tui.state.replay_session import ReplaySession
    from embedtui.tui.state.session import Session
    from embedtui.tui.viewmodel.frames import Frame, Framer
    from embedtui.tui.viewmodel.view_state import SettingRow

_SLOW_SECONDS = 1.0


class Framed(Message, bubble=False):
    """A frame is ready; only the latest counts."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """Let a later frame take this one's place in the queue."""
        return isinstance(message, Framed)


class Failed(Message, bubble=False):
    """Something failed that the screen outlives."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line


class Core(App[int]):
    """Holds what is chosen, the session, and what makes frames of it."""

    def __init__(self, outside: AppDeps) -> None:
        super().__init__()
        config = outside.config
        self.outside = outside
        self.config = config
        self.ascii = config.ascii
        """Whether nothing beyond ASCII may be shown; charts and chips look here."""
        self.choices = config.choices()
        self.paused = False
        self.leaving = False
        """Whether the explorer ends: nothing is opened any more, and no key counts."""
        self.crashed = ""
        """What ended the explorer though nobody wanted it, in a line."""
        self.slow = config.slow
        self.frame: Frame | None = None
        self._gpu = ""
        self._machine = ""
        self._was_busy = False
        self._good_model = config.model
        """The model to begin with the next time, where the chosen one cannot be measured."""
        self._failed_models: set[str] = set()
        self._asked: tuple[object, ...] | None = None
        """Model and texts of the latest run."""
        self._trouble = ("", 0.0)
        """What failed last, in a line, and until when it is shown."""
        self._asked_early: list[Callable[[Framer], None]] = []
        """What is asked of the framer before there is one."""
        self._heard = ""
        """The problem that was told last."""
        self._model_known: dict[str, tuple[str, str]] = {}
        """What a chosen model is called, for a path that has no room, and what it is."""
        self.told: list[str] = []
        """Every line that was told, the latest last."""
        self._note = ("", 0.0)
        """What was told last, and until when it is shown."""
        self._note_warns = False
        self._config_lock = threading.Lock()
        self._session_lock = threading.Lock()
        self._config_worker: Worker | None = None
        """What writes the config file, or wrote it last."""
        self._copied = ""
        """What was copied last."""
        self._copy_lock = threading.Lock()
        self._theme = themes.find(config.theme, outside.themes_folder)
        """The theme to begin with: nothing is drawn before it."""
        self._theme_file: tuple[Path, int] | None = None
        """The file of the theme in use, and when it was written."""

    @cached_property
    def session(self) -> Session:
        """What owns engines and runs; opened once, by whoever is first, on the loop or off it."""
        with self._session_lock:
            found: Session = vars(self).get("session") or self.outside.open_session()
            vars(self)["session"] = found
            return found

    @cached_property
    def framer(self) -> Framer:
        """What makes the frames; made once, by whoever is first, on the loop or off it."""
        from embedtui.tui.viewmodel.frames import Framer  # noqa: PLC0415 - after the first paint
        from embedtui.tui.viewmodel.view_builder import ViewBuilder  # noqa: PLC0415 - after the first paint
        from embedtui.tui.viewmodel.view_state import ViewState  # noqa: PLC0415 - likewise

        view_state = ViewState(
            scenario(self.config.scenario, self.config.situation), self.config.metric
        )
        session = self.session
        with self._session_lock:
            made = Framer(ViewBuilder(session), view_state, self._framed)
            found: Framer = vars(self).get("framer") or made
            vars(self)["framer"] = found
            return found

    def ask_framer(self, do: Callable[[Framer], None]) -> None:
        """Ask something of what makes the frames, once it is there: nobody waits for it."""
        if "framer" in vars(self):
            do(self.framer)
        else:
            self._asked_early.append(do)

    @cached_property
    def opened(self) -> ReplaySession | None:
        """The session, where it shows run files and has no engines."""
        from embedtui.tui.state.replay_session import ReplaySession  # noqa: PLC0415 - after paint

        return self.session if isinstance(self.session, ReplaySession) else None

    @property
    def drawer(self) -> NextRunScreen | None:
        """What the next run measures, where that is being chosen."""
        from embedtui.tui.screens.next_run import NextRunScreen  # noqa: PLC0415 - after the paint

        open_ = (one for one in self.screen_stack if isinstance(one, NextRunScreen))
        return next((one for one in open_ if one.is_mounted), None)

    def model_facts(self) -> tuple[str, str, str]:
        """Return the chosen model, what it is called, and what is known of it."""
        ref = self.choices.model
        return (ref, *self._model_known.get(ref, (ref, "")))

    def _lines(self) -> tuple[SettingRow, ...]:
        return self.frame.view.charted if self.frame else ()

    def _seconds(self) -> float:
        return max(1 / self.config.refresh, _SLOW_SECONDS if self.slow else 0.0)

    def _keep_choices(self) -> None:
        """Keep what is chosen for the next start, but no model that nothing was measured of."""
        config = self.config.with_choices(self.choices)
        failed = self.choices.model in self._failed_models
        self._keep(replace(config, model=self._good_model) if failed else config)

    def _keep(self, config: Config) -> None:
        if config != self.config:
            self.config = config
            if self.outside.save is not None:
                doing = "writing the config file"
                self._config_worker = Worker("config", doing, self._write_config)
                self._config_worker.start()

    def _write_config(self) -> None:
        try:
            with self._config_lock:
                self.outside.save(self.config)  # the latest, whichever thread comes last
        except InputError as error:
            self.call_later(self.notify, printable(str(error)), severity="warning", markup=False)

    def copy_text(self, text: str) -> None:
        """Copy a text over whatever lies between here and the person's own machine."""
        self._copied = text
        self._copy()

    @in_background("copying", group="copy")
    def _copy(self) -> None:
        from embedtui.tui.terminal import clipboard  # noqa: PLC0415 - only when something is copied

        with self._copy_lock:
            text = self._copied  # the latest, whichever thread comes last
            told = clipboard.copy(text, write=self._write_later, folder=self._shots())
        self.call_later(self.notify, printable(told), markup=False, timeout=6)

    def _write_later(self, data: str) -> None:
        self.call_later(self._write_raw, data)

    def _write_raw(self, data: str) -> None:
        if self._driver is not None:
            self._driver.write(data)
            self._driver.flush()

    def _shots(self) -> Path:
        from embedtui.common import paths  # noqa: PLC0415

        return self.outside.screenshots_folder or paths.screenshots_folder()

    def _framed(self, frame: Frame) -> None:
        """Take a frame from the thread that made it."""
        self.post_message(Framed(frame))
