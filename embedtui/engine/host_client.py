"""The near side of the host process: starts it, has it fork, starts it again when it has died.

The host itself is `engine/host.py`. The process that draws the screen imports neither torch nor
vLLM.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from functools import partial
from multiprocessing import reduction
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import psutil

from embedtui.common import paths
from embedtui.common.errors import Cancelled, EngineError
from embedtui.common.printable import printable
from embedtui.engine.host_environment import host_environment
from embedtui.engine.messages import (
    Exited,
    Fork,
    Forked,
    ForkFailed,
    HostFailed,
    HostReady,
    Kill,
    Role,
)
from embedtui.engine.port import Stop, Stopped, never
from embedtui.engine.process import Process, ending

SESSION_VARIABLE = "EMBEDTUI_SESSION"
"""Every process of a session has this in its environment, so that they can be found."""

_POLL_SECONDS = 0.05
_END_SECONDS = 3.0
_STOPPED_SECONDS = 1.0
"""How long a host that is stopped may leave a kill undone."""
_UNANSWERED_SECONDS = 10.0
"""How long any host may: the end of an engine with much memory takes its time."""
_LOGS_KEPT = 20


_UNANSWERED = "the engine host did not answer"
_WHAT: dict[Role, str] = {"vllm": "engine", "reference": "float64 model"}


class HostClient:
    """Has a host whenever one is needed: one that ended is started again at the next request."""

    def __init__(self) -> None:
        self.session = uuid.uuid4().hex
        self.logs = _log_folder(self.session)
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._forks = 0
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process id of the host, once one was started."""
        return self._life.pid if self._life else None

    def start(self) -> None:
        """Begin to import vLLM in the background, unless a host is there already."""
        with contextlib.suppress(EngineError):
            self._living()

    def wait_ready(self, stop: Stop = never) -> HostReady:
        """Wait until engines can be forked.

        Raises:
            EngineError: if vLLM cannot be imported; the next call tries anew.
            Cancelled: if `stop` says so.
        """
        return self._ready(stop)[1]

    def fork(self, role: Role, name: str, stop: Stop = never) -> Process:
        """Fork a process that serves `role`; its log is named after `name`.

        Raises:
            EngineError: if the system has no room for another process, or the host has none.
            Cancelled: if `stop` says so.
        """
        life, _ = self._ready(stop)
        with self._lock:
            self._forks += 1
            log = self.logs / f"{self._forks:03d}-{name}.log"
            process = life.fork(self._forks, role, log)
        process.wait_started(stop)
        return process

    def stopped(self) -> list[Stopped]:
        """Return the processes that a signal has stopped, the host's first."""
        life = self._life
        return [] if life is None else life.stopped()

    def close(self) -> str:
        """End the host and every engine, for good; say so where it had to be killed."""
        with self._lock:
            self._closed = True
            life = self._life
        return "" if life is None else life.close()

    def _living(self) -> _Life:
        with self._lock:
            if self._closed:
                raise EngineError("the engine host was closed")
            if self._life is None or self._life.ended:
                self._life = _Life(self.session, self.logs)
            return self._life

    def _ready(self, stop: Stop) -> tuple[_Life, HostReady]:
        life = self._living()
        while not life.settled.wait(_POLL_SECONDS):
            if stop():
                raise Cancelled("cancelled while vLLM was being imported")
        if life.ready is None:
            raise EngineError(life.failure)
        return life, life.ready


class _Life:
    """One host process from its start to its end, and the thread that listens to it.

    The thread lives as long as the host does, because Linux ties a process's life to the *thread*
    that started it: started from a worker thread, the host would die when that thread ends.
    """

    def __init__(self, session: str, logs: Path) -> None:
        self.ready: HostReady | None = None
        self.failure = ""
        """Why the host has ended."""
        self.ended = False
        self.settled = threading.Event()
        """The host is ready, or has ended."""
        self._session = session
        self._log = logs / "host.log"
        self._lock = threading.Lock()
        self._processes: dict[int, Process] = {}
        self._control: Connection | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._unanswered = False
        """Whether the host had to be killed because it did not do what it was told."""
        self._thread = threading.Thread(target=self._listen, name="embedtui-host", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    def fork(self, number: int, role: Role, log: Path) -> Process:
        """Ask for a process; it is not there yet."""
        process = Process(log, partial(self.kill, number), role)
        with self._lock:
            self._processes[number] = process
            try:
                self._send(Fork(number, role, str(log)))
            except EngineError:
                del self._processes[number]
                raise
        return process

    def kill(self, number: int) -> None:
        """Have the host, which knows that the process id is still its child's, kill it.

        A host that does not is killed itself, and everything that it has forked goes with it.
        """
        with self._lock:
            process = self._processes.get(number)
            self._send(Kill(number))
        if process is not None:
            see_to_it = partial(self._see_to_it, process)
            threading.Thread(target=see_to_it, name="embedtui-kill", daemon=True).start()

    def stopped(self) -> list[Stopped]:
        with self._lock:
            engines = list(self._processes.values())
        found = [Stopped("engine host", self.pid)] if self.pid else []
        found += [Stopped(_WHAT[one.role], one.pid) for one in engines if one.pid]
        return [one for one in found if _is_stopped(one.pid)]

    def close(self) -> str:
        with self._lock:
            self._closed = True
            if self._control is not None:
                self._control.close()
                self._control = None
        self._end_host(at_once=True)
        self._thread.join(5)
        return f"{_UNANSWERED} and was killed (SIGKILL)" if self._unanswered else ""

    def _see_to_it(self, process: Process) -> None:
        end = time.monotonic() + _UNANSWERED_SECONDS
        while not process.wait_dead(_STOPPED_SECONDS):
            if time.monotonic() > end or (self.pid and _is_stopped(self.pid)):
                self._unanswered = True
                if self._popen is not None:
                    self._popen.kill()
                return

    def _send(self, message: Any) -> None:
        if self._control is None:
            raise EngineError(self.failure or "the engine host has ended")
        try:
            self._control.send(message)
        except OSError as error:
            raise EngineError("the engine host has ended") from error

    def _listen(self) -> None:
        reason = ""
        try:
            near, far = Pipe()
            with far, paths.create_private(self._log).open("ab") as log:
                popen = self._start(far.fileno(), log.fileno())
            # Received on a copy: closing a descriptor while another thread reads it is a race.
            with Connection(os.dup(near.fileno())) as receiving:
                with self._lock:
                    self._popen, self._control = popen, near
                    if self._closed:
                        popen.terminate()
                self._receive(receiving)
        except EOFError:
            pass  # the host has ended: it is asked below how
        except OSError as error:
            reason = f": {error.strerror or type(error).__name__}"
        finally:
            self._mark_dead(reason)

    def _start(self, descriptor: int, log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "embedtui.engine.host_process",
                str(descriptor),
                str(os.getpid()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
            env=host_environment() | {SESSION_VARIABLE: self._session},
            start_new_session=True,  # Ctrl+C in the terminal is the screen's business
        )

    def _receive(self, receiving: Connection) -> None:
        while True:
            message = receiving.recv()
            match message:
                case HostReady():
                    self.ready = message
                    self.settled.set()
                case HostFailed():
                    self.failure = (
                        f"vLLM cannot be imported: {printable(message.reason, 300)} "
                        f"(`embedtui doctor` says what is missing; log: {self._log})"
                    )
                case Forked():
                    connection = Connection(reduction.recv_handle(receiving))
                    self._processes[message.number].mark_started(message.pid, connection)
                case ForkFailed():
                    reason = f"no engine process can be started: {printable(message.reason, 200)}"
                    self._forget(message.number).mark_dead(reason=reason)
                case Exited():
                    self._forget(message.number).mark_dead(message.status)

    def _forget(self, number: int) -> Process:
        with self._lock:
            return self._processes.pop(number)

    def _mark_dead(self, reason: str) -> None:
        """Mark the host and all that it had forked as dead."""
        with self._lock:
            if self._control is not None:
                self._control.close()  # a host that lives ends by it
                self._control = None
        status = self._end_host()
        with self._lock:
            left = list(self._processes.values())
            self._processes.clear()
            told = f"the engine host {ending(status, self._log)}{reason}"
            if self._unanswered:
                told = f"{_UNANSWERED} and was killed as well"
            self.failure = self.failure or told
            self.ended = True
        for process in left:
            process.mark_dead(reason=self.failure, unanswered=self._unanswered)
        self.settled.set()

    def _end_host(self, *, at_once: bool = False) -> int | None:
        """Wait for the end of the process, bring it about if need be; return its status."""
        popen = self._popen
        if popen is None:
            return None
        if not at_once:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return popen.wait(1)
        popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return popen.wait(_END_SECONDS)
        self._unanswered = True
        popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return popen.wait(_END_SECONDS)
        return None


def _is_stopped(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


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
