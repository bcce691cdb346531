"""A vLLM server of one's own: started for a check, waited for, stopped whatever happens."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from embedtui import models
from embedtui.common import paths
from embedtui.common.address import Address
from embedtui.common.errors import EngineError, InputError
from embedtui.common.printable import printable
from embedtui.engine.access import KEY_VARIABLES, Access
from embedtui.engine.host_environment import host_environment
from embedtui.engine.remote.http_client import HttpClient
from embedtui.engine.remote.server_error import ServerError

_COMMAND = [sys.executable, "-P", "-m", "embedtui.engine.remote.api_server"]
_HOST = "127.0.0.1"
_POLL = 0.5
_TELL = 1.0
_STOP = 20.0
_OWN = ("--host", "--port", "--uds", "--ssl-keyfile", "--ssl-certfile")
"""Arguments that only embedtui can know."""
_SECRET = {"--api-key": KEY_VARIABLES[0], "--hf-token": "HF_TOKEN"}
"""Arguments that would show a secret in the list of processes; the variable that carries it."""

_DTYPE = re.compile(r"\bdtype=torch\.(\w+)")
_EAGER = re.compile(r"\benforce_eager=(True|False)")
"""As vLLM logs the configuration of its engine, once, when it starts."""

_ERROR = re.compile(r"(?:Error|error|ERROR)\b[^/]*[:,] ")
"""A line that names an error, and not where to read about it."""

OnStage = Callable[[str], None]


def arguments_of(text: str) -> list[str]:
    """Return the server's arguments as vLLM takes them, the model's folder in place of its name.

    Raises:
        InputError: if they cannot be split, name no model, or name what is not theirs to name.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"--serve: {error}: quote the arguments as for a shell") from error
    for word in words:
        name = word.partition("=")[0]
        if name in _OWN:
            raise InputError(f"--serve: leave {name} out, embedtui chooses it")
        if name in _SECRET:
            raise InputError(
                f"--serve: leave {name} out, everybody on this machine could read it: "
                f"the variable {_SECRET[name]} carries it"
            )
    if words[:2] == ["vllm", "serve"]:
        words = words[2:]
    ref, rest = _model(words)
    folder = models.resolve(ref).folder
    if "--served-model-name" not in rest:
        rest = [*rest, "--served-model-name", ref]
    if "--runner" not in rest:
        rest = [*rest, "--runner", "pooling"]
    return ["--model", ref if folder is None else str(folder), *rest]


def _model(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the model that the arguments name, first or as --model, and the other arguments."""
    if words and not words[0].startswith("-"):
        return words[0], list(words[1:])
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--model":
            if equals:
                return value, [*words[:at], *words[at + 1 :]]
            if at + 1 < len(words):
                return words[at + 1], [*words[:at], *words[at + 2 :]]
    raise InputError('--serve names no model: write --serve "MODEL --dtype float16 …"')


@contextmanager
def started(
    arguments: Sequence[str], access: Access, tell: OnStage, *, ready_seconds: float
) -> Iterator[tuple[Address, Access]]:
    """Start vLLM's server on a free port of this machine; yield how to ask it once it is ready.

    It is stopped however the block is left; if this process is killed, its keeper stops it.

    Raises:
        EngineError: if it ends, or is not ready in time; with the last line of its log.
    """
    port = _free_port()
    address = Address(f"http://{_HOST}:{port}/v1")
    access = access.naming(address)
    log = paths.logs_folder() / f"{time.strftime('%Y%m%d-%H%M%S')}-server-{port}.log"
    paths.create_private(log)
    command = [*_COMMAND, *arguments, "--host", _HOST, "--port", str(port)]
    keeper = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "embedtui.engine.remote.server_supervisor",
            str(log),
            *command,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(access, address),
        start_new_session=True,  # Ctrl+C in the terminal is embedtui's business
    )
    try:
        _wait(keeper, address, access, log, tell, ready_seconds)
        yield address, replace(access, told=_told(arguments, log))
    finally:
        _stop(keeper)


def _environment(access: Access, address: Address) -> dict[str, str]:
    """Return the environment of the server: a key reaches it there, never as an argument."""
    environment = host_environment()
    del environment["VLLM_ENABLE_V1_MULTIPROCESSING"]  # a server has its core in another process
    environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # nothing is generated
    key = access.key_for(address)
    if key is not None:
        environment["VLLM_API_KEY"] = key.reveal()
    return environment


def _wait(
    keeper: subprocess.Popen[bytes],
    address: Address,
    access: Access,
    log: Path,
    tell: OnStage,
    seconds: float,
) -> None:
    began = time.monotonic()
    told = began - _TELL
    client = HttpClient(address, access, Path(os.devnull))
    try:
        while True:
            if keeper.poll() is not None:
                raise EngineError(
                    f"the server ended with status {keeper.returncode}"
                    f"{_last(log, failed=True)} (log: {log})"
                )
            with contextlib.suppress(ServerError):
                if client.get(f"{address.root}/health", lambda: False, seconds=2).is_good:
                    tell(f"the server is ready after {time.monotonic() - began:.0f} s")
                    return
            now = time.monotonic()
            if now - began > seconds:
                raise EngineError(
                    f"the server was not ready within {seconds:.0f} s{_last(log)} (log: {log}); "
                    "--ready-timeout gives it longer"
                )
            if now - told >= _TELL:
                told = now
                tell(f"starting the server, {now - began:.0f} s{_last(log)}")
            time.sleep(_POLL)
    finally:
        client.close()


def _told(arguments: Sequence[str], log: Path) -> dict[str, str]:
    """Return what is known of a server that was started here, and that it does not tell itself."""
    told = {"arguments": shlex.join(arguments[2:])}  # without the model's folder
    try:
        logged = log.read_text(errors="replace")
    except OSError:
        return told
    config = next((line for line in logged.splitlines() if "with config: " in line), "")
    if (dtype := _DTYPE.search(config)) is not None:
        told["dtype"] = dtype[1]
    if (eager := _EAGER.search(config)) is not None:
        told["execution"] = "eager" if eager[1] == "True" else "compiled"
    return told


def _stop(keeper: subprocess.Popen[bytes]) -> None:
    assert keeper.stdin is not None
    with contextlib.suppress(OSError):
        keeper.stdin.close()
    try:
        keeper.wait(_STOP)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((_HOST, 0))
        return int(one.getsockname()[1])


def _last(log: Path, *, failed: bool = False) -> str:
    """Return the last line that says something, as the end of a sentence.

    Of a server that `failed` the last one that names an error, if there is any.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 8192, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    told = [line for line in reversed(lines) if line.strip()]
    errors = [line for line in told if failed and _ERROR.search(line)]
    said = next(iter(errors or told), "")
    return f", last saying “{printable(said, 160)}”" if said else ""
