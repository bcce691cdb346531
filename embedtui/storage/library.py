"""Run files by name: the recordings that come with embedtui, and the runs of one's own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.common.machine import vllm_of
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.storage import run_file

_SUFFIX = ".sqlite"
_NEWEST = 20

LAST = "last"
"""Names the newest run of one's own; a file of that name is ./last."""


@dataclass(frozen=True)
class RunSummary:
    """A run file, and what it says of itself without being read as a whole."""

    name: str
    path: Path
    model: str
    texts: str
    """How many, and what they are."""
    settings: int
    where: str
    """When it was recorded, on what, and with which vLLM."""
    status: str


def recordings() -> dict[str, Path]:
    """Return the recordings that come with embedtui, by name."""
    folder = Path(__file__).resolve().parents[1] / "recordings"
    return {path.stem: path for path in sorted(folder.glob(f"*{_SUFFIX}"))}


def groups() -> list[str]:
    """Return what several recordings' names begin with: each stands for all of them."""
    return sorted({name.partition("-")[0] for name in recordings()})


def find(ref: str) -> list[Path]:
    """Return the run files that `ref` names.

    A recording, all whose names begin with `ref` and a hyphen, a run of one's own or the `last` of
    them, or a file.

    Raises:
        InputError: if it names none; the message says what there is.
    """
    if ref == LAST:
        return [file_of(ref)]
    known = recordings()
    if ref in known:
        return [known[ref]]
    group = [path for name, path in known.items() if name.startswith(f"{ref}-")]
    if group:
        # The one that shows most is the first to be shown.
        return sorted(group, key=lambda path: -describe(path).settings)
    path = Path(ref).expanduser()
    if path.is_file():
        return [path]
    own = paths.runs_folder() / f"{ref}{_SUFFIX}"
    if "/" not in ref and own.is_file():
        return [own]
    names = [*groups(), *known]
    raise InputError(
        f"no run file and no recording '{printable(ref, 120)}'{suggest(ref, names)}: "
        f"give a file, or one of {', '.join(names)}; `embedtui open` lists them"
    )


def file_of(ref: str) -> Path:
    """Return the file that `ref` is the path of, or for `last` the newest run of one's own.

    Raises:
        InputError: if there is no run yet that can be read.
    """
    if ref != LAST:
        return Path(ref)
    for held in describe_all(own_runs()):
        return held.path
    folder = printable(str(paths.runs_folder()))
    raise InputError(f"there is no last run: `embedtui run` records one in {folder}")


def own_runs() -> list[Path]:
    """Return the newest runs of one's own, the newest first."""
    return sorted(paths.runs_folder().glob(f"*{_SUFFIX}"), reverse=True)[:_NEWEST]


def describe(path: Path) -> RunSummary:
    """Return what a run file says of itself.

    Raises:
        InputError: if it is no run file.
    """
    plan, environment, run = run_file.facts(path)
    with run_file.decoding(path):
        texts = plan["texts"]
        return RunSummary(
            name=path.stem,
            path=path,
            model=plan["model_name"],
            texts=f"{texts['count']} {texts['name']}",
            settings=len(plan["settings"]),
            where=where_of(environment, run.get("started_at", ""), to_the_minute=True),
            status=run.get("status", "cut off"),
        )


def describe_all(files: Sequence[Path]) -> list[RunSummary]:
    """Describe the run files that can be read, in their order."""
    found = []
    for path in files:
        with contextlib.suppress(InputError):
            found.append(describe(path))
    return found


def where_of(environment: dict[str, Any], at: str, *, to_the_minute: bool = False) -> str:
    """Say when, where and with which vLLM figures were recorded: none is shown without it."""
    when = at[:16].replace("T", " ") if to_the_minute else at[:10]
    if environment.get("device") == "server":
        return f"{when} of a {environment.get('machine', 'server')}"
    return f"{when} on {environment.get('machine', '')}, vLLM {vllm_of(environment)}"
