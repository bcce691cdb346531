"""What the app is given from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedtui.config import Config

if TYPE_CHECKING:
    from embedtui.report.stories import Told
    from embedtui.tui.state.session import Session  # the first paint comes before this is imported


@dataclass
class AppDeps:
    """What the app is given from outside, so that tests give something else."""

    open_session: Callable[[], Session]
    """Called once, after the first paint."""
    config: Config
    save: Any = None
    """Called with a changed config; None where nothing is to be kept."""
    problems: tuple[str, ...] = ()
    """Lines about the config file and themes that are told once."""
    themes_folder: Path | None = None
    screenshots_folder: Path | None = None
    guard: Any = None
    """The terminal guard that the app tells when it has the screen."""
    gpu: Any = None
    """Gives the latest readings of the GPUs."""
    opened: tuple[Path, ...] = ()
    """Run files to be shown; the explorer has no engine then."""
    story: Told | None = None
    """What is told of them at first."""
