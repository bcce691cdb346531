"""Quantisation over the batch is named, over real vectors, and other faults of batches are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.assess.diagnosis import diagnose
from embedtui.assess.findings import all_faults
from tests.assess.real_vectors import Figures, recorded, scaled, towards
from tests.fakes import Script, pack, plan
from tests.studies import RunStudy

Change = Callable[[Figures, npt.NDArray[np.intp]], Figures]
REAL = recorded("float32")
TEXTS = [" ".join(["word"] * (3 + row % 5)) + f" {row}" for row in range(len(REAL.texts))]
TURN = np.linalg.qr(np.random.default_rng(5).standard_normal((REAL.alone.shape[1],) * 2))[0]
LENGTHS = np.array([len(text) for text in TEXTS])


def one_scale(vectors: Figures, rows: npt.NDArray[np.intp]) -> Figures:
    """Three layers that round activations to int8, with one scale for the whole batch."""
    held = vectors * (1 + rows % 7)[:, None]
    for _ in range(3):
        scale = np.abs(held).max() / 127
        held = np.asarray((np.round(held / scale) * scale) @ TURN, dtype=np.float32)
    return scaled(held)


def scale_of_each(vectors: Figures, rows: npt.NDArray[np.intp]) -> Figures:
    return np.concatenate([one_scale(vectors[[at]], rows[[at]]) for at in range(len(rows))])


def padding(vectors: Figures, rows: npt.NDArray[np.intp]) -> Figures:
    """Move each text but the longest of its batch, by how much it is padded."""
    moved = vectors.copy()
    for at, row in enumerate(rows):
        missing = LENGTHS[rows].max() - LENGTHS[row]
        if missing:
            seed = int(missing + row)
            moved[at] = towards(vectors[[at]], [0], 0.1 + missing / 1e4, seed=seed)[0]
    return moved


def shape(vectors: Figures, rows: npt.NDArray[np.intp]) -> Figures:
    """Move every text in the same way in each batch of one size."""
    moves = [towards(vectors[[at]], [0], 0.1, seed=int(row)) for at, row in enumerate(rows)]
    return np.concatenate(moves) if len(rows) > 1 else vectors


def few(vectors: Figures, rows: npt.NDArray[np.intp]) -> Figures:
    struck = [at for at, row in enumerate(rows) if row % 8 == 0] if len(rows) > 1 else []
    return towards(vectors, struck, 0.3, seed=int(rows.sum()))


def noise(vectors: Figures, rows: npt.NDArray[np.intp]) -> Figures:
    noise.calls += 1  # type: ignore[attr-defined]
    return towards(one_scale(vectors, rows), range(len(rows)), 1e-3, seed=noise.calls)  # type: ignore[attr-defined]


noise.calls = 0  # type: ignore[attr-defined]


def causes(run_study: RunStudy, change: Change, shuffles: int = 2) -> list[tuple[str, str]]:
    def plant(batch: Any) -> None:
        rows = np.asarray(batch.rows, dtype=np.intp)
        batch.vectors[:] = change(REAL.alone[rows], rows)

    made = plan(pack(*TEXTS), "float32", sizes=(1, 4, 8), reference=False, shuffles=shuffles)
    width = REAL.alone.shape[1]
    ran = run_study(made, Script(width=width, drift=lambda *_: 0.0, plants=(plant,)))
    (setting,) = ran.results.settings
    found = diagnose(ran.results, setting, all_faults(ran.results)[0])
    return [(one.cause, one.confidence) for one in found]


def test_one_scale_for_the_batch_is_named(run_study: RunStudy) -> None:
    assert causes(run_study, one_scale) == [("dynamic-quantization", "possible")]


def test_one_order_is_too_little_to_name_it(run_study: RunStudy) -> None:
    assert causes(run_study, one_scale, shuffles=0) == [("beyond-rounding", "possible")]


@pytest.mark.parametrize("change", [padding, shape, few])
def test_other_faults_of_batches_are_not(run_study: RunStudy, change: Change) -> None:
    assert causes(run_study, change) == [("beyond-rounding", "possible")]


def test_a_scale_for_each_text_moves_nothing(run_study: RunStudy) -> None:
    assert causes(run_study, scale_of_each) == [("none", "certain")]


def test_what_is_not_the_same_again_is_not(run_study: RunStudy) -> None:
    assert "dynamic-quantization" not in [cause for cause, _ in causes(run_study, noise)]
