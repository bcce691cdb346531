"""Where embedtui keeps what outlives a command: run files, caches, logs (XDG folders).

They hold users' texts, so that folders and files are the user's alone to read.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import platformdirs

_APP = "embedtui"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


def runs_folder() -> Path:
    """Return the folder that run files are written to when no other is named."""
    return _made(platformdirs.user_data_dir(_APP), "runs")


def history_file() -> Path:
    """Return the file that checks are written down in when no other is named."""
    return _made(platformdirs.user_data_dir(_APP)) / "history.sqlite"


def models_folder() -> Path:
    """Return the folder of the models that were made here."""
    return _made(platformdirs.user_data_dir(_APP), "models")


def config_folder() -> Path:
    """Return the folder of the config file and the user's own themes; it may not exist yet."""
    return Path(platformdirs.user_config_dir(_APP))


def screenshots_folder() -> Path:
    """Return the folder that screenshots and copied texts go to."""
    return _made(platformdirs.user_data_dir(_APP), "shots")


def cache_folder(name: str) -> Path:
    """Return a folder for what can be computed again, such as the float64 reference."""
    return _made(platformdirs.user_cache_dir(_APP), name)


def logs_folder() -> Path:
    """Return the folder that engine processes write their logs under."""
    return _made(platformdirs.user_state_dir(_APP), "logs")


def make_private_folder(folder: Path) -> None:
    """Make a folder that the user alone can look into; close one that everybody could.

    Raises:
        OSError: if it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.getuid() and found.st_mode & stat.S_IRWXO:
        folder.chmod(_PRIVATE_FOLDER)


def create_private(path: Path, *, fresh: bool = False) -> Path:
    """Create an empty file that the user alone can read and return it; one that is there stays.

    Raises:
        FileExistsError: if it is to be `fresh` and is there, be it as a link to nowhere.
        OSError: if it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if fresh else 0)
    os.close(os.open(path, flags, _PRIVATE_FILE))
    return path


def _made(app: str, name: str = "") -> Path:
    """Make a folder below that of the application, both private.

    Where the home cannot be written to, the application's folder is one among the temporary files.
    """
    try:
        return _below(Path(app), name)
    except OSError:
        return _below(_temporary_folder(), name)


def _below(app: Path, name: str) -> Path:
    make_private_folder(app)
    folder = app / name
    make_private_folder(folder)
    return folder


def _temporary_folder() -> Path:
    """Return this user's folder among the temporary files, made under a name nobody can foresee.

    One of an earlier start is taken again if it is a folder (no link) of this user that nobody
    else can look into: others may put anything there under any name, but not that.
    """
    prefix = f"{_APP}-home-{os.getuid()}-"
    for found in sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*")):
        try:
            state = found.lstat()
        except OSError:
            continue
        private = stat.S_IMODE(state.st_mode) == _PRIVATE_FOLDER
        if stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and private:
            return found
    return Path(tempfile.mkdtemp(prefix=prefix))
