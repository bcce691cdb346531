"""What the rules look at: one setting of a run, measured once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embedtui.measure import Distances
from embedtui.results.mismatch import TextErrors, text_errors
from embedtui.results.results import Results, Rows, SettingResults
from embedtui.results.usual_error import USUAL_ERROR, reach, usual_error


@dataclass(frozen=True)
class Evidence:
    """One setting of a run, and what several rules ask of it."""

    results: Results
    setting: SettingResults

    @cached_property
    def errors(self) -> TextErrors | None:
        """The precision error of each text; None where no text has one."""
        return text_errors(self.setting, self.results.reference)

    @property
    def error(self) -> float | None:
        """The largest precision error that is the dtype's; None where no text tells it."""
        if self.errors is None or self.errors.mostly_wrong:
            return None
        return float(self.errors.rounding.max())

    @property
    def own_error(self) -> float:
        """What the dtype costs: measured, or as usual; an error of 0 is no yardstick either."""
        return self.error or usual_error(self.setting)

    @property
    def knows_dtype(self) -> bool:
        """Whether it is known in which dtype the vectors were computed."""
        return self.setting.effective.dtype in USUAL_ERROR

    @cached_property
    def drifts(self) -> dict[int, Distances]:
        """Batch drift in every order, by batch size, where something was measured."""
        found = {size: self.setting.drift_in_any_order(size) for size in self.setting.batched}
        return {size: drift for size, drift in found.items() if len(drift)}

    @cached_property
    def largest_drifts(self) -> dict[int, float]:
        """The largest batch drift, L2, by batch size."""
        return {size: float(drift.l2.max()) for size, drift in self.drifts.items()}

    @property
    def largest_drift(self) -> float:
        """The largest batch drift, L2, over all batch sizes and orders."""
        return max(self.largest_drifts.values())

    def drift_at(self, size: int) -> float:
        """Return the largest batch drift, L2, of one batch size; 0 where nothing moves."""
        drift = self.drifts.get(size)
        return 0.0 if drift is None or drift.identical.all() else float(drift.l2.max())

    @property
    def noise_floor(self) -> float | None:
        """The largest L2 by which running again moves a vector; None where nothing was."""
        noise = self.setting.noise()
        return float(noise[1].l2.max()) if noise else None

    @cached_property
    def beyond(self) -> Rows:
        """The texts that drift farther than another rounding order takes them, ascending.

        Each is held against its own precision error, or the median text's where that is larger.
        """
        errors = self.errors
        limits = np.full(len(self.results.plan.pack), self.own_error)
        if errors is not None and self.error:
            at = errors.rows[~errors.wrong]
            limits[:] = median = float(np.median(errors.rounding))
            limits[at] = np.maximum(errors.rounding, median)
        limits *= reach(self.setting.effective.dtype)
        struck = [
            rows[drift.l2 > limits[rows]]
            for size in self.setting.batched
            for _, rows, drift in self.setting.drifts(size)
        ]
        return np.unique(np.concatenate(struck)) if struck else np.zeros(0, dtype=np.intp)
