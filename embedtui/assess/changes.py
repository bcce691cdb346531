"""What moved vectors between two runs of the same model, texts and setting.

The cause that one run cannot see: another version of vLLM, torch or the driver, another GPU, other
kernels chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.noise import run_is_noise
from embedtui.common.address import is_address
from embedtui.common.errors import InputError
from embedtui.engine.effective import MEASURED_AT_LOADING
from embedtui.engine.settings import SWITCHES, Setting
from embedtui.measure import Distances, largest_finite, summarize
from embedtui.results.results import Results, SettingResults
from embedtui.results.usual_error import USUAL_ERROR, shape_class

_OF_NO_ACCOUNT = {"embedtui", "textual"}
"""Packages that no vector passes through."""
_UNKNOWN = "unknown"
"""What a server has not told may have been the same."""
_MACHINE = ("device", "machine", "cpu", "cores")


@dataclass(frozen=True)
class Change:
    """One setting in both runs."""

    label: str
    texts: int
    identical: int
    l2_max: float
    diagnosis: Diagnosis


def changes(before: Results, after: Results) -> list[Change]:
    """Return for each setting that both runs have how far its unbatched vectors moved, and why.

    Raises:
        InputError: if the runs are of different models or texts, or have no setting in common.
    """
    for what, one, other in (
        ("model", _model(before), _model(after)),
        ("texts", before.plan.pack.sha256, after.plan.pack.sha256),
        ("prompt", *((run.plan.prompt, run.plan.query_prompt) for run in (before, after))),
    ):
        if one != other or one is None:
            raise InputError(f"the runs differ in their {what}: give two of the same")
    other_of = {_key(setting): setting for setting in after.settings if setting.unbatched.count}
    found = [
        _change(before, after, setting, other_of[_key(setting)])
        for setting in before.settings
        if setting.unbatched.count and _key(setting) in other_of
    ]
    if not found:
        raise InputError("the runs have no measured setting in common: give two of the same plan")
    return found


def _change(before: Results, after: Results, one: SettingResults, other: SettingResults) -> Change:
    pair = one.between(1, other)
    if pair is None or not len(pair[1]):
        raise InputError(f"{one.setting.label}: vectors of different widths cannot be compared")
    distances = pair[1]
    summary = summarize(distances)
    l2 = float(distances.l2.max())
    return Change(
        one.setting.label,
        summary.pairs,
        summary.identical,
        l2,
        moved_between(before, after, one, other, distances),
    )


def differing_settings(one: Setting, other: Setting) -> list[str]:
    """Return the switches in which two settings differ, as `key was → is`."""
    return [
        f"{switch.key} {switch.show(was)} → {switch.show(now)}"
        for switch in SWITCHES
        if (was := getattr(one, switch.key)) != (now := getattr(other, switch.key))
    ]


def moved_between(
    before: Results,
    after: Results,
    one: SettingResults,
    other: SettingResults,
    distances: Distances,
) -> Diagnosis:
    """Return why the vectors of a setting differ between two runs; the settings may differ too."""
    moved = int((~distances.identical).sum())
    l2 = largest_finite(distances.l2)
    if not moved:
        return Diagnosis(
            "none",
            "no change",
            f"{len(distances)} vectors have the same bits in both runs",
            "nothing that differs between the runs reaches them",
            "certain",
            "nothing",
        )
    far = "no distance can be measured" if l2 is None else f"L2 {l2:.1e} at most"
    seen = f"{far}, {moved} of {len(distances)} vectors changed"
    compared = bool(np.isfinite(distances.l2).all())
    noise = _of_noise(seen, (one, other)) if l2 is not None and compared else None
    if noise is not None:
        return noise
    asked = _asked(before, after, one.setting, other.setting)
    if asked:
        return Diagnosis(
            "setting",
            "another setting or model",
            seen,
            f"the recorded ones were made with another: {', '.join(asked)}",
            "certain",
            "go back to what was recorded, or record anew and embed the index again",
        )
    differing = list(_engines(one, other))
    if not (one.setting.is_server and other.setting.is_server):
        differing = [*_environments(before.environment, after.environment), *differing]
    return _of_engines(seen, differing, server=one.setting.is_server, hint=_as_far_as(other, l2))


def _of_noise(seen: str, settings: tuple[SettingResults, SettingResults]) -> Diagnosis | None:
    """Return that two runs differ no more than one differs from itself, where they do not."""
    floors = [found[1].l2.max() for s in settings for found in [s.noise()] if found]
    if not floors or not run_is_noise(*settings):
        return None
    return Diagnosis(
        "noise",
        "noise of running again",
        f"{seen}, and running again within one run does {max(floors):.1e}",
        "two runs differ no more than one differs from itself",
        "likely",
        "nothing; compare with a tolerance, not bit for bit",
    )


def _of_engines(seen: str, differing: list[str], *, server: bool, hint: str) -> Diagnosis:
    """Return what differs between two engines of one setting, or that nothing known does."""
    if not differing and server:
        return Diagnosis(
            "server",
            "a change on the server",
            seen,
            "all that the server tells of itself is the same, so it is something that it does not"
            + hint,
            "possible",
            "ask who runs it what changed, or embed the index again: vectors of both do not mix",
        )
    if differing:
        return Diagnosis(
            "version",
            "another library, version or hardware",
            seen,
            f"between the runs changed: {', '.join(differing)}",
            "likely" if len(differing) == 1 else "possible",
            "pin what changed, or embed the index again: vectors of both do not mix",
        )
    return Diagnosis(
        "restart",
        "another engine of the same setting",
        seen,
        "machine, versions and kernels are the same, so it is what an engine chooses when it loads",
        "possible",
        "run again with --restarts, which tells that apart",
    )


def _asked(before: Results, after: Results, one: Setting, other: Setting) -> list[str]:
    """Return what else was asked for: another model, another setting of it, another place."""
    if one.is_server != other.is_server:
        places = ["a server" if setting.is_server else "an engine here" for setting in (one, other)]
        return [f"{places[0]} → {places[1]}"]
    asked = differing_settings(one, other)
    if _model(before) != _model(after):
        was, now = before.plan.model_name, after.plan.model_name
        asked.insert(0, f"model {was} → {now}" if was != now else "the model's files")
    return asked


def _model(run: Results) -> str | None:
    """Return what tells the run's model from others; of a server its name is all that is known."""
    plan = run.plan
    return f"server's {plan.model_name}" if is_address(plan.model) else plan.model_hash


def _as_far_as(setting: SettingResults, l2: float | None) -> str:
    """Say which dtype's own error is of the size of a move, as a hint at another dtype."""
    if l2 is None:
        return ""
    for dtype in ("float32", "float16", "bfloat16"):
        usual = USUAL_ERROR[dtype][shape_class(setting)]
        if usual / 4 <= l2 <= usual:
            return f"; a move of this size is what {dtype} costs, so look at the dtype first"
    return ""


def _environments(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    versions = one["versions"], other["versions"]
    for package in sorted((set(versions[0]) | set(versions[1])) - _OF_NO_ACCOUNT):
        was, now = (version.get(package, "none") for version in versions)
        if was != now:
            yield f"{package} {was} → {now}"
    for key in _MACHINE:
        if one.get(key) != other.get(key):
            yield f"{key} {one.get(key)} → {other.get(key)}"
    drivers = [sorted({gpu["driver"] for gpu in e.get("gpus", ())}) for e in (one, other)]
    if drivers[0] != drivers[1]:
        yield f"driver {', '.join(drivers[0]) or 'none'} → {', '.join(drivers[1]) or 'none'}"


def _engines(one: SettingResults, other: SettingResults) -> Iterator[str]:
    before, after = one.effective.to_dict(), other.effective.to_dict()
    keys = set(before) & set(after) - MEASURED_AT_LOADING - {"vllm", "torch", "gpu"}
    for key in sorted(keys):
        was, now = before[key], after[key]
        if was != now and _UNKNOWN not in (was, now):
            yield f"{key} {was} → {now}"


def _key(setting: SettingResults) -> Any:
    return replace(setting.setting, model="")
