"""The host: imports vLLM once, without touching the GPU, and forks a process per engine.

`python -P -m embedtui.engine.host_process FD PARENT` talks over the socket FD. It starts no thread
of its own and runs no torch operation: neither threads nor an OpenMP pool survive a fork. Importing
costs 7 s on two cores and forking a tenth of one, which is why engines are forked.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from multiprocessing import reduction
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NoReturn

from embedtui.engine import process_utils
from embedtui.engine.messages import (
    Exited,
    Fork,
    Forked,
    ForkFailed,
    HostFailed,
    HostReady,
    Kill,
)


def main(descriptor: int, parent: int) -> None:
    """Serve fork and kill requests until the client goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = _Host(Connection(descriptor), parent)
    # SIGTERM and not SIGKILL on the parent's death: what engines have started has to go too.
    signal.signal(signal.SIGTERM, lambda *_: host.end())
    process_utils.die_with(parent, signal.SIGTERM)
    host.serve()


class _Host:
    def __init__(self, client: Connection, parent: int) -> None:
        self._client = client
        self._parent = parent
        self._children: dict[int, int] = {}
        """Process id to the client's number."""

    def serve(self) -> None:
        began = time.monotonic()
        try:
            _import_engine_code()
        except Exception as error:  # noqa: BLE001 - any import failure is the same news
            import traceback  # noqa: PLC0415

            traceback.print_exc()
            self._client.send(HostFailed(f"{type(error).__name__}: {error}"))
            self.end()
        self._client.send(HostReady(time.monotonic() - began))
        wakeup, wakeup_end = os.pipe()
        for end in (wakeup, wakeup_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready = wait([self._client, wakeup])
            if wakeup in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wakeup, 4096)
                self._reap()
            if self._client in ready:
                try:
                    request = self._client.recv()
                except (EOFError, OSError):
                    self.end()
                self._obey(request)

    def _obey(self, request: Any) -> None:
        if isinstance(request, Fork):
            self._fork(request)
        elif isinstance(request, Kill):
            for pid, number in self._children.items():
                if number == request.number:
                    process_utils.kill_group(pid)

    def _fork(self, request: Fork) -> None:
        """Fork one process; where the system has no room for it, the others live on."""
        host = os.getpid()
        try:
            near, far = Pipe()
        except OSError as error:
            self._tell(ForkFailed(request.number, _why(error)))
            return
        with near:
            with far:
                try:
                    pid = os.fork()
                except OSError as error:
                    self._tell(ForkFailed(request.number, _why(error)))
                    return
                if pid == 0:
                    near.close()
                    self._client.close()
                    _become_engine(request, far, host)
            self._children[pid] = request.number
            self._tell(Forked(request.number, pid))
            try:
                reduction.send_handle(self._client, near.fileno(), self._parent)
            except OSError:
                self.end()

    def _tell(self, message: Any) -> None:
        """Send a message to the client; without a client there is nobody to work for."""
        try:
            self._client.send(message)
        except OSError:
            self.end()

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = self._children.pop(pid, None)
            if number is not None:
                self._tell(Exited(number, os.waitstatus_to_exitcode(status)))

    def end(self) -> NoReturn:
        for pid in list(self._children):
            process_utils.kill_group(pid)
        os._exit(0)


def _why(error: OSError) -> str:
    return f"{error.strerror or type(error).__name__} (close other programs, or raise ulimit)"


def _import_engine_code() -> None:
    from embedtui.engine.vllm_adapter import startup  # noqa: PLC0415 - the import is what takes seconds

    startup.preload()
    gc.collect()
    gc.freeze()  # pages of what was imported stay shared: no collector touches them


def _become_engine(request: Fork, client: Connection, host: int) -> NoReturn:
    status = 1
    try:
        for signum in (signal.SIGTERM, signal.SIGCHLD):  # the host's handlers kill its children
            signal.signal(signum, signal.SIG_DFL)
        os.setsid()  # a group of its own: what the engine starts can be killed with it
        process_utils.die_with(host, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        process_utils.redirect_output(request.log)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        from embedtui.engine import reference, vllm_engine  # noqa: PLC0415

        serve = vllm_engine.serve if request.role == "vllm" else reference.serve
        serve(client)
        status = 0
    except (EOFError, BrokenPipeError, ConnectionResetError):
        status = 0  # the client is gone, and nothing is owed to anyone else
    except BaseException:  # noqa: BLE001 - the log is the last place that can hear of it
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
