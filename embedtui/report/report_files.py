"""The report of a run in every form, written by a process of its own.

A report of thousands of texts is seconds of Python, which would hold up whatever else its process
does: `python -m embedtui.report.report_files RUN STEM` does it beside a screen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from embedtui.common.errors import EmbedtuiError, ExitCode, InputError
from embedtui.common.printable import printable
from embedtui.report import exports, run_report
from embedtui.storage import run_file

_SUFFIXES = {"json": "json", "csv": "csv", "markdown": "md"}
_NICER = 5
"""By how much the writing gives way to engines and screen."""


class ReportWriter:
    """Writes the report of a run file beside whoever asks for it."""

    def __init__(self, run: Path, stem: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(run), str(stem)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def wait(self) -> list[str]:
        """Return the names of the files once they are written.

        Raises:
            InputError: if the run cannot be read, or a file cannot be written.
            EmbedtuiError: if the process failed or was stopped.
        """
        out, err = self._process.communicate()
        if self._process.returncode == ExitCode.DONE:
            names: list[str] = json.loads(out)
            return names
        lines = err.decode("utf-8", "replace").strip().splitlines()
        said = printable(lines[-1], 300) if lines else f"it ended with {self._process.returncode}"
        if self._process.returncode == ExitCode.BAD_INPUT:
            raise InputError(said)
        raise EmbedtuiError(f"the report could not be written: {said}")

    def stop(self) -> None:
        """End it; what it has not finished is not there."""
        self._process.kill()


def write_all(run: Path, stem: Path) -> list[str]:
    """Write the report of a run file in every form beside each other; return the files' names.

    Each file is there as a whole or not at all.

    Raises:
        InputError: if the run cannot be read, or a file cannot be written.
    """
    made = run_report.build(run_file.read(run))
    names = []
    for form, suffix in _SUFFIXES.items():
        target = stem.with_name(f"{stem.name}.{suffix}")
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            beside.write_text(exports.FORMATS[form](made), encoding="utf-8", newline="")
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            shown = printable(str(stem.parent))
            raise InputError(f"{shown} cannot be written: {error.strerror}") from error
        names.append(target.name)
    return names


def main(arguments: list[str]) -> int:
    """Write the files and say which; an error is one line."""
    os.nice(_NICER)
    try:
        names = write_all(*map(Path, arguments))
    except InputError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(names))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
