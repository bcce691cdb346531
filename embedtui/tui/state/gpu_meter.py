"""Memory and load of the GPUs, read once a second beside everything else."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from embedtui.common import machine
from embedtui.tui.state.supervisor import Worker

_SECONDS = 1.0


@dataclass(frozen=True)
class Reading:
    """One GPU at one moment."""

    name: str
    used_bytes: int
    total_bytes: int
    utilisation: int
    """Percent of the last moment in which something was computed."""


class GpuMeter:
    """Reads in a thread of its own: a driver may take its time, and a screen must not wait."""

    def __init__(self) -> None:
        self._readings: tuple[Reading, ...] = ()
        self._end = threading.Event()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Begin to read; where there is no GPU, nothing goes on."""
        if self._worker is None:
            self._worker = Worker("gpu", "reading the GPU's load", self._work, restarts=True)
            self._worker.start()

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
        if self._worker is not None:
            self._worker.stop()
            self._worker.join(2)

    def readings(self) -> tuple[Reading, ...]:
        """Return the latest figures; none where there is no GPU or the driver does not answer."""
        return self._readings

    def _work(self) -> None:
        while not self._end.is_set():
            found = machine.gpu_load()
            if found is None:
                return
            self._readings = tuple(Reading(*one) for one in found)
            self._end.wait(_SECONDS)
