"""What has to be said of a server before any distance: what it keeps to itself or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from embedtui.assess.finding import Finding
from embedtui.measure.quantization_detection import rounded
from embedtui.plan.plan import FIRST
from embedtui.results.results import Results, SettingResults

_TOLD = {"server": "what it is", "dtype": "its dtype", "pooling": "its pooling"}


def server_faults(results: Results, setting: SettingResults) -> Iterator[Finding]:
    """Return what a server keeps to itself, refused, or did to what it was sent."""
    number, told = setting.number, setting.effective
    if not told:
        return
    hidden = [words for key, words in _TOLD.items() if told.get(key) == "unknown"]
    # Other settings are of the same server: what it does not tell is said once.
    if hidden and setting is next(
        s for s in results.settings if s.setting.is_server and s.effective
    ):
        yield Finding("server-unknown", "note", f"the server does not tell {' and '.join(hidden)}")
    if told.others:
        yield Finding(
            "other-clients",
            "warning",
            f"other clients asked the server meanwhile, {told.others} texts: whose company a "
            "text had is not known, not even of one that was sent alone",
            number,
        )
    if setting.setting.encoding == "base64" and _came_as_decimals(setting):
        yield Finding(
            "base64-ignored",
            "warning",
            "base64 was asked for and decimals came: the server ignores encoding_format, so that "
            "these are the same decimals as without it",
            number,
        )
    for size, why in told.too_large.items():
        yield Finding(
            "too-large", "warning", f"the server does not take {size} texts at once: {why}", number
        )
    if told.retried:
        times = ", ".join(f"{count} after {why}" for why, count in sorted(told.retried.items()))
        yield Finding("retried", "note", f"requests were sent again: {times}", number)
    steps = _steps(setting)
    if steps:
        yield Finding("server-steps", "note", steps, number)


def encoding_faults(results: Results) -> Iterator[Finding]:
    """Compare vectors that came as decimals with those that came as bytes."""
    servers = [s for s in results.settings if s.setting.is_server and s.unbatched.count]
    for setting in servers:
        twin = replace(setting.setting, encoding="base64")
        other = next((s for s in servers if s.setting == twin), None)
        if setting.setting.encoding != "float" or other is None or _came_as_decimals(other):
            continue
        pair = setting.between(1, other)
        if pair is None or not len(pair[0]):
            continue
        rows, distances = pair
        if distances.identical.all():
            said = f"decimals and base64 agree to the last bit, in {len(rows)} texts"
            yield Finding("encodings", "note", said, setting.number)
            continue
        moved = rows[~distances.identical]
        how = rounded(setting.unbatched.vectors[rows], other.unbatched.vectors[rows])
        again = rounded(other.unbatched.vectors[rows], setting.unbatched.vectors[rows])
        if again and not how:
            how = f"{again}, in base64"
        far = float(np.max(distances.l2))
        said = (
            f"decimals and base64 differ in {len(moved)} of {len(rows)} texts, L2 up to {far:.1e}: "
            + (how or "no rounding explains it, so they were computed differently")
        )
        texts = tuple(results.plan.pack.texts[row].id for row in moved)
        yield Finding("encodings", "warning", said, setting.number, texts)


def _came_as_decimals(setting: SettingResults) -> bool:
    return "float" in setting.effective.came_as


def _steps(setting: SettingResults) -> str:
    """Say how many texts shared a step, where the server's metrics tell."""
    together = [size for size, pass_key in setting.passes if pass_key == FIRST and size > 1]
    if not together:
        return ""
    if not setting.effective.tells_steps:
        return (
            "the server does not tell its steps: how many of the texts that were sent together "
            "shared one is unknown"
        )
    told = [
        f"of {size} at once about {share:.2g} shared a step"
        for size in sorted(together)
        if (share := setting.pass_of(size).per_step) is not None
    ]
    if not told:
        return "the server's metrics did not tell whose steps they counted"
    return f"by the server's own metrics, {', '.join(told)}"
