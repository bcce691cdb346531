"""What the study calls: a host that forks engines, and engines that stay warm.

Works from any thread, under Textual and without: nothing here looks at sys.stdout, and the process
that draws the screen imports neither torch nor vLLM.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import psutil

from embedtui import machine, paths
from embedtui.engine.endpoint.access import Access
from embedtui.engine.environment import host_environment
from embedtui.engine.messages import (
    BatchDone,
    CancelWork,
    CompareLayers,
    Embed,
    Exited,
    Failed,
    Fork,
    Forked,
    HostFailed,
    HostReady,
    Job,
    JudgeLayers,
    Kill,
    LayersCompared,
    LayersFound,
    LayersJudged,
    LayersResumed,
    LayersSeen,
    Load,
    Open,
    Opened,
    OpenLayers,
    Prepare,
    Prepared,
    Quit,
    Ready,
    Reference,
    ResumeLayers,
    Role,
    SeeLayers,
    Stage,
    TooLong,
    TruthDone,
    WorkDone,
)
from embedtui.engine.settings import Setting
from embedtui.errors import Cancelled, EngineError, InputError
from embedtui.printable import printable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from embedtui.engine.endpoint.client import Endpoint
    from embedtui.engine.endpoint.wire import Wire

SESSION_VARIABLE = "EMBEDTUI_SESSION"
"""Every process of a session has this in its environment, so that they can be found."""

_POLL_SECONDS = 0.05
_LOGS_KEPT = 20

_Answer = TypeVar("_Answer")

Tell = Callable[[str], None]
Stop = Callable[[], bool]


class Process:
    """One forked process: its socket, its log, and the news of its end."""

    def __init__(self, host: Host, number: int, log: Path) -> None:
        self.log = log
        self.pid = 0
        self._host = host
        self._number = number
        self._connection: Connection | None = None
        self._forked = threading.Event()
        self._exited = threading.Event()
        self._status: int | None = None
        self._killed = False

    @property
    def alive(self) -> bool:
        """Whether the process runs and was not told to die."""
        return self._forked.is_set() and not self._exited.is_set() and not self._killed

    def send(self, message: Any) -> None:
        """Send a message; a process that is gone is told by the next `receive`."""
        if self._connection is None:
            raise self._obituary()
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._obituary() from error

    def receive(self, seconds: float) -> Any:
        """Return the next message, or None if none comes in time.

        Raises:
            EngineError: if the process has ended; with the last words of its log.
            Cancelled: if it was killed from here.
        """
        if self._connection is None:
            raise self._obituary()
        try:
            return self._connection.recv() if self._connection.poll(seconds) else None
        except (EOFError, OSError) as error:
            raise self._obituary() from error

    def kill(self) -> None:
        """End the process at once; what it had not sent is lost."""
        self._killed = True
        with contextlib.suppress(EngineError):  # with the host gone the process is gone as well
            self._host.kill(self._number)

    def close(self) -> None:
        """Ask the process to end, and end it if it has not after a moment."""
        if self._connection is not None and self.alive:
            with contextlib.suppress(OSError):
                self._connection.send(Quit())
            if not self._exited.wait(2):
                self.kill()
                self._exited.wait(2)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def started(self, pid: int, connection: Connection) -> None:
        """Take what the host said of the fork."""
        self.pid, self._connection = pid, connection
        self._forked.set()

    def ended(self, status: int | None) -> None:
        """Take the news that the process is no more."""
        self._status = status
        self._exited.set()
        self._forked.set()

    def wait_started(self, seconds: float) -> bool:
        """Wait for the fork; False if it has not come in time."""
        return self._forked.wait(seconds)

    def _obituary(self) -> Exception:
        if self._killed:
            return Cancelled("the engine was killed")
        self._exited.wait(1)
        how = "ended"
        if self._status is not None and self._status < 0:
            how = f"was killed by {signal.Signals(-self._status).name}"
        elif self._status:
            how = f"ended with status {self._status}"
        last = _last_words(self.log)
        return EngineError(f"the engine process {how}{last} (log: {self.log})")


class Host:
    """The process that has imported vLLM, and the thread that listens to it.

    The thread lives as long as the host does, because Linux ties a process's life to the *thread*
    that started it: started from a worker thread, the host would die when that thread ends.
    """

    def __init__(self) -> None:
        self.session = uuid.uuid4().hex
        self.logs = _log_folder(self.session)
        self.ready: HostReady | None = None
        self._lock = threading.Lock()
        self._processes: dict[int, Process] = {}
        self._control: Connection | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._settled = threading.Event()
        self._failure: str | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The host's process id, once it was started."""
        return self._popen.pid if self._popen else None

    def start(self) -> None:
        """Begin to import vLLM in the background; a second call does nothing."""
        with self._lock:
            if self._thread is not None or self._closed:
                return
            self._thread = threading.Thread(target=self._listen, name="embedtui-host", daemon=True)
            self._thread.start()

    def wait_ready(self, stop: Stop = lambda: False) -> HostReady:
        """Wait until engines can be forked.

        Raises:
            EngineError: if vLLM cannot be imported.
            Cancelled: if `stop` says so.
        """
        self.start()
        while not self._settled.wait(_POLL_SECONDS):
            if stop():
                raise Cancelled("cancelled while vLLM was being imported")
        if self.ready is None:
            raise EngineError(self._failure or "the engine host ended before it was ready")
        return self.ready

    def fork(self, role: Role, name: str, stop: Stop = lambda: False) -> Process:
        """Fork a process that serves `role`; its log is named after `name`."""
        self.wait_ready(stop)
        with self._lock:
            number = len(self._processes) + 1
            log = self.logs / f"{number:03d}-{name}.log"
            process = self._processes[number] = Process(self, number, log)
            self._tell(Fork(number, role, str(log)))
        while not process.wait_started(_POLL_SECONDS):
            if stop():
                process.kill()
                raise Cancelled("cancelled while an engine was being started")
        return process

    def kill(self, number: int) -> None:
        """Have the host, which knows that the process id is still its child's, kill it."""
        with self._lock:
            self._tell(Kill(number))

    def close(self) -> None:
        """End the host and every engine."""
        with self._lock:
            self._closed = True
            if self._control is not None:
                self._control.close()
                self._control = None
        if self._popen is not None:
            self._popen.terminate()
            try:
                self._popen.wait(3)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        if self._thread is not None:
            self._thread.join(5)

    def _tell(self, message: Any) -> None:
        if self._control is None:
            raise EngineError(self._failure or "the engine host has ended")
        try:
            self._control.send(message)
        except OSError as error:
            raise EngineError("the engine host has ended") from error

    def _listen(self) -> None:
        try:
            near, far = Pipe()
            with far, paths.create_private(self.logs / "host.log").open("ab") as log:
                environment = host_environment() | {SESSION_VARIABLE: self.session}
                self._popen = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "embedtui.engine.host",
                        str(far.fileno()),
                        str(os.getpid()),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[far.fileno()],
                    env=environment,
                    start_new_session=True,  # Ctrl+C in the terminal is the screen's business
                )
            if self._closed:  # while the process was being started
                self._popen.terminate()
                self._popen.wait()
                return
            # Received on a copy: closing a descriptor while another thread reads it is a race.
            with Connection(os.dup(near.fileno())) as receiving:
                with self._lock:
                    if self._closed:
                        self._popen.terminate()
                    self._control = near
                self._receive(receiving)
        except (EOFError, OSError) as error:
            self._failure = self._failure or f"the engine host has ended ({type(error).__name__})"
        finally:
            self._bury()

    def _receive(self, receiving: Connection) -> None:
        while True:
            message = receiving.recv()
            if isinstance(message, HostReady):
                self.ready = message
                self._settled.set()
            elif isinstance(message, HostFailed):
                self._failure = (
                    f"vLLM cannot be imported: {printable(message.reason, 300)} "
                    f"(`embedtui doctor` says what is missing; log: {self.logs / 'host.log'})"
                )
            elif isinstance(message, Forked):
                connection = Connection(reduction.recv_handle(receiving))
                self._processes[message.number].started(message.pid, connection)
            elif isinstance(message, Exited):
                self._processes[message.number].ended(message.status)

    def _bury(self) -> None:
        if self._popen is not None and self._failure is None:
            self._failure = "the engine host has ended"
        for process in list(self._processes.values()):
            process.ended(None)
        self._settled.set()


class Engine:
    """One loaded setting, driven from here.

    `stop` is asked twenty times a second while something is waited for. During loading nothing
    can be kept, so a stop kills the process; between batches it ends the work in good order.
    """

    def __init__(self, process: Process, setting: Setting) -> None:
        self.setting = setting
        self.process = process
        self.in_force: dict[str, Any] = {}
        self.opened: Opened | None = None
        self.largest_batch = 0
        self.token_budget = 0
        self.longest = 0
        self.held = False
        """Whether a study counts on it, so that it must not make room for another."""
        self._prepared: tuple[tuple[str, ...], TooLong, Prepared] | None = None

    @property
    def alive(self) -> bool:
        """Whether the engine can still be asked."""
        return self.process.alive

    def open(self, tell: Tell, stop: Stop, max_length: int | None = None) -> Opened:
        """Read the model's configuration and tokenizer."""
        self.process.send(Open(self.setting, max_length))
        self.opened = self._answer(Opened, tell, stop)
        return self.opened

    def prepare(
        self, texts: tuple[str, ...], too_long: TooLong, tell: Tell, stop: Stop
    ) -> Prepared:
        """Tokenize the texts; those that are there already are not tokenized again."""
        if self._prepared is not None and self._prepared[:2] == (texts, too_long):
            return self._prepared[2]
        self._prepared = None
        self.process.send(Prepare(texts, too_long))
        prepared: Prepared = self._answer(Prepared, tell, stop)
        self._prepared = (texts, too_long, prepared)
        return prepared

    def load(self, request: Load, tell: Tell, stop: Stop) -> dict[str, Any]:
        """Load the weights; return what is in force."""
        self.process.send(request)
        ready = self._answer(Ready, tell, stop)
        self.in_force = ready.in_force
        self.largest_batch, self.token_budget = request.largest_batch, request.token_budget
        self.longest = request.longest
        return self.in_force

    def embed(self, jobs: Sequence[Job], stop: Stop) -> Iterator[BatchDone]:
        """Run batches, in order; yield each as it is done.

        Raises:
            Cancelled: after the step in hand, if `stop` says so.
        """
        self.process.send(Embed(tuple(jobs)))
        yield from _stream(self.process, BatchDone, stop)

    def learnt(self) -> dict[str, Any]:
        """Return what only embedding has shown of it: nothing, it told all before."""
        return {}

    def open_layers(self) -> LayersFound:
        """Find the layers of the loaded model."""
        return self._ask(OpenLayers(), LayersFound)

    def see_layers(self, request: SeeLayers) -> LayersSeen:
        """Run one text alone and return its states."""
        return self._ask(request, LayersSeen)

    def compare_layers(self, request: CompareLayers) -> LayersCompared:
        """Run texts alone and together; return how far their states move."""
        return self._ask(request, LayersCompared)

    def resume_layers(self, request: ResumeLayers) -> npt.NDArray[np.floating]:
        """Run a text with another state put in before a layer."""
        return self._ask(request, LayersResumed).found

    def kill(self) -> None:
        """End the engine at once."""
        self.process.kill()

    def close(self) -> None:
        """End the engine in good order and give its memory back."""
        self.process.close()

    def _ask(self, request: Any, kind: type[_Answer]) -> _Answer:
        """Ask what takes one or a few steps: a stop waits for it, a kill does not."""
        self.process.send(request)
        return self._answer(kind, lambda _: None, lambda: False)

    def _answer(self, kind: type[_Answer], tell: Tell, stop: Stop) -> _Answer:
        return _answer(self.process, kind, tell, stop)


class ExactModel:
    """The float64 model in a process of its own, asked about its layers."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def open(self, request: Reference, tell: Tell, stop: Stop) -> LayersFound:
        """Load the weights and find the layers."""
        self.process.send(OpenLayers(request))
        return _answer(self.process, LayersFound, tell, stop)

    def judge_layers(self, request: JudgeLayers, stop: Stop) -> LayersJudged:
        """Hold an engine's states against the exact ones; a stop kills the process."""
        self.process.send(request)
        return _answer(self.process, LayersJudged, lambda _: None, stop)

    def resume_layers(self, request: ResumeLayers, stop: Stop) -> npt.NDArray[np.floating]:
        """Run a text with another state put in before a layer; a stop kills the process."""
        self.process.send(request)
        return _answer(self.process, LayersResumed, lambda _: None, stop).found

    def close(self) -> None:
        """End the process."""
        self.process.close()


class Engines:
    """The warm engines of a session: as many as memory allows, least recently used out first."""

    def __init__(self, host: Host | None = None) -> None:
        self.host = host or Host()
        self.access = Access()
        """How servers are asked."""
        self._warm: OrderedDict[Setting, Engine | Endpoint] = OrderedDict()
        self._lock = threading.Lock()
        self._current: Process | Wire | None = None

    def start(self) -> None:
        """Begin to import vLLM in the background."""
        self.host.start()

    def warm(self, setting: Setting) -> Engine | Endpoint | None:
        """Return the engine of this setting if one stands."""
        engine = self._warm.get(setting)
        if engine is not None and not engine.alive:
            self.drop(engine)
            return None
        if engine is not None:
            self._warm.move_to_end(setting)
            self._current = engine.process
        return engine

    def connect(self, setting: Setting) -> Endpoint:
        """Return the server that `setting` names, as an engine; nothing is sent yet."""
        from embedtui.engine.endpoint.client import Endpoint  # noqa: PLC0415 - servers alone need it

        name = f"server-{setting.requests}-{setting.encoding}"
        with self._lock:
            number = sum(1 for _ in self.host.logs.glob("server-*.log")) + 1
            endpoint = Endpoint(setting, self.access, self.host.logs / f"{name}-{number}.log")
            self._warm[setting] = endpoint
            self._current = endpoint.process
        return endpoint

    def begin(self, setting: Setting, needed_bytes: int, stop: Stop) -> Engine:
        """Fork a process for `setting`; idle engines make room if memory is short."""
        self.host.wait_ready(stop)
        self.make_room(needed_bytes)
        name = "".join(c if c.isalnum() or c in "=-" else "-" for c in setting.label)
        process = self.host.fork("vllm", name[:80], stop)
        engine = Engine(process, setting)
        with self._lock:
            self._warm[setting] = engine
            self._current = process
        return engine

    def drop(self, engine: Engine | Endpoint) -> None:
        """Close an engine and forget it."""
        with self._lock:
            if self._warm.get(engine.setting) is engine:
                del self._warm[engine.setting]
        engine.close()

    def release(self) -> None:
        """Let go of every engine: each may have to make room for another."""
        with self._lock:
            for engine in self._warm.values():
                engine.held = False

    def truth(self, request: Reference, tell: Tell, stop: Stop) -> Iterator[TruthDone]:
        """Compute texts in float64 in a process of their own; yield each as it is done."""
        process = self.host.fork("reference", "float64", stop)
        self._current = process
        try:
            process.send(request)
            yield from _stream(process, TruthDone, stop, tell, patient=False)
        finally:
            process.close()

    def exact(self, stop: Stop) -> ExactModel:
        """Fork a process for the float64 model; the caller closes it."""
        return ExactModel(self.host.fork("reference", "float64-layers", stop))

    def kill_current(self) -> None:
        """Kill the process that works now; another setting's warm engine is not touched."""
        if self._current is not None:
            self._current.kill()

    def close(self) -> None:
        """End all engines and the host."""
        for engine in self._warm.values():
            if engine.setting.is_server:
                engine.close()
        self._warm.clear()
        self.host.close()

    def make_room(self, needed_bytes: int, sparing: Engine | None = None) -> None:
        """Close idle engines, the least recently used first, until so much memory is free."""
        with self._lock:
            warm = list(self._warm.values())
        idle = [
            engine
            for engine in warm
            if engine is not sparing and not engine.held and not engine.setting.is_server
        ]
        while idle and machine.free_memory() < needed_bytes:
            self.drop(idle.pop(0))


def _answer(process: Process, kind: type[_Answer], tell: Tell, stop: Stop) -> _Answer:
    """Wait for the answer to a question; a stop kills the process, which may be loading."""
    while True:
        message = process.receive(_POLL_SECONDS)
        if message is None:
            if stop():
                process.kill()
                raise Cancelled("cancelled while an engine was being loaded")
        elif isinstance(message, kind):
            return message
        elif isinstance(message, Stage):
            tell(message.what)
        else:
            _raise_failure(message, process.log)


def _stream(
    process: Process,
    kind: type[Any],
    stop: Stop,
    tell: Tell = lambda _: None,
    *,
    patient: bool = True,
) -> Iterator[Any]:
    """Yield the answers of one kind until the work is done; ended early, end the work as well.

    Without `patient` a stop before the first answer kills the process: it may still be loading.
    """
    cancelling = begun = False
    try:
        while True:
            if not cancelling and stop():
                if not patient and not begun:
                    process.kill()
                    raise Cancelled("cancelled before anything was computed")
                process.send(CancelWork())
                cancelling = True
            message = process.receive(_POLL_SECONDS)
            if isinstance(message, kind):
                begun = True
                yield message
            elif isinstance(message, Stage):
                tell(message.what)
            elif isinstance(message, WorkDone):
                if message.cancelled:
                    raise Cancelled("cancelled after the batch in hand")
                return
            elif message is not None:
                _raise_failure(message, process.log)
    except GeneratorExit:
        # What is still on its way must not be taken for the answer to the next question.
        with contextlib.suppress(EngineError, Cancelled):
            process.send(CancelWork())
            while not isinstance(process.receive(_POLL_SECONDS), WorkDone | Failed):
                pass
        raise


def _raise_failure(message: Any, log: Path) -> NoReturn:
    if isinstance(message, Failed):
        reason = printable(message.reason, 500)
        if message.kind == "input":
            raise InputError(reason)
        raise EngineError(f"{reason} (log: {log})")
    raise EngineError(f"the engine answered with {type(message).__name__}")


def _last_words(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 4096, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    said = next((line for line in reversed(lines) if line.strip()), "")
    return f", last saying “{printable(said, 160)}”" if said else ""


def _log_folder(session: str) -> Path:
    """Make the session's log folder and remove the oldest ones."""
    root = paths.logs_folder()
    folder = root / f"{time.strftime('%Y%m%d-%H%M%S')}-{session[:8]}"
    paths.make_private_folder(folder)
    (folder / "owner").write_text(str(os.getpid()))
    for old in sorted(p for p in root.iterdir() if p.is_dir())[:-_LOGS_KEPT]:
        if not psutil.pid_exists(_owner(old)):
            shutil.rmtree(old, ignore_errors=True)  # another start may be at it as well
    return folder


def _owner(folder: Path) -> int:
    try:
        return int((folder / "owner").read_text())
    except (OSError, ValueError):
        return -1
