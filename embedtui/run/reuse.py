"""What earlier runs hold of a plan, so that a what-if computes only what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from embedtui.engine.effective import MEASURED_AT_LOADING, EffectiveConfig
from embedtui.engine.messages import Prepared
from embedtui.engine.settings import Setting
from embedtui.plan.plan import Plan, batches_of
from embedtui.results.results import Results, SettingResults

_ROOM = {"max_num_batched_tokens", "max_num_seqs"}
"""What two loadings of one setting differ in; a compiled graph may depend on it."""


class EarlierRuns:
    """The runs of the same model, texts and machine as a plan's; `environment` is the machine."""

    def __init__(self, plan: Plan, environment: dict[str, Any], runs: Sequence[Results]) -> None:
        self._plan = plan
        self._runs = [
            run for run in runs if run.environment == environment and _comparable(plan, run.plan)
        ]

    def find(self, setting: Setting) -> SettingResults | None:
        """Return what the latest of the runs found of a setting.

        Of a server nothing: it may have been another one then.
        """
        if setting.is_server:
            return None
        for run in reversed(self._runs):
            for results in run.settings:
                if results.setting == setting and results.unbatched.count:
                    return results
        return None

    def is_whole(self, setting: Setting) -> bool:
        """Say whether a run holds all that is planned of a setting."""
        earlier = self.find(setting)
        if earlier is None or earlier.prepared is None:
            return False
        batches = batches_of(self._plan, usable_rows(self._plan, earlier.prepared))
        return all(earlier.pass_of(b.batch_size, b.pass_key).holds(b.rows) for b in batches)


def usable_rows(plan: Plan, prepared: Prepared) -> list[int]:
    """Return the rows of the texts that are not refused."""
    return [row for row in range(len(plan.pack)) if row not in prepared.refused]


def same_engine(earlier: SettingResults, effective: EffectiveConfig, prepared: Prepared) -> bool:
    """Say whether an engine computes what the earlier one did."""
    return not differing(earlier.effective, effective) and earlier.prepared == prepared


def differing(one: EffectiveConfig, other: EffectiveConfig) -> list[str]:
    """Return the keys of what is in force that decide about vectors and differ.

    What only one of them tells is no difference: a run of an earlier embedtui tells less.
    """
    keys = (set(one.told) & set(other.told)) - MEASURED_AT_LOADING
    keys -= _ROOM if one.execution == "eager" else set()
    return sorted(key for key in keys if one.get(key) != other.get(key))


def _comparable(plan: Plan, earlier: Plan) -> bool:
    """Say whether the vectors of an earlier plan are what this one would compute."""
    return (
        plan.model_hash is not None
        and earlier.model_hash == plan.model_hash
        and earlier.max_length == plan.max_length
        and earlier.too_long == plan.too_long
        and earlier.pack.sha256 == plan.pack.sha256
        and earlier.inputs == plan.inputs
    )
