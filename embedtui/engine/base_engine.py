"""What every engine holds, whether it is forked here or a server somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from embedtui.engine.effective import EffectiveConfig

if TYPE_CHECKING:
    from embedtui.engine.messages import Opened
    from embedtui.engine.settings import Setting


class Reachable(Protocol):
    """What an engine asks: a process, or the way to a server."""

    @property
    def log(self) -> Path:
        """The file that it writes down in what went on."""

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""

    @property
    def busy(self) -> bool:
        """Whether it works."""


P = TypeVar("P", bound=Reachable)


class BaseEngine(Generic[P]):
    """One setting, what is known of it, and whom to ask."""

    def __init__(self, setting: Setting, process: P) -> None:
        self.setting = setting
        self.process = process
        self.effective = EffectiveConfig()
        self.opened: Opened | None = None
        self.largest_batch = 0
        self.token_budget = 0
        self.longest = 0

    @property
    def log(self) -> Path:
        """The file that it writes down in what went on."""
        return self.process.log

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self.process.alive

    @property
    def busy(self) -> bool:
        """Whether it works on something that was asked of it."""
        return self.process.busy
