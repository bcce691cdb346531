"""Log files of the engines, read as they grow."""

from __future__ import annotations

from pathlib import Path

from embedtui.common.printable import printable

_MOST_BYTES = 256 * 1024
_MOST_COLUMNS = 400


class LogTail:
    """Follows one file: each call returns the lines that came since the last.

    A disk may take its time: read in a thread, one at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = 0
        self._rest = b""

    def read(self) -> list[str]:
        """Return new whole lines, safe to show; of a long file only the end."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                if size < self._place:
                    self._place, self._rest = 0, b""
                if size - self._place > _MOST_BYTES:
                    self._place, self._rest = size - _MOST_BYTES, b""
                file.seek(self._place)
                data = self._rest + file.read()
        except OSError:
            return []
        self._place = size
        *lines, self._rest = data.replace(b"\r", b"\n").split(b"\n")
        decoded = (line.decode("utf-8", "replace") for line in lines)
        return [printable(line, _MOST_COLUMNS) for line in decoded if line.strip()]


def log_files(folder: Path) -> list[Path]:
    """Return the logs of a session, the host's first, then engines in the order of their start."""
    try:
        return sorted(folder.glob("*.log"), key=lambda path: (path.name != "host.log", path.name))
    except OSError:
        return []
