"""Finds the run file of a plan that was begun and not brought to its end."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

import psutil

from embedtui.common import machine, paths
from embedtui.plan.plan import Plan

_NEWEST = 200


def find_unfinished(plan: Plan, folder: Path | None = None) -> Path | None:
    """Return the newest run file that was to hold this very plan on this machine, and does not yet.

    One that another process still writes is left alone.
    """
    wanted = json.loads(json.dumps(plan.as_dict()))
    here = json.loads(json.dumps(machine.environment()))
    files = sorted((folder or paths.runs_folder()).glob("*.sqlite"), reverse=True)
    for path in files[:_NEWEST]:
        run = _facts(path)
        if run.get("status", "cut off") not in {"cut off", "cancelled", "failed"}:
            continue
        with contextlib.suppress(ValueError):
            same = json.loads(run.get("plan", "null")) == wanted
            if same and json.loads(run.get("environment", "null")) == here:
                return None if _is_alive(run.get("writer", "")) else path
    return None


def writer_of_this_process() -> str:
    """Return what tells this process from every other: host, process id, when it began."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time()}"


def _facts(path: Path) -> dict[str, Any]:
    # A path may hold what means something in a URI: # ? %.
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
            return dict(database.execute("SELECT key, value FROM run"))
    except sqlite3.Error:
        return {"status": "finished"}


def _is_alive(writer: str) -> bool:
    host, _, rest = writer.partition(":")
    number, _, began = rest.partition(":")
    if host != socket.gethostname():
        return bool(host)
    try:
        return bool(psutil.Process(int(number)).create_time() == float(began))
    except (psutil.Error, ValueError):
        return False
