"""What plotext draws is read back cell by cell, from any number of threads at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import overload

import numpy as np

from embedtui.charts.picture import Cell
from embedtui.charts.plotter import Stroke, draw

THREADS, ROUNDS = 8, 12


def strokes(seed: int) -> list[Stroke]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(4):
        x, y = np.linspace(0.5, 59.5, 7), rng.uniform(0, 19.9, 7)
        made.append(Stroke(x, y, f"series-{number + seed}", connected=True))
        made.append(Stroke(x, np.floor(y) + 0.5, f"series-{number + seed}", "●◆■▲"[number]))
    return made


def test_threads_draw_what_each_draws_alone() -> None:
    alone = [draw(60 + seed, 20, strokes(seed)) for seed in range(THREADS)]
    start = threading.Barrier(THREADS)
    drawn: list[list[list[list[Cell]]]] = [[] for _ in range(THREADS)]

    def work(seed: int) -> None:
        start.wait()
        for _ in range(ROUNDS):
            drawn[seed].append(draw(60 + seed, 20, strokes(seed)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(THREADS):
        assert drawn[seed] == [alone[seed]] * ROUNDS


class Waiting(Sequence[float]):
    """Figures that are read no sooner than `go` is set."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.came = False

    def __len__(self) -> int:
        return 2

    @overload
    def __getitem__(self, place: int) -> float: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[float]: ...

    def __getitem__(self, place: int | slice) -> float | Sequence[float]:
        self.asked.set()
        self.came = self.go.wait(10)
        return [1.5, 2.5][place]


def test_a_drawing_does_not_wait_for_another_that_is_under_way() -> None:
    held = Waiting()
    first = threading.Thread(target=draw, args=(20, 5, [Stroke(held, [1, 1], "one", "x")]))
    first.start()
    assert held.asked.wait(10)

    def draw_another() -> None:
        draw(20, 5, strokes(2))
        held.go.set()

    second = threading.Thread(target=draw_another)
    second.start()
    first.join()
    second.join()
    assert held.came


def test_other_drawings_with_plotext_are_left_alone() -> None:
    import plotext

    plotext.figure.plot_size(30, 10)
    plotext.figure.draw(plotext.figure.signal([1, 2, 3]))
    before = plotext.figure.build().string()
    draw(60, 20, strokes(3))
    assert plotext.figure.build().string() == before
    plotext.figure.clear()


def test_an_ink_is_the_last_one_where_strokes_cross() -> None:
    rows = draw(
        8,
        2,
        [
            Stroke([0.1, 7.9], [0.5, 0.5], "under", connected=True),
            Stroke([3.5], [0.6], "over"),
        ],
    )
    assert [style for _, style in rows[1]] == ["under"] * 3 + ["over"] + ["under"] * 4
    assert {style for _, style in rows[0]} == {"blank"}
