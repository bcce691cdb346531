"""How far a run is: counted in texts, with a rate and the time that is left."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable

from embedtui.plan.plan import Plan
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    LayersJudged,
    ReferenceComputed,
    RunStarted,
    SettingEnded,
    TextsPrepared,
    Waiting,
)

_AGAIN = {
    "first": "",
    "shuffle": " in another order",
    "repeat": ", again",
    "restart": ", again after a restart",
}


class Progress:
    """A listener that knows what is being done, how much of it is left and how long that takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.what = "starting"
        """What is done now, in words."""
        self.setting: int | None = None
        """Number of the setting that is worked on."""
        self.measuring = False
        """Whether batches are coming in, so that rate and time left mean something."""
        self.total = 0
        self._clock = clock
        self._per_setting = 0
        self._passes = 0
        self._labels: list[str] = []
        self._done: Counter[int] = Counter()
        """Texts that went through the engine of each setting."""
        self._setting_done = 0
        self._setting_seconds = 0.0
        self._last = 0.0
        self._left_out: Counter[int] = Counter()
        """Texts that each setting will never embed, counted once per pass."""
        self._by_layer = self._looked_into = 0

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self._begin(event.plan)
            case Waiting():
                self.measuring = False
                self._looked_into = 0
                label = "" if event.setting is None else f"{self._labels[event.setting]}: "
                self.what = label + event.what
            # A server is told again with what only asking has shown of it.
            case EngineReady() if event.setting not in self._left_out:
                self._turn_to(event.setting)
                self._done[event.setting] = self._left_out[event.setting] = 0
                self._last = self._clock()
                self.what = f"{self._labels[event.setting]}: ready"
            case TextsPrepared():
                left_out = len(event.prepared.refused) * self._passes
                self._done[event.setting] += left_out - self._left_out[event.setting]
                self._left_out[event.setting] = left_out
            case BatchEmbedded(reused=True):
                self._done[event.setting] += len(event.rows)
                self._last = self._clock()
            case BatchEmbedded():
                self.measuring = True
                if event.setting != self.setting:
                    self._turn_to(event.setting)
                now = self._clock()
                self._setting_seconds += now - self._last
                self._last = now
                self._setting_done += len(event.rows)
                self._done[event.setting] += len(event.rows)
                which = "unbatched" if event.batch_size == 1 else f"batches of {event.batch_size}"
                again = _AGAIN[event.pass_key.kind]
                self.what = f"{self._labels[event.setting]}: {which}{again}"
            case SettingEnded():
                self.measuring = False
                if event.status != "cancelled":
                    self._done[event.setting] = self._per_setting
            case ReferenceComputed():
                self.what = "float64 reference"
            case LayersJudged():
                self._looked_into += 1
                self._done[event.setting] += 1
                self.what = (
                    f"{self._labels[event.setting]}: by layer, {self._looked_into} of "
                    f"{self._by_layer} texts"
                )
            case _:
                pass

    def snapshot(self) -> Progress:
        """Return how far the run is now, in an object that no event changes."""
        taken = copy.copy(self)
        taken._done, taken._left_out = self._done.copy(), self._left_out.copy()
        return taken

    def _begin(self, plan: Plan) -> None:
        self._passes = len(plan.passes)
        self._per_setting = self._passes * len(plan.pack)
        self._know(plan)
        by_layer = self._by_layer if plan.layers else 0
        self.total = (self._per_setting + by_layer) * len(plan.settings)
        self.setting = None
        self._left_out.clear()

    def _turn_to(self, setting: int) -> None:
        """Take the rate of another setting from here on."""
        self.setting = setting
        self._setting_done, self._setting_seconds = 0, 0.0

    @property
    def done(self) -> int:
        """Texts that went through the engine, counted once per pass, over all settings."""
        return self._done.total()

    def looking(self, plan: Plan) -> None:
        """Count a look into the layers of one setting of a run that has ended."""
        self._know(plan)
        self.total = plan.texts_by_layer

    def _know(self, plan: Plan) -> None:
        self._labels = [setting.label for setting in plan.settings]
        self._by_layer = plan.texts_by_layer

    @property
    def texts_per_second(self) -> float | None:
        """Texts per second of the setting that is worked on, waiting included."""
        return self._setting_done / self._setting_seconds if self._setting_seconds else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the engines are through, if all settings are as fast as this one."""
        rate = self.texts_per_second
        return (self.total - self.done) / rate if rate else None
