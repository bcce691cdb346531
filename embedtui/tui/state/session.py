"""The one owner of engines and runs: screens ask it, and read snapshots of what it holds.

A study runs in a plain thread, because a Textual worker that is cancelled leaves its thread going;
the thread ends by the study's own cancel and kill. Nothing here knows Textual.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from embedtui.assess.vector_faults import faults_of
from embedtui.common.errors import Cancelled, EmbedtuiError, InputError
from embedtui.engine.port import EnginePool
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.plan import Plan
from embedtui.plan.server_sides import applicable
from embedtui.results.events import (
    Event,
    LayersFailed,
    LayersJudged,
    RunEnded,
    RunStarted,
    SettingEnded,
    Waiting,
)
from embedtui.results.progress import Progress
from embedtui.results.results import Identity, Results, SettingResults
from embedtui.run.heartbeat import HEARTBEAT_SECONDS, Heartbeat
from embedtui.run.layer_analysis import LayerAnalysis
from embedtui.run.study import Study
from embedtui.tui.state.supervisor import SUPERVISOR, Worker

State = Literal["idle", "running", "cancelling", "killing"]

_RUNS_KEPT = 8


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a session holds at one moment; nothing changes it, so no lock is needed to read it."""

    version: int
    """Of what is in it at least; it may hold more already."""
    state: State
    stage: str
    stalled: str
    problem: str
    recorded: str
    seconds: float
    progress: Progress
    runs: tuple[Results, ...]
    faults: Mapping[Identity, str]


class RunRecorder(Protocol):
    """What writes a run down."""

    def __call__(self, event: Event) -> None:
        """Take in one event."""

    def close(self) -> None:
        """Finish the file."""


Recording = Callable[[Plan], tuple[RunRecorder, Results | None]]
"""Gives what writes a plan's run down, and what it holds already of a sweep that was cut off."""
Reopening = Callable[[Path], RunRecorder]
"""Gives what writes on in the file of a run that has ended."""


class Session:
    """Runs one study after the other on engines that stay warm between them."""

    def __init__(
        self,
        engines: EnginePool | None,
        record: Recording | None = None,
        reopen: Reopening | None = None,
    ) -> None:
        self._engines = engines
        self.lock = threading.RLock()
        """Held while results change and while they are copied, never while anything is computed."""
        self._state_lock = threading.RLock()
        """Held while the state changes: keys ask for that, and must not wait for figures."""
        self.runs: list[Results] = []
        """The latest last; figures of earlier ones stay on the screen and are used again."""
        self.faults: dict[Identity, str] = {}
        """The first fault of each setting that has one."""
        self.state: State = "idle"
        self.version = 0
        """Grows with everything that a screen could show."""
        self.stage = ""
        """What is done before there is a run, in words."""
        self.stalled = ""
        """What the run waits for and cannot answer, in a line."""
        self.problem = ""
        """Why the last run did not come to its end."""
        self.recorded = ""
        """Where and when the figures were recorded, if they come from a file and no engine."""
        self._listener: Callable[[], None] = lambda: None
        self._record = record
        self._reopen = reopen
        self._known: dict[Results, tuple[Path | None, int | None]] = {}
        """The file of each run, and the bytes of its model's weights."""
        self._study: Study | LayerAnalysis | None = None
        self._results = Results()
        self._began = 0.0
        self._took: float | None = 0.0
        self._worker: Worker | None = None
        self._stop = threading.Event()
        self.progress = Progress()

    @property
    def engines(self) -> EnginePool:
        """What measures.

        Raises:
            InputError: where run files are shown, which have no engines.
        """
        if self._engines is None:
            raise InputError("a run file is shown, and no engine is there to measure")
        return self._engines

    def snapshot(self) -> Snapshot:
        """Return what there is now, to compute what is shown of it without holding a run up."""
        with self._state_lock:
            version, state, problem = self.version, self.state, self.problem
            stage, seconds, progress = self.stage, self.seconds, self.progress
        with self.lock:
            return Snapshot(
                version=version,
                state=state,
                stage=stage,
                stalled=self.stalled,
                problem=problem,
                recorded=self.recorded,
                seconds=seconds,
                progress=progress.snapshot(),
                runs=tuple(run.snapshot() for run in self.runs),
                faults=dict(self.faults),
            )

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, from any thread, whenever something has changed."""
        self._listener = listener

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the run under way; say whether it has ended."""
        return self._worker is None or self._worker.join(seconds)

    @property
    def run_path(self) -> Path | None:
        """The file of the latest run that has figures; None where none was written down."""
        known = dict(self._known)
        measured = (run for run in reversed(self.runs) if run in known and _measured(run))
        return next((known[run][0] for run in measured), None)

    @property
    def seconds(self) -> float:
        """How long the latest run has taken so far, or in all."""
        return time.monotonic() - self._began if self._took is None else self._took

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self.state != "idle"

    def run(self, *choices: Choices, timeout: float | None = None) -> bool:
        """Begin a run, or one after the other of a sweep over models; False where one goes on.

        `timeout` is how many seconds a request to a server may take in it, unless as usual.
        """
        works = [partial(self._one, one, timeout) for one in choices]
        return self._begin("reading model and texts", Progress(), works)

    def inspect(self, results: Results, number: int) -> bool:
        """Begin to look into the layers of a setting that was measured; False where one goes on.

        `results` may be a snapshot of the run.
        """
        runs = [run for run in self.runs if run.identity is results.identity]
        if not runs:
            return False  # nobody holds it any more
        (results,) = runs
        progress = Progress()
        progress.looking(results.plan)
        return self._begin("finding the layers", progress, [partial(self._look, results, number)])

    def _begin(self, stage: str, progress: Progress, works: Sequence[Callable[[], None]]) -> bool:
        with self._state_lock:
            if self.busy:
                return False
            self.state, self.problem, self.stage = "running", "", stage
            self.stalled = ""
            progress.what = stage
            self.progress = progress
            self._began, self._took = time.monotonic(), None
            self._stop.clear()
        self._touch()
        self._worker = run = Worker("study", "the run", partial(self._work, works))
        run.start()
        Worker("heartbeat", "watching the engines", partial(self._beat, run)).start()
        return True

    def cancel(self) -> None:
        """Stop after the batch in hand."""
        with self._state_lock:
            if self.state == "running":
                self.state = "cancelling"
            self._stop.set()
            study = self._study
        if study is not None:
            study.cancel()
        self._touch()

    def kill(self) -> None:
        """Kill the engine that works; the next run loads another."""
        with self._state_lock:
            if self.state == "idle":
                return
            self.state = "killing"
            self._stop.set()
            study = self._study
        if study is not None:
            # The host answers in its own time, and a screen must not wait for it.
            Worker("kill", "killing the engine", study.kill).start()
        self._touch()

    def close(self) -> str:
        """End the run, the engines and the host; waits until the run file is whole.

        Where something had to be killed, or does not end even so, that is said in a line.
        """
        self.kill()
        told = self.engines.close()
        if not self.wait(10):
            told = "the run did not end within 10 s though its engine was killed"
        return told

    def _beat(self, run: Worker) -> None:
        """Tell for as long as a run goes on what stands still."""
        heartbeat = Heartbeat(self.engines, "Esc twice ends the run")
        while not run.join(HEARTBEAT_SECONDS):
            if heartbeat.beat():
                self.stalled = heartbeat.stalled
                self._touch()

    def _touch(self) -> None:
        with self._state_lock:
            self.version += 1
        self._listener()

    def _work(self, works: Sequence[Callable[[], None]]) -> None:
        try:
            for work in works:
                if self._stop.is_set():
                    break
                work()
        finally:
            with self._state_lock:
                self._study = None
                self.stage = self.stalled = ""
                self.state = "idle"
                self._took = time.monotonic() - self._began
            self._touch()

    @contextmanager
    def _problems_told(self) -> Iterator[None]:
        """Have whatever ends a run told as its problem."""
        try:
            yield
        except EmbedtuiError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 - a run that fails must not take the screen with it
            self.problem = f"{type(error).__name__}: {error}"
            SUPERVISOR.failed("the run", error)

    def _go(self, study: Study | LayerAnalysis) -> None:
        with self._state_lock:
            self._study = study
            stop = self._stop.is_set()
        try:
            if stop:
                study.cancel()
            study.run()
        finally:
            with self._state_lock:
                self._study = None

    def _one(self, choices: Choices, timeout: float | None) -> None:
        results = self._results = Results()
        try:
            with self._problems_told(), self._patience(timeout):
                plan, weights = plan_of(applicable(choices), self._say, self.engines.access)
                if not self._stop.is_set():
                    self._measure(plan, weights, results)
        finally:
            self._forget(results)
            self._touch()

    @contextmanager
    def _patience(self, timeout: float | None) -> Iterator[None]:
        """Have requests take so many seconds meanwhile; a key typed in that time is kept."""
        usual = self.engines.access.timeout
        self.engines.access = replace(self.engines.access, timeout=timeout or usual)
        try:
            yield
        finally:
            self.engines.access = replace(self.engines.access, timeout=usual)

    def _measure(self, plan: Plan, weights: int | None, results: Results) -> None:
        recorder, begun = self._record(plan) if self._record else (None, None)
        path: Path | None = getattr(recorder, "path", None)
        self._known[results] = path, weights
        listeners: list[Callable[[Event], None]] = [results, self.progress, self._after]
        study = Study(
            plan,
            self.engines,
            [self._locked(listeners), self._judge_ended, *([recorder] if recorder else [])],
            weights_bytes=weights,
            earlier=[*self.runs, *([begun] if begun else [])],
        )
        try:
            self._go(study)
        finally:
            if recorder is not None:
                recorder.close()
            if path is not None and begun is None and not _measured(results):
                path.unlink(missing_ok=True)

    def _forget(self, results: Results) -> None:
        """Let go of a run without figures, and of what there is no room for."""
        with self.lock:
            runs = [run for run in self.runs if run is not results or _tells(run)]
            self.runs = runs[-_RUNS_KEPT:]
            kept = {setting.identity for run in self.runs for setting in run.settings}
            self.faults = {key: text for key, text in self.faults.items() if key in kept}
            self._known = {run: one for run, one in self._known.items() if run in self.runs}

    def _look(self, results: Results, number: int) -> None:
        path, weights = self._known.get(results, (None, None))
        with self._problems_told(), suppress(Cancelled), ExitStack() as closing:
            # What was found stays where it is cancelled.
            recorder: RunRecorder | None = None
            if path is not None and self._reopen is not None:
                recorder = self._reopen(path)
                closing.callback(recorder.close)
            listen = self._locked([results, self.progress, self._after_look])
            study = LayerAnalysis(
                results,
                number,
                self.engines,
                [listen, *([recorder] if recorder else [])],
                weights_bytes=weights,
            )
            self._go(study)

    def _after_look(self, event: Event) -> None:
        match event:
            case Waiting():
                self.stage = event.what
            case LayersJudged():
                self.stage = self.progress.what
            case LayersFailed():
                self.problem = event.reason
            case _:
                pass

    def _locked(self, listeners: list[Callable[[Event], None]]) -> Callable[[Event], None]:
        def listen(event: Event) -> None:
            with self.lock:
                for listener in listeners:
                    listener(event)
            self._touch()

        return listen

    def _after(self, event: Event) -> None:
        match event:
            case Waiting():
                self.stage = event.what
            case RunStarted():
                self.runs.append(self._results)
            case RunEnded(status="failed") if not self.problem:
                self.problem = event.reason
            case _:
                pass

    def _judge_ended(self, event: Event) -> None:
        """Look for faults of a setting that has ended, without the lock: it takes its time."""
        if isinstance(event, SettingEnded):
            self._judge(self._results, self._results.settings[event.setting])
            self._touch()

    def _judge(self, results: Results, setting: SettingResults) -> None:
        if setting.unbatched.count:
            found = faults_of(results, setting)
            if found:
                with self.lock:
                    self.faults[setting.identity] = found[0].message

    def _say(self, what: str) -> None:
        self.stage = what
        self._touch()


def _tells(results: Results) -> bool:
    """Say whether a run has figures, or why it has none of a setting."""
    ended = {setting.status for setting in results.settings}
    return _measured(results) or bool(ended & {"failed", "refused"})


def _measured(results: Results) -> bool:
    return any(setting.unbatched.count for setting in results.settings)
