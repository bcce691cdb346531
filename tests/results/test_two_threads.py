"""Figures that two threads ask for at once, as the screen and the judging of a setting do."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from embedtui.engine.settings import Setting
from embedtui.measure import Distances, compare
from embedtui.plan.plan import PassKey
from embedtui.results import results
from embedtui.results.results import Pass, SettingResults

TEXTS, WIDTH, PASSES = 8, 32, 200


@pytest.fixture(autouse=True)
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def setting_of(passes: int) -> SettingResults:
    """A setting whose unbatched pass, and so many repeats of it, are there as a whole."""
    made = SettingResults(0, Setting("m"), TEXTS)
    numbers = np.random.default_rng(0)
    for number in range(passes + 1):
        pass_ = Pass(TEXTS, 1)
        pass_.vectors = numbers.standard_normal((TEXTS, WIDTH)).astype(np.float32)
        pass_.done[:] = True
        made.passes[1, PassKey("repeat", number) if number else PassKey("first")] = pass_
    return made


def in_two_threads(ask: Callable[[int], Any]) -> list[tuple[Any, Any]]:
    """Have two threads ask for every pass at the same time; return what each of them got."""
    answers: list[list[Any]] = [[], []]
    meet = threading.Barrier(2)

    def work(mine: list[Any]) -> None:
        for number in range(1, PASSES + 1):
            meet.wait(60)
            mine.append(ask(number))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return list(zip(*answers, strict=True))


def test_both_get_all_distances_and_neither_measures_any_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: Counter[tuple[int, bytes]] = Counter()

    def counted(one: Any, two: Any) -> Distances:
        for row in one:
            measured[threading.get_ident(), row.tobytes()] += 1
        return compare(one, two)

    monkeypatch.setattr(results, "compare", counted)
    setting = setting_of(PASSES)
    got = in_two_threads(lambda number: setting.drift(1, PassKey("repeat", number)))
    assert len(got) == PASSES
    assert set(measured.values()) == {1}
    assert len({row for _, row in measured}) == PASSES * TEXTS
    assert all(len(rows) == TEXTS for pair in got for rows, _ in pair)
    assert all(np.array_equal(a.l2, b.l2) for (_, a), (_, b) in got)


def test_a_thread_that_measures_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    slow: list[threading.Thread] = []

    def counted(one: Any, two: Any) -> Distances:
        if threading.current_thread() in slow:
            begun.set()
            assert go_on.wait(60)
        return compare(one, two)

    monkeypatch.setattr(results, "compare", counted)
    setting = setting_of(1)
    again = PassKey("repeat", 1)
    slow.append(threading.Thread(target=lambda: setting.drift(1, again)))
    quick = threading.Thread(target=lambda: setting.drift(1, again))
    slow[0].start()
    assert begun.wait(60)
    quick.start()
    quick.join(60)
    waits = quick.is_alive()
    go_on.set()
    for thread in (quick, slow[0]):
        thread.join(60)
    assert not waits


def test_both_hear_what_figures_have_in_common_once_all_are_looked_at() -> None:
    settings = [setting_of(0) for _ in range(PASSES + 1)]
    got = in_two_threads(lambda number: settings[number].in_common())
    assert {common for pair in got for common in pair} == {frozenset()}
