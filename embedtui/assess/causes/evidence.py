"""What the rules look at: one setting of a run, measured once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from embedtui.assess.causes.usual_error import USUAL_ERROR
from embedtui.measure import Distances
from embedtui.results.mismatch import Mismatch, mismatch_of
from embedtui.results.results import Results, SettingResults


@dataclass(frozen=True)
class Evidence:
    """One setting of a run, and what several rules ask of it."""

    results: Results
    setting: SettingResults

    @cached_property
    def error(self) -> float | None:
        """The largest precision error, L2; None where no text has one."""
        return self.setting.largest_error(self.results.truth)

    @cached_property
    def mismatch(self) -> Mismatch | None:
        """Where the vectors are not the model's own, which makes their error no yardstick."""
        return mismatch_of(self.setting, self.results.truth)

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

    @property
    def own_error(self) -> float:
        """What the dtype costs: measured, or as usual; an error of 0 is no yardstick either."""
        error = self.error if self.mismatch is None else None
        return error or USUAL_ERROR.get(str(self.setting.effective.dtype), 2e-3)
