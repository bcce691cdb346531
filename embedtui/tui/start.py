"""Starts the explorer: the engine host first, then the screen, and ends both in order."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from embedtui.common.errors import ExitCode, InputError
from embedtui.config import Config, save
from embedtui.tui.app import AppDeps, Explorer
from embedtui.tui.state import hangup
from embedtui.tui.state.gpu_meter import GpuMeter
from embedtui.tui.state.supervisor import SUPERVISOR
from embedtui.tui.terminal.guard import guarded

if TYPE_CHECKING:
    from embedtui.engine.access import Access
    from embedtui.report.stories import Told
    from embedtui.tui.state.session import Session

_HUNG_UP = 128 + signal.SIGHUP
"""Exit code where the terminal is gone."""


@dataclass(frozen=True)
class Ended:
    """How the explorer ended."""

    code: int
    told: tuple[str, ...] = ()
    """Lines for the terminal, once it is a terminal again."""


def show(
    kept: Config,
    given: Mapping[str, Any],
    problems: list[str],
    path: Path,
    *,
    logs: Path,
    access: Access,
    opened: tuple[Path, ...] = (),
    story: Told | None = None,
) -> Ended:
    """Show the explorer until the user leaves it; of run files where some are `opened`.

    `kept` is what the file at `path` says, `given` what counts instead for this time only,
    `access` how servers are asked. As soon as the screen can be used, the host begins to import
    vLLM: it needs seconds, a person as well.
    """
    config, problems = _with_theme(replace(kept, **given), problems, path)
    gpu = GpuMeter()
    sessions: list[Session] = []
    closed: list[str] = []
    with ExitStack() as closing:

        def open_session() -> Session:
            session = _open_files(opened) if opened else _open_session(access)
            sessions.append(session)
            closing.callback(lambda: closed.append(session.close()))
            if not opened:
                gpu.start()
                closing.callback(gpu.stop)
            return session

        with SUPERVISOR.hooked(), guarded(_log(logs)) as guard:
            app = Explorer(
                AppDeps(
                    open_session,
                    config,
                    save=partial(_save, path, kept, given),
                    problems=tuple(problems),
                    themes_folder=path.parent / "themes",
                    guard=guard,
                    gpu=gpu,
                    opened=opened,
                    story=story,
                )
            )
            hung_up = partial(app.call_later, app.exit, _HUNG_UP)
            with _ending_on_signals(app), hangup.watched(hung_up):
                code = app.run()
        if app.crashed:
            _outlive(sessions)
    if hangup.is_gone():
        return Ended(_HUNG_UP)  # nobody is there to be told
    told = [f"embedtui: {line}" for line in closed if line]
    told += [f"Run file: {one.run_path}" for one in sessions if one.run_path and not opened]
    if app.crashed:
        return Ended(ExitCode.CRASHED, (f"embedtui: {app.crashed}", *told))
    return Ended(app.return_code or code or ExitCode.DONE, tuple(told))


def _outlive(sessions: list[Session]) -> None:
    """Let a run come to its end though its screen has failed: it may have taken hours."""
    from embedtui.run.ending import end_requests, wait_for_end  # noqa: PLC0415 - only after that
    from embedtui.run.heartbeat import Heartbeat  # noqa: PLC0415 - likewise

    def say(line: str) -> None:
        sys.stderr.write(f"embedtui: {line}\n")

    with end_requests() as asked:
        for session in sessions:
            if session.busy:
                say("the screen failed and the run goes on; Ctrl+C ends it")
                heartbeat = Heartbeat(session.engines, "Ctrl+C twice ends the run")
                wait_for_end(session, session.wait, asked, say, heartbeat.beat)


def _open_session(access: Access) -> Session:
    from embedtui.engine.pool import VllmPool  # noqa: PLC0415 - after the first paint
    from embedtui.tui.state.session import Session  # noqa: PLC0415 - likewise

    engines = VllmPool()
    engines.access = access
    return Session(engines, open_recorder, reopen_recorder)


def _open_files(files: tuple[Path, ...]) -> Session:
    from embedtui.tui.state.replay_session import ReplaySession  # noqa: PLC0415 - after the first paint

    return ReplaySession(files)


def _save(path: Path, kept: Config, given: Mapping[str, Any], config: Config) -> None:
    """Write the config down, without what was given for this time and left alone."""
    back = {
        key: getattr(kept, key) for key, value in given.items() if getattr(config, key) == value
    }
    settings = dict(config.settings)
    for key, value in given.get("settings", {}).items():
        if settings.get(key) == value:  # each switch by itself: another may have been chosen
            settings.pop(key)
            settings |= {key: kept.settings[key]} if key in kept.settings else {}
    save(path, replace(config, **{**back, "settings": settings}))


def _with_theme(config: Config, problems: list[str], path: Path) -> tuple[Config, list[str]]:
    """Put the default in the place of a theme that cannot be had."""
    from embedtui.tui import themes  # noqa: PLC0415 - beside its only use

    try:
        themes.find(config.theme, path.parent / "themes")
    except InputError as error:
        return replace(config, theme=themes.DEFAULT), [*problems, str(error)]
    return config, problems


def open_recorder(plan: Any) -> Any:
    """Return what records a run, and what is there already of one that a sweep goes on with."""
    from embedtui.storage.run_file import read  # noqa: PLC0415 - when a run begins
    from embedtui.storage.run_writer import Recorder  # noqa: PLC0415 - likewise
    from embedtui.storage.unfinished import find_unfinished  # noqa: PLC0415 - likewise

    begun = find_unfinished(plan) if plan.sweep else None
    if begun is None:
        return Recorder.in_runs_folder(plan), None
    return Recorder(begun, go_on=True), read(begun)


def reopen_recorder(path: Path) -> Any:
    """Return what adds to a run file, where a run's layers are looked into afterwards."""
    from embedtui.storage.run_writer import Recorder  # noqa: PLC0415 - when layers are looked into

    return Recorder(path, go_on=True)


def _log(folder: Path) -> Path:
    return folder / f"{time.strftime('%Y%m%d-%H%M%S')}-screen-{os.getpid()}.log"


@contextmanager
def _ending_on_signals(app: Explorer) -> Iterator[None]:
    """Have a signal that would kill the process leave the terminal as it was."""

    def on_signal(signum: int, _frame: FrameType | None) -> None:
        app.call_later(app.exit, 128 + signum)

    wanted = (signal.SIGTERM, signal.SIGHUP)
    before = {signum: signal.signal(signum, on_signal) for signum in wanted}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
