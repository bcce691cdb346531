"""Whether a difference is drift or noise, in one place for every sentence that says so.

The test is `measure.noise_test`; its level is that share of runs without drift in which drift is
claimed.
"""

from __future__ import annotations

import math

from embedtui.measure.noise_test import Effect, noise_test
from embedtui.measure.repeated_rows import are_firsts
from embedtui.results.repeated_passes import restarts_against_repeats, run_against_run
from embedtui.results.results import SettingResults

_NEAR_NOISE = 10


def is_noise(setting: SettingResults) -> bool:
    """Say whether the batches are not told apart from simply running again."""
    found = setting.noise_test()
    return found is not None and found.outcome == "noise"


def is_open(setting: SettingResults) -> bool:
    """Say whether too little differs, and in passes that nobody repeated, to call it drift."""
    found = setting.noise_test()
    return found is not None and found.outcome == "open"


def repeats_differ(setting: SettingResults) -> bool:
    """Say whether the same texts in the same company have other bits when they are run again."""
    found = setting.noise()
    return found is not None and not bool(found[1].identical.all())


def restart_is_noise(setting: SettingResults) -> bool:
    """Say whether another engine is not told apart from the same one that runs again."""
    sizes = {size for size, draw in setting.passes if draw.kind == "restart"}
    if not setting.company_repeats:
        sizes &= {1}
    different = are_firsts(setting.firsts)
    tests = [restarts_against_repeats(setting.passes, size, different) for size in sorted(sizes)]
    outcomes = {noise_test(passes).outcome for passes in tests if passes is not None}
    return "noise" in outcomes and outcomes <= {"noise", "identical"}


def run_is_noise(one: SettingResults, other: SettingResults) -> bool:
    """Say whether two runs of a setting are not told apart from one that runs again."""
    passes = run_against_run(one.passes, other.passes, are_firsts(one.firsts))
    return passes is not None and noise_test(passes).outcome == "noise"


def effect_size(setting: SettingResults) -> str:
    """Say how many times as far batches are as repeats, in the median text; empty for unknown."""
    found = setting.noise_test()
    if found is None or found.effect is None or not math.isfinite(found.effect.median):
        return ""
    return f"{_range(found.effect)} times as far as repeats, in the median text"


def brief_effect(setting: SettingResults) -> str:
    """Say the effect size where it is below ten, for a line with little room."""
    found = setting.noise_test()
    if found is None or found.effect is None or not found.effect.median < _NEAR_NOISE:
        return ""
    return f" ({found.effect.median:.2g} × repeats)"


def _range(effect: Effect) -> str:
    if effect.median >= 100:
        return f"{effect.median:.1e}"
    high = f"{effect.high:.3g}" if math.isfinite(effect.high) else "more"
    return f"{effect.median:.3g} ({effect.low:.3g} to {high})"
