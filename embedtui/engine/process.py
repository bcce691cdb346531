"""One forked process as its owner sees it: messages to and fro, its log, and the news of its end.

Works from any thread, under Textual and without: nothing here looks at sys.stdout.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from embedtui.common.errors import Cancelled, EmbedtuiError, EngineError, InputError
from embedtui.common.printable import printable
from embedtui.engine.messages import CancelWork, Failed, Quit, Role, Stage, WorkDone
from embedtui.engine.port import OnStage, Stop, never, silent

_POLL_SECONDS = 0.05
_CLOSE_SECONDS = 2.0

_Answer = TypeVar("_Answer")


class Process:
    """A process that the host was asked to fork; `kill_it` has the host end it at once."""

    def __init__(self, log: Path, kill_it: Callable[[], None], role: Role = "vllm") -> None:
        self.log = log
        self.role = role
        self.pid = 0
        self.busy = False
        """Whether an answer of it is waited for."""
        self._kill_it = kill_it
        self._connection: Connection | None = None
        self._settled = threading.Event()
        """Forked, or never to be."""
        self._dead = threading.Event()
        self._status: int | None = None
        self._reason = ""
        self._unanswered = False
        self._killed = False

    @property
    def alive(self) -> bool:
        """Whether the process runs and was not told to die."""
        return self._settled.is_set() and not self._dead.is_set() and not self._killed

    def ask(
        self, request: Any, kind: type[_Answer], tell: OnStage = silent, stop: Stop = never
    ) -> _Answer:
        """Send a request and wait for its answer; a stop kills the process, which may be loading.

        Raises:
            InputError: if the request cannot be met as it is.
            EngineError: if the process failed at it, or has ended.
            Cancelled: if the process was killed from here.
        """
        with self._working():
            self._send(request)
            while True:
                message = self._receive()
                if message is None:
                    if stop():
                        self.kill()
                        raise Cancelled("cancelled while an engine was being loaded")
                elif isinstance(message, kind):
                    return message
                elif isinstance(message, Stage):
                    tell(message.what)
                else:
                    self._raise_failure(message)

    def stream(
        self,
        request: Any,
        kind: type[_Answer],
        tell: OnStage = silent,
        stop: Stop = never,
        *,
        patient: bool = True,
    ) -> Iterator[_Answer]:
        """Yield the answers to a request until the work is done; the same errors as `ask`.

        A stop, and leaving the iterator early, end the work after the step in hand. Without
        `patient` a stop before the first answer kills the process: it may still be loading.
        """
        with self._working():
            self._send(request)
            try:
                yield from self._answers(kind, tell, stop, patient=patient)
            except GeneratorExit:
                # What is still on its way must not be taken for the answer to the next request.
                with contextlib.suppress(EngineError, Cancelled):
                    self._send(CancelWork())
                    while not isinstance(self._receive(), WorkDone | Failed):
                        pass
                raise

    def kill(self) -> None:
        """End the process at once; what it had not sent is lost."""
        self._killed = True
        with contextlib.suppress(EngineError):  # with the host gone the process is gone as well
            self._kill_it()

    def close(self) -> None:
        """Ask the process to end, and end it if it has not after a moment."""
        if self._connection is None:
            return
        if self.alive:
            with contextlib.suppress(OSError):
                self._connection.send(Quit())
            if not self._dead.wait(_CLOSE_SECONDS):
                self.kill()
                self._dead.wait(_CLOSE_SECONDS)
        self._connection.close()
        self._connection = None

    def wait_started(self, stop: Stop = never) -> None:
        """Wait until the process was forked.

        Raises:
            EngineError: if it cannot be.
            Cancelled: if `stop` says so; a process that still comes of it is killed.
        """
        while not self._settled.wait(_POLL_SECONDS):
            if stop():
                self.kill()
                raise Cancelled("cancelled while an engine was being started")
        if self._connection is None:
            raise self.exit_error()

    def mark_started(self, pid: int, connection: Connection) -> None:
        """Take what the host said of the fork."""
        self.pid, self._connection = pid, connection
        self._settled.set()

    def wait_dead(self, seconds: float) -> bool:
        """Wait for the end of the process; say whether it has come."""
        return self._dead.wait(seconds)

    def mark_dead(
        self, status: int | None = None, reason: str = "", *, unanswered: bool = False
    ) -> None:
        """Take the news that the process is no more, or that there never was one.

        `unanswered` where the host had to be killed for it.
        """
        self._status, self._reason, self._unanswered = status, reason, unanswered
        self._dead.set()
        self._settled.set()

    def exit_error(self) -> EmbedtuiError:
        """Return why the process cannot be asked, with the last words of its log."""
        if self._killed:
            also = f"; {self._reason}" if self._unanswered else ""
            return Cancelled(f"the engine was killed{also}")
        self._dead.wait(1)
        if self._reason:
            return EngineError(self._reason)
        return EngineError(f"the engine process {ending(self._status, self.log)}")

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    def _send(self, message: Any) -> None:
        if self._connection is None:
            raise self.exit_error()
        try:
            self._connection.send(message)
        except OSError as error:
            raise self.exit_error() from error

    def _receive(self) -> Any:
        """Return the next message, or None if none comes in time."""
        if self._connection is None:
            raise self.exit_error()
        try:
            return self._connection.recv() if self._connection.poll(_POLL_SECONDS) else None
        except (EOFError, OSError) as error:
            raise self.exit_error() from error

    def _answers(
        self, kind: type[_Answer], tell: OnStage, stop: Stop, *, patient: bool
    ) -> Iterator[_Answer]:
        cancelling = begun = False
        while True:
            if not cancelling and stop():
                if not patient and not begun:
                    self.kill()
                    raise Cancelled("cancelled before anything was computed")
                self._send(CancelWork())
                cancelling = True
            message = self._receive()
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
                self._raise_failure(message)

    def _raise_failure(self, message: Any) -> NoReturn:
        if isinstance(message, Failed):
            reason = printable(message.reason, 500)
            if message.kind == "input":
                raise InputError(reason)
            raise EngineError(f"{reason} (log: {self.log})")
        raise EngineError(f"the engine answered with {type(message).__name__}")


def ending(status: int | None, log: Path) -> str:
    """Return how a process ended and the last line of its log, as the end of a sentence."""
    how = "ended"
    if status is not None and status < 0:
        how = f"was killed by {signal.Signals(-status).name}"
    elif status:
        how = f"ended with status {status}"
    return f"{how}{_last_words(log)} (log: {log})"


def _last_words(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 4096, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    said = next((line for line in reversed(lines) if line.strip()), "")
    return f", last saying “{printable(said, 160)}”" if said else ""
