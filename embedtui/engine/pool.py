"""The engines of a session: who has which, who makes room for whom, and what a kill strikes.

One lock guards all of it, and nothing that takes time is done under it.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from embedtui.common import machine
from embedtui.common.errors import Cancelled, EngineError
from embedtui.engine.access import Access
from embedtui.engine.forked import ForkedEngine, ForkedReference
from embedtui.engine.host_client import HostClient
from embedtui.engine.port import Engine, ReferenceModel, State, Stop, Stopped, never
from embedtui.engine.settings import Setting


class Host(Protocol):
    """What engines are forked from."""

    @property
    def logs(self) -> Path:
        """The folder of the engines' logs."""

    def start(self) -> None:
        """Begin to get ready in the background."""

    def wait_ready(self, stop: Stop = never) -> object:
        """Wait until engines can be forked."""

    def stopped(self) -> list[Stopped]:
        """Return the processes that a signal has stopped."""

    def close(self) -> str:
        """End, with everything that was forked; say so where something had to be killed."""


class Running(Protocol):
    """What a kill can strike."""

    @property
    def busy(self) -> bool:
        """Whether it works."""

    def kill(self) -> None:
        """End it at once."""

    def close(self) -> None:
        """End it in good order."""


class RunningReference(ReferenceModel, Running, Protocol):
    """The float64 model as the pool has it."""


class _Entry:
    """What the pool knows of one engine, or of one float64 model, which has no setting."""

    def __init__(self, setting: Setting | None = None, access: Access | None = None) -> None:
        self.setting = setting
        self.access = access
        """How it is asked, where it is a server."""
        self.engine: Engine | None = None
        self.running: Running | None = None
        """The engine or the float64 model; None while it is being started."""
        self.leased = True
        self.killed = False
        """Whether a kill came while it was being started."""

    @property
    def state(self) -> State:
        if self.engine is None:
            return "starting"
        if not self.engine.alive:
            return "dead"
        return "leased" if self.leased else "idle"


class Pool(ABC):
    """Keeps engines warm and lends each to one at a time; a subclass says how they are started."""

    def __init__(self, host: Host) -> None:
        self.access = Access()
        """How servers are asked."""
        self._host = host
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        """The least recently used first."""
        self._closed = False

    @abstractmethod
    def _start_engine(self, setting: Setting, stop: Stop) -> Engine:
        """Return a new engine of this machine."""

    @abstractmethod
    def _start_reference(self, stop: Stop) -> RunningReference:
        """Return a new float64 model."""

    @property
    def logs(self) -> Path:
        """The folder of the engines' logs."""
        return self._host.logs

    def start(self) -> None:
        """Begin to import vLLM in the background."""
        self._host.start()

    def wait_ready(self, stop: Stop = never) -> None:
        """Wait until engines can be started.

        Raises:
            EngineError: if vLLM cannot be imported; the next call tries anew.
            Cancelled: if `stop` says so, or the pool was closed meanwhile.
        """
        try:
            self._host.wait_ready(stop)
        except EngineError:
            if self._closed:
                raise Cancelled("the engines were closed") from None
            raise

    def get(self, setting: Setting) -> EngineLease | None:
        """Lease the engine of this setting if a loaded one stands idle.

        The way to a server is opened anew once a key or the patience with servers has changed.
        """
        dead: list[_Entry] = []
        found: EngineLease | None = None
        with self._lock:
            for entry in [one for one in self._entries if one.setting == setting]:
                if entry.leased or entry.engine is None or found is not None:
                    continue
                self._entries.remove(entry)
                if not entry.engine.alive or entry.access not in (None, self.access):
                    dead.append(entry)
                    continue
                self._entries.append(entry)
                entry.leased = True
                found = EngineLease(self, entry, entry.engine)
        for entry in dead:
            _close(entry)
        return found

    def spawn(self, setting: Setting, needed_bytes: int, stop: Stop = never) -> EngineLease:
        """Lease a new engine, not yet opened; idle ones make room for so many bytes.

        Raises:
            EngineError: if none can be started.
            Cancelled: if `stop` says so, or it was killed while it was started.
        """
        access = self.access if setting.is_server else None
        entry = self._enter(_Entry(setting, access))
        try:
            engine = None if access is None else self._connect(setting, access)
            if engine is None:
                stopped = _either(stop, entry)
                self._host.wait_ready(stopped)
                self.evict(needed_bytes)
                engine = self._start_engine(setting, stopped)
            self._started(entry, engine, engine)
        except EngineError:
            self._forget(entry)
            if entry.killed:  # it failed because of that
                raise Cancelled("the engine was killed") from None
            raise
        except BaseException:
            self._forget(entry)
            raise
        return EngineLease(self, entry, engine)

    @contextmanager
    def reference(self, stop: Stop = never) -> Iterator[ReferenceModel]:
        """Start a process for the float64 model; it ends with the block."""
        entry = self._enter(_Entry())
        try:
            stopped = _either(stop, entry)
            model = self._start_reference(stopped)
            self._started(entry, model)
            yield model
        finally:
            self._forget(entry)

    def evict(self, needed_bytes: int) -> None:
        """Close idle engines, the least recently used first, until so much memory is free."""
        while machine.free_memory() < needed_bytes:
            with self._lock:
                idle = (one for one in self._entries if one.engine is not None and not one.leased)
                entry = next((one for one in idle if not _is_server(one)), None)
                if entry is None:
                    return
                self._entries.remove(entry)
            _close(entry)

    def states(self) -> list[tuple[Setting, State]]:
        """Return every engine there is and what it is about, the least recently used first."""
        with self._lock:
            return [(one.setting, one.state) for one in self._entries if one.setting is not None]

    def kill_current(self) -> None:
        """Kill what works now or is being started; engines that wait are not touched."""
        with self._lock:
            for entry in self._entries:
                entry.killed = entry.killed or entry.running is None
            working = [one.running for one in self._entries if one.running is not None]
        for running in working:
            if running.busy:
                running.kill()

    def stopped(self) -> list[Stopped]:
        """Return the processes that a signal has stopped."""
        return self._host.stopped()

    def close(self) -> str:
        """End everything; whoever still waits for an engine gets Cancelled."""
        with self._lock:
            self._closed = True
            entries, self._entries = self._entries, []
            for entry in entries:
                entry.killed = True
        told: list[str] = []
        with ExitStack() as closing:  # the host is ended whatever an engine says to its end
            closing.callback(lambda: told.append(self._host.close()))
            for entry in entries:
                if entry.running is not None:
                    closing.callback(
                        entry.running.close if _is_server(entry) else entry.running.kill
                    )
        return told[0]

    def _connect(self, setting: Setting, access: Access) -> Engine:
        """Return the server that `setting` names; nothing is sent yet."""
        from embedtui.engine.remote.endpoint import Endpoint  # noqa: PLC0415 - servers alone need it

        name = f"server-{setting.requests}-{setting.encoding}"
        with self._lock:
            number = sum(1 for _ in self.logs.glob("server-*.log")) + 1
        return Endpoint(setting, access, self.logs / f"{name}-{number}.log")

    def _enter(self, entry: _Entry) -> _Entry:
        with self._lock:
            if self._closed:
                raise Cancelled("the engines were closed")
            self._entries.append(entry)
        return entry

    def _started(self, entry: _Entry, running: Running, engine: Engine | None = None) -> None:
        """Take what was started, unless a kill came meanwhile.

        Raises:
            Cancelled: if one did.
        """
        with self._lock:
            entry.running, entry.engine = running, engine
            killed = entry.killed
        if killed:
            running.kill()
            raise Cancelled("the engine was killed")

    def _forget(self, entry: _Entry) -> None:
        with self._lock:
            if entry in self._entries:
                self._entries.remove(entry)
        _close(entry)

    def _give_back(self, entry: _Entry, engine: Engine) -> None:
        if not engine.alive or not engine.effective:
            self._forget(entry)
            return
        with self._lock:
            entry.leased = False


class VllmPool(Pool):
    """vLLM on this machine, and servers."""

    def __init__(self) -> None:
        self.host = HostClient()
        super().__init__(self.host)

    def _start_engine(self, setting: Setting, stop: Stop) -> Engine:
        name = "".join(c if c.isalnum() or c in "=-" else "-" for c in setting.label)
        return ForkedEngine(self.host.fork("vllm", name[:80], stop), setting)

    def _start_reference(self, stop: Stop) -> RunningReference:
        return ForkedReference(self.host.fork("reference", "float64", stop))


class EngineLease:
    """The right to use one engine; see `port.Lease`."""

    def __init__(self, pool: Pool, entry: _Entry, engine: Engine) -> None:
        self.engine = engine
        self._pool, self._entry = pool, entry
        self._held = True

    def release(self) -> None:
        """Give the engine back; it stays for the next, unless it has died or was never loaded."""
        if self._let_go():
            self._pool._give_back(self._entry, self.engine)

    def discard(self) -> None:
        """Close the engine and forget it."""
        if self._let_go():
            self._pool._forget(self._entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Cancelled):
            self.release()
        else:
            self.discard()

    def _let_go(self) -> bool:
        """Say whether the engine was still held."""
        held, self._held = self._held, False
        return held


def _either(stop: Stop, entry: _Entry) -> Stop:
    return lambda: entry.killed or stop()


def _is_server(entry: _Entry) -> bool:
    return entry.setting is not None and entry.setting.is_server


def _close(entry: _Entry) -> None:
    if entry.running is not None:
        entry.running.close()
