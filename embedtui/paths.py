"""Where embedtui keeps what outlives a command: run files, caches, logs (XDG folders)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

_APP = "embedtui"


def runs_folder() -> Path:
    """Return the folder that run files are written to when no other is named."""
    return _made(Path(platformdirs.user_data_dir(_APP)) / "runs")


def history_file() -> Path:
    """Return the file that checks are written down in when no other is named."""
    return _made(Path(platformdirs.user_data_dir(_APP))) / "history.sqlite"


def models_folder() -> Path:
    """Return the folder of the models that were made here."""
    return _made(Path(platformdirs.user_data_dir(_APP)) / "models")


def config_folder() -> Path:
    """Return the folder of the config file and the user's own themes; it may not exist yet."""
    return Path(platformdirs.user_config_dir(_APP))


def shots_folder() -> Path:
    """Return the folder that screenshots and copied texts go to."""
    return _made(Path(platformdirs.user_data_dir(_APP)) / "shots")


def cache_folder(name: str) -> Path:
    """Return a folder for what can be computed again, such as the float64 truth."""
    return _made(Path(platformdirs.user_cache_dir(_APP)) / name)


def logs_folder() -> Path:
    """Return the folder that engine processes write their logs under."""
    return _made(Path(platformdirs.user_state_dir(_APP)) / "logs")


def _made(folder: Path) -> Path:
    """Make the folder; where the home cannot be written to, one among the temporary files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"{_APP}-{os.getuid()}" / folder.name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
