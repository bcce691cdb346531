"""Stories for a team: a recording, one of its settings, and three sentences about it.

Every figure is computed from the recording as it is told, so that no sentence outlives its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from embedtui.assess.retrieval import Retrieval, batch_retrieval, precision_retrieval
from embedtui.common.printable import printable
from embedtui.common.suggest import unknown
from embedtui.common.wording import percent, text_count
from embedtui.engine.settings import Setting
from embedtui.measure import largest_finite
from embedtui.results.results import Results, SettingResults
from embedtui.results.speeds import fastest

Sentences = tuple[str, str, str]
KEYS = (
    "Enter: its texts · ]: the next setting · o: the next chart · 3: what a search finds · ?: keys"
)


@dataclass(frozen=True)
class Story:
    """What is told, of which recording."""

    name: str
    recording: str
    title: str
    _setting: Callable[[SettingResults], bool]
    _tell: Callable[[Results, SettingResults], Sentences]

    def told(self, results: Results) -> Told:
        """Return the story as the recording's figures tell it."""
        setting = next(one for one in results.settings if self._setting(one))
        return Told(self.title, setting.setting.short_label, self._tell(results, setting))


@dataclass(frozen=True)
class Told:
    """A story with its figures."""

    title: str
    setting: str
    """The short label of the setting that it is about."""
    sentences: Sentences


def story(name: str) -> Story:
    """Return the story of this name.

    Raises:
        InputError: if there is none.
    """
    if name not in STORIES:
        raise unknown("story", name, STORIES)
    return STORIES[name]


def _like(**switches: object) -> Callable[[SettingResults], bool]:
    """Return what finds the setting of a dtype, and with no other switch than those named."""
    return lambda one: (
        one.setting.as_dict()
        == Setting(one.setting.model).as_dict() | {"dtype": "float32"} | switches
    )


def _find(results: Results, **switches: object) -> SettingResults:
    return next(one for one in results.settings if _like(**switches)(one))


def _error(results: Results, setting: SettingResults) -> float:
    found = setting.precision_error(results.reference)
    assert found is not None, "the recording has a reference"
    return largest_finite(found[1].l2) or 0.0


def _drift(setting: SettingResults, size: int) -> float:
    return largest_finite(setting.drift(size)[1].l2) or 0.0


def _speed(setting: SettingResults) -> float:
    found = fastest(setting)
    assert found is not None, "the recording has speeds"
    return found[1].median


def _tf32(results: Results, plain: SettingResults) -> Sentences:
    half = _find(results, dtype="float16")
    strict = _find(results, kernel_precision="ieee")
    kernels = plain.effective.probe_attention, strict.effective.probe_attention
    return (
        f"float32 as vLLM computes it on {_machine(results)} is L2 {_error(results, plain):.1e} "
        f"from float64; float16 is {_error(results, half):.1e}.",
        f"The attention kernel in use is {kernels[0]:.1e} from float64: TF32, ten bits. With "
        f"TRITON_F32_DEFAULT=ieee it is {kernels[1]:.1e}.",
        f"With it the error falls to L2 {_error(results, strict):.1e}, at {_speed(strict):.0f} "
        f"texts/s instead of {_speed(plain):.0f}.",
    )


def _pooling(results: Results, old: SettingResults) -> Sentences:
    today = _find(results, dtype=old.setting.dtype)
    least, most = old.batched[0], old.batched[-1]
    lists = [batch_retrieval(results, one, most) for one in (old, today)]
    shares = [percent(one.order_changed[0], one.queries) for one in cast(list[Retrieval], lists)]
    return (
        f"Mean pooling as vLLM once had it sums the tokens of the whole batch in "
        f"{old.setting.dtype}: drift is L2 {_drift(old, least):.1e} in batches of {least}, "
        f"{_drift(old, most):.1e} in batches of {most}.",
        f"In batches of {most}, {shares[0]} of top-10 orders change; with today's pooling "
        f"{shares[1]}.",
        f"Alone, its vectors are L2 {_error(results, old):.1e} from float64, today's "
        f"{_error(results, today):.1e}.",
    )


def _short_texts(results: Results, setting: SettingResults) -> Sentences:
    size = setting.batched[-1]
    rows, distances = setting.drift(size)
    assert setting.prepared is not None, "it was measured"
    tokens, far = np.asarray(setting.prepared.tokens)[rows], distances.l2
    moved = far > far.max() / 100
    weights = results.plan.random_weights
    random = " The weights are random: this says nothing of retrieval." if weights else ""
    longest, shortest = tokens[moved].max(), tokens[~moved].min()
    return (
        f"In batches of {size}, {int(moved.sum())} of {text_count(len(rows))} move by L2 "
        f"{far[moved].min():.1e} to {far.max():.1e}; the other {int((~moved).sum())} by at most "
        f"{far[~moved].max():.1e}.",
        f"The texts that move have up to {longest} tokens, the others {shortest} and more.",
        f"Its error against float64 is L2 {_error(results, setting):.1e}.{random}",
    )


def _server(results: Results, setting: SettingResults) -> Sentences:
    size = setting.batched[-1]
    ways = {
        f"as {size} requests at once": setting,
        f"in lists of {size}": next(one for one in results.settings if one is not setting),
    }
    found = {way: one.drift_in_any_order(size) for way, one in ways.items()}
    said = [
        f"{way}, {int((~one.identical).sum())} of {len(one.identical)} vectors differ from those "
        "of texts alone" + ("" if one.identical.all() else f", L2 {one.l2.max():.1e} at most")
        for way, one in found.items()
    ]
    exact = precision_retrieval(results, setting)
    assert exact is not None, "the recording has a reference"
    orders = percent(exact.order_changed[0], exact.queries)
    return (
        f"vLLM's server on {_machine(results)} was sent {text_count(len(results.plan.pack))} one "
        f"by one, in lists, and as {size} requests at once, in {setting.orders} orders.",
        f"Sent {'; '.join(said)}.",
        f"Alone, its vectors are L2 {_error(results, setting):.1e} from float64 of the same model; "
        f"{orders} of top-10 orders differ from float64's.",
    )


def _machine(results: Results) -> str:
    name = printable(str(results.environment.get("machine", "")), 40)
    return f"{'an' if name[:1] in 'AEFHILMNORSX' else 'a'} {name}"


_ALL: Sequence[Story] = (
    Story("tf32", "h200-minilm", "float32 is TF32 until the kernel is told so", _like(), _tf32),
    Story(
        "pooling",
        "h200-minilm",
        "Drift that grows with the batch: the old mean pooling",
        _like(dtype="float16", pooling_accumulation="model"),
        _pooling,
    ),
    Story(
        "short-texts",
        "h200-large",
        "Short texts drift, long ones do not",
        _like(dtype="bfloat16"),
        _short_texts,
    ),
    Story(
        "server",
        "cpu-server",
        "A server under load: is it consistent, and is it exact?",
        lambda one: one.setting.requests == "concurrent",
        _server,
    ),
)
STORIES = {one.name: one for one in _ALL}
