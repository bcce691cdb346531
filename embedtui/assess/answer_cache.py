"""Answers that a server, or what stands before it, kept instead of computing them again."""

from __future__ import annotations

import numpy as np

from embedtui.plan.plan import PassKey
from embedtui.results.results import Results, SettingResults

_LOST = {
    "texts": "batches were not computed, so batch drift was not measured",
    "requests": "repeats were not computed, so noise was not measured",
}
_FASTER = 4
"""How many times faster a text sent again has to come for a cache to be why."""
_LEAST_REQUESTS = 8
_LEAST_SECONDS = 2e-3
"""Below this a request is mostly the way to the server."""


def cached_in_words(results: Results, setting: SettingResults) -> str:
    """Say that answers come from a cache, and by what that is known; empty where nothing tells it.

    What one way of asking a server shows is true of it in every other: requests at once hide in
    the way to the server what a list takes its time for.
    """
    if not setting.setting.is_server:
        return ""
    same = [one for one in results.settings if one.setting.model == setting.setting.model]
    found = (_in_words(one) for one in (setting, *same))
    return next((words for words in found if words), "")


def _in_words(setting: SettingResults) -> str:
    """Say what this setting itself shows.

    First what texts showed that were never sent before, then what the answers' headers say. Where
    no such texts were sent, as in older runs, the times of the run's own repeats.
    """
    told = setting.effective.answer_cache
    headers = ", ".join(told.get("headers", ()))
    what = told.get("what", "")
    lost = _LOST.get(what, _LOST["texts"])
    if what:
        again = "again in another order" if what == "texts" else "the second time"
        seen = (
            f"a batch of {told['texts']} texts that were never sent before took "
            f"{told['fresh_seconds'] * 1e3:.3g} ms, and {told['again_seconds'] * 1e3:.3g} ms "
            f"{again}, with the same bits"
        ) + (f", and the header {headers} says so" if headers else "")
    elif headers:
        seen = f"the header {headers} says so"
    elif not told.get("probed") and (times := _faster_again(setting)):
        seen = f"a text sent again took {times[1] * 1e3:.2g} ms after {times[0] * 1e3:.2g} ms, "
        seen += "with the same bits"
    else:
        return ""
    return f"answers come from a cache: {seen}; {lost}"


def _faster_again(setting: SettingResults) -> tuple[float, float] | None:
    """Return the median seconds of a request for one text, and for the same text repeated.

    None unless the repeats have the same bits and are several times faster. Medians, so that the
    first requests, which warm a server up, do not count.
    """
    first, again = setting.unbatched, setting.pass_of(1, PassKey("repeat", 1))
    if min(first.batches, again.batches) < _LEAST_REQUESTS:
        return None
    rows = first.done & again.done
    was, now = (float(np.median(pass_.batch_seconds)) for pass_ in (first, again))
    same = np.array_equal(first.vectors[rows], again.vectors[rows])
    return (was, now) if same and was >= _LEAST_SECONDS and now * _FASTER <= was else None
