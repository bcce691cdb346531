"""Each fault, planted in a trained model's recorded vectors, has its name and no other's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from embedtui.assess.findings import find
from embedtui.assess.vector_faults import faults_of
from embedtui.assess.verdict import setting_verdict
from embedtui.plan.plan import FIRST
from embedtui.report.run_report import build
from embedtui.results.usual_error import USUAL_ERROR
from tests.assess.real_vectors import (
    REPEAT,
    SHUFFLE,
    Figures,
    Planted,
    in_bfloat16,
    recorded,
    scaled,
    simulated,
    towards,
)

Plant = Callable[[Planted], None]
DTYPES = ("float32", "float16", "bfloat16")
LONGEST = 6


def longest(planted: Planted, count: int = LONGEST) -> list[int]:
    return sorted(np.argsort(planted.tokens)[-count:].tolist())


def everywhere(change: Callable[[Planted, Figures], Figures]) -> Plant:
    """Return a plant that changes every pass."""

    def plant(planted: Planted) -> None:
        for key, vectors in planted.passes.items():
            planted.passes[key] = change(planted, vectors)

    return plant


def in_batches(change: Callable[[Planted, Figures], Figures]) -> Plant:
    """Return a plant that changes batched passes alone."""

    def plant(planted: Planted) -> None:
        for key in planted.batched():
            planted.passes[key] = change(planted, planted.passes[key])

    return plant


def lengths_of_their_own(planted: Planted) -> None:
    """Unbatched vectors keep lengths of 5 to 9; lists are normalised."""
    times = np.linspace(5, 9, len(planted.texts), dtype=np.float32)[:, None]
    for key in ((1, FIRST), (1, REPEAT)):
        planted.passes[key] = planted.passes[key] * times


def lengths_of_lists(planted: Planted) -> None:
    """Unbatched vectors are normalised, lists are not."""
    times = np.linspace(5, 9, len(planted.texts), dtype=np.float32)[:, None]
    for key in planted.batched():
        planted.passes[key] = planted.passes[key] * times


def without_separator(planted: Planted, vectors: Figures) -> Figures:
    planted.tokens = [count - 1 for count in _reference_tokens(planted)]
    return towards(vectors, range(len(vectors)), 0.05)


def _reference_tokens(planted: Planted) -> list[int]:
    return list(recorded(planted.dtype).tokens)


def padding(planted: Planted) -> None:
    """Every input is another, and batches have a fault of padding on top."""
    for key, vectors in planted.passes.items():
        moved = towards(vectors, range(len(vectors)), 0.6)
        planted.passes[key] = towards(moved, [3, 9], 0.59, seed=8) if key[0] > 1 else moved


def dimension(value: float) -> Callable[[Planted, Figures], Figures]:
    def change(_: Planted, vectors: Figures) -> Figures:
        changed = vectors.copy()
        changed[:, 7] = value * changed[:, 7] if value else 0.0
        return scaled(changed)

    return change


def constant(_: Planted, vectors: Figures) -> Figures:
    changed = vectors.copy()
    changed[:, 7] = 0.05
    return changed


def first_for_all(_: Planted, vectors: Figures) -> Figures:
    """Every text of a batch gets the first one's vector."""
    changed = vectors.copy()
    for start in range(0, len(vectors), 8):
        changed[start : start + 8] = vectors[start]
    return changed


def first_for_the_last(_: Planted, vectors: Figures) -> Figures:
    changed = vectors.copy()
    changed[-1] = vectors[0]
    return changed


def exchanged(_: Planted, vectors: Figures) -> Figures:
    return np.roll(vectors, 1, axis=0)


def lost_on_the_way(planted: Planted, vectors: Figures) -> Figures:
    """One text has another's vector, and that one has none that is known."""
    changed = towards(vectors, [5], 1.0, seed=6)
    changed[4] = vectors[5]
    return changed


def nobodys(_: Planted, vectors: Figures) -> Figures:
    return np.broadcast_to(vectors.mean(axis=0), vectors.shape).astype(np.float32).copy()


def in_other_order(_: Planted, vectors: Figures) -> Figures:
    return vectors[:, np.random.default_rng(2).permutation(vectors.shape[1])]


def dimension_and_prompt(planted: Planted, vectors: Figures) -> Figures:
    return dimension(0)(planted, towards(vectors, [4], 0.09))


def cut_by_embedtui(planted: Planted) -> None:
    """Six texts are equal within the limit that embedtui cut them to, and their vectors too."""
    rows = longest(planted)
    planted.truncated = dict.fromkeys(rows, 700)
    for row in rows:
        planted.texts[row] = f"{'the same words again ' * 100} and another end {row}"
        for vectors in planted.passes.values():
            vectors[row] = vectors[rows[0]]
        assert planted.reference is not None
        planted.reference[row] = planted.reference[rows[0]]


def dropout(planted: Planted) -> None:
    draw = np.random.default_rng(4)
    for key, vectors in planted.passes.items():
        kept = draw.random(vectors.shape) > 0.1
        planted.passes[key] = scaled(np.where(kept, vectors, 0.001 * vectors))


def replicas(planted: Planted) -> None:
    """Of three replicas one serves another model."""
    for number, key in enumerate(planted.passes):
        if number % 3 == 2:
            planted.passes[key] = np.roll(planted.passes[key], 5, axis=1)


def overwritten(planted: Planted) -> None:
    """Half of a vector is zero in one batch of several."""
    planted.passes[8, FIRST][3, 192:] = 0


def not_a_number(planted: Planted) -> None:
    for vectors in planted.passes.values():
        vectors[:] = np.nan
    if planted.reference is not None:
        planted.reference[:] = np.nan


def bfloat16(_: Planted, vectors: Figures) -> Figures:
    return in_bfloat16(vectors)


FAULTS: dict[str, tuple[Plant, tuple[str, ...], list[str]]] = {
    "lengths alone": (lengths_of_their_own, DTYPES, ["length"]),
    "lengths in lists": (lengths_of_lists, DTYPES, ["length"]),
    "one text a token short": (
        everywhere(lambda _, v: towards(v, [4], 0.06)),
        DTYPES,
        ["another-input"],
    ),
    "one text a token short, float32 and float16": (
        everywhere(lambda _, v: towards(v, [4], 0.02)),
        ("float32", "float16"),
        ["another-input"],
    ),
    "no separator": (everywhere(without_separator), ("float32", "float16"), ["special-tokens"]),
    "another pooling": (
        everywhere(lambda _, v: towards(v, range(len(v)), 0.7)),
        DTYPES,
        ["another-input"],
    ),
    "long texts cut": (
        everywhere(lambda p, v: towards(v, longest(p), 0.2)),
        DTYPES,
        ["truncation"],
    ),
    "a token short in batches": (
        in_batches(lambda _, v: towards(v, [4], 0.03)),
        DTYPES,
        ["beyond-rounding"],
    ),
    "a token short in batches, below the largest text's error": (
        in_batches(lambda _, v: towards(v, [4], 0.02)),
        ("bfloat16",),
        ["beyond-rounding"],
    ),
    "padding beside a wrong input": (padding, DTYPES, ["another-input", "beyond-rounding"]),
    "a dimension zero": (everywhere(dimension(0)), DTYPES, ["dimension"]),
    "a dimension zero in batches": (in_batches(dimension(0)), DTYPES, ["dimension"]),
    "a dimension constant": (everywhere(constant), DTYPES, ["dimension"]),
    "a dimension constant in batches": (in_batches(constant), DTYPES, ["dimension"]),
    "a dimension turned": (everywhere(dimension(-1)), DTYPES, ["dimension"]),
    "a dimension turned in batches": (in_batches(dimension(-1)), DTYPES, ["dimension"]),
    "all signs turned": (everywhere(lambda _, v: -v), DTYPES, ["turned"]),
    "all signs turned in batches": (in_batches(lambda _, v: -v), DTYPES, ["turned"]),
    "dimensions rolled": (everywhere(lambda _, v: np.roll(v, 5, axis=1)), DTYPES, ["turned"]),
    "dimensions in another order": (everywhere(in_other_order), DTYPES, ["turned"]),
    "dimensions in another order in batches": (in_batches(in_other_order), DTYPES, ["turned"]),
    "the first one's vector for all of a batch": (in_batches(first_for_all), DTYPES, ["copied"]),
    "the first one's vector for the last": (in_batches(first_for_the_last), DTYPES, ["copied"]),
    "the first one's vector for the last, always": (
        everywhere(first_for_the_last),
        DTYPES,
        ["copied"],
    ),
    "results in another order": (in_batches(exchanged), DTYPES, ["order"]),
    "results in another order, always": (everywhere(exchanged), DTYPES, ["order"]),
    "a vector lost on the way": (in_batches(lost_on_the_way), DTYPES, ["misplaced"]),
    "nobody's vector for all of a batch": (in_batches(nobodys), DTYPES, ["collapsed"]),
    "bfloat16 on the wire": (everywhere(bfloat16), ("float32", "float16"), ["wire"]),
    "bfloat16 on the wire of batches": (in_batches(bfloat16), ("float32", "float16"), ["wire"]),
    "texts cut by embedtui to what is equal": (cut_by_embedtui, DTYPES, ["truncation"]),
    "dropout left on": (dropout, DTYPES, ["random"]),
    "replicas of other models": (replicas, DTYPES, ["replicas"]),
    "half of a vector overwritten": (overwritten, DTYPES, ["partly-zero"]),
    "NaN in the weights": (not_a_number, DTYPES, ["weights"]),
}
CASES = [
    pytest.param(dtype, plant, causes, id=f"{name}-{dtype}")
    for name, (plant, dtypes, causes) in FAULTS.items()
    for dtype in dtypes
]


@pytest.mark.parametrize(("dtype", "plant", "causes"), CASES)
def test_a_planted_fault_is_named_and_nothing_else(
    dtype: str, plant: Plant, causes: list[str]
) -> None:
    planted = recorded(dtype)
    plant(planted)
    assert planted.causes() == causes
    results = planted.results()
    kinds = {one.kind for one in faults_of(results, results.settings[0])}
    assert len(kinds) <= 1, kinds


def test_a_dead_dimension_hides_no_other_input() -> None:
    planted = recorded("float32")
    everywhere(dimension_and_prompt)(planted)
    results = planted.results()
    kinds = [one.kind for one in faults_of(results, results.settings[0])]
    assert kinds == ["dimension", "another-input"]


def test_vectors_that_are_turned_are_said_to_keep_their_distances() -> None:
    planted = recorded("bfloat16")
    everywhere(lambda _, vectors: -vectors)(planted)
    results = planted.results()
    assert setting_verdict(results, results.settings[0]) == (
        "fault: vectors are mirrored, with every sign turned round: distances between texts are "
        "kept, but they don't match the model's own; no distance from others means anything until "
        "that is mended"
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reference", [True, False])
def test_the_recording_as_it_is_has_none(dtype: str, reference: bool) -> None:
    assert recorded(dtype, reference=reference).causes() == []


def test_noise_of_float32_is_no_tf32() -> None:
    planted = recorded("float32")
    for number, key in enumerate(planted.passes):
        planted.passes[key] = towards(planted.passes[key], range(32), 3e-4, seed=number)
    assert planted.causes() == []


def test_the_wrong_input_leads_the_verdict_and_is_no_yardstick() -> None:
    planted = recorded("float16")
    padding(planted)
    results = planted.results()
    said = setting_verdict(results, results.settings[0])
    assert said.startswith("fault: vectors are not the model's own: ")
    assert "what the setting costs anyway" not in said


def test_drift_of_an_unknown_dtype_says_which_it_would_fit() -> None:
    planted = recorded("float16", reference=False)
    planted.server, planted.dtype = True, "unknown"
    for key in planted.batched():
        planted.passes[key] = towards(planted.alone, range(32), 1e-2)
    ((cause, name, seen),) = planted.diagnosed()
    assert (cause, name) == (
        "rounding-order",
        "rounding order, if the server computes in bfloat16",
    )
    assert "usual for bfloat16, beyond float32 and float16" in seen


def test_drift_at_one_size_says_so() -> None:
    planted = recorded("bfloat16")
    planted.passes[8, FIRST] = towards(planted.alone, range(32), 5e-3)
    ((_, _, seen),) = planted.diagnosed()
    assert seen.endswith("; at batch size 8 alone")


def test_drift_in_one_order_says_so() -> None:
    planted = recorded("bfloat16")
    planted.passes[32, SHUFFLE] = towards(planted.alone, range(32), 5e-3)
    ((_, _, seen),) = planted.diagnosed()
    assert "in 1 of 2 orders at batch size 32" in seen


def test_drift_of_long_texts_says_from_which_length() -> None:
    planted = recorded("bfloat16")
    for key in planted.batched():
        planted.passes[key] = towards(planted.alone, longest(planted), 5e-3)
    least = min(planted.tokens[row] for row in longest(planted))
    ((_, _, seen),) = planted.diagnosed()
    assert seen.endswith(f"; only texts of {least} tokens and more")


def test_nan_in_float32_alone_is_not_blamed_on_float16() -> None:
    planted = recorded("float32")
    for vectors in planted.passes.values():
        vectors[3] = np.nan
    results = planted.results()
    (fault,) = [one for one in find(results) if one.severity == "fault"]
    assert "float16" not in fault.message
    assert "weights" in fault.message


def test_texts_that_begin_alike_were_cut_in_silence() -> None:
    planted = recorded("float16", reference=False)
    planted.server = True
    beginning = "the same words again and again " * 20
    for row in range(12):
        planted.texts[row] = f"{beginning} and another end {row}"
        for vectors in planted.passes.values():
            vectors[row] = vectors[0]
    assert planted.causes() == ["truncation"]
    (fault,) = [one for one in find(planted.results()) if one.severity == "fault"]
    assert fault.kind == "cut-alike"
    assert fault.message.startswith(f"12 of {len(planted.texts)} texts have another's vector")


def test_different_texts_with_one_vector_are_still_collapsed() -> None:
    planted = recorded("float16", reference=False)
    for vectors in planted.passes.values():
        vectors[:12] = vectors[0]
    assert planted.causes() == ["collapsed"]


def test_answers_of_a_cache_are_a_fault() -> None:
    planted = recorded("float32", reference=False)
    planted.server = True
    for key in planted.passes:
        planted.passes[key] = planted.alone.copy()
        planted.seconds[key] = 0.02 if key == (1, FIRST) else 0.001
    assert planted.causes() == ["cache"]
    planted.seconds.clear()
    assert planted.causes() == []


def test_vectors_that_are_never_of_length_one_are_a_note() -> None:
    planted = recorded("float16")
    for key in planted.passes:
        planted.passes[key] = planted.passes[key] * np.float32(0.5)
    assert planted.causes() == []
    (note,) = find(planted.results())
    assert (note.kind, note.severity) == ("not-unit", "note")
    assert "0.5 to 0.5" in note.message


FALSE_ALARMS = 0.02
"""Share of runs without a fault in which any cause but noise or rounding order may be named."""


def test_runs_without_a_fault_have_no_false_alarms_beyond_the_stated_share() -> None:
    rng = np.random.default_rng(20)
    shapes = ("equal", "gaussian", "lognormal", "rare")
    alarms = []
    for number in range(200):
        dtype = DTYPES[number % 3]
        usual = USUAL_ERROR[dtype]["narrow encoder"]
        shape = shapes[number // 3 % 4]
        error = usual * rng.uniform(0.3, 1.0)
        drift = error * float(rng.choice([0.0, 0.1, 0.5, 1.0]))
        again = error * float(rng.choice([0.0, 0.0, 0.1, 0.5]))
        found = simulated(rng, error, dtype, drift, shape, again).causes()
        alarms += [(number, dtype, shape, found)] if found else []
    assert len(alarms) <= FALSE_ALARMS * 200, alarms


@pytest.mark.parametrize("fault", ["dropout left on", "long texts cut", "all signs turned"])
def test_nothing_is_judged_or_said_of_neighbours_under_a_fault(fault: str) -> None:
    planted = recorded("float16")
    FAULTS[fault][0](planted)
    results = planted.results()
    kind = faults_of(results, results.settings[0])[0].kind
    (setting,) = build(results)["settings"]
    assert setting["retrieval"] is None
    assert setting["no_retrieval"] == f"fault: {kind}"
    assert setting["verdicts"]["outcome"] == "not measured"
    assert setting["verdicts"]["consistent"]["reason"] == f"fault: {kind}"
    assert all(one["top1_changed"] is None for one in setting["texts"][0]["drift"].values())


def test_without_a_fault_neighbours_are_spoken_of() -> None:
    (setting,) = build(recorded("float16").results())["settings"]
    assert setting["retrieval"] is not None
    assert setting["no_retrieval"] == ""
