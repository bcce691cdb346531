"""Layers of real models in real engines: places match, errors sum, faults are found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.assess.layer_verdict import layers_verdict
from embedtui.engine.forked import ForkedEngine
from embedtui.engine.messages import CompareLayers, ResumeLayers, SeeLayers
from embedtui.engine.settings import Setting
from embedtui.measure.layer_errors import LayerSite
from embedtui.results.results import Results
from embedtui.run.study import Study
from embedtui.texts import Text, TextPack
from tests.engine.conftest import MakeModel
from tests.engine.support import Engines, batches, loaded
from tests.fakes import plan

pytestmark = pytest.mark.engine

SHAPES = [
    ("bert", "mean", False),
    ("xlm-roberta", "cls", False),
    ("modernbert", "mean", True),
    ("qwen3", "last", True),
    ("mistral", "last", True),
    ("gemma3", "mean", True),
]
"""Architecture, pooling, and whether there is a norm behind the layers."""


@pytest.fixture(scope="module")
def texts(passages: tuple[str, ...]) -> tuple[str, ...]:
    """Return short texts: what is looked for does not depend on length, and float64 is slow."""
    return tuple(" ".join(text.split()[: 6 + n % 16]) for n, text in enumerate(passages[:24]))


def looked(
    engines: Engines, settings: tuple[Setting, ...], texts: tuple[str, ...], **further: Any
) -> Results:
    """Run a plan that looks into layers, on real engines."""
    pack = TextPack("few", "few", tuple(Text(str(n), text) for n, text in enumerate(texts)))
    results = Results()
    made = plan(
        pack, settings=settings, sizes=(1, len(texts)), repeats=0, layers=len(texts), **further
    )
    assert Study(made, engines, [results]).run() == "finished"
    return results


def gap_to_the_error(results: Results, number: int = 0) -> float:
    """Return how far the sum of parts is from the error that the run measured unlooked."""
    setting = results.settings[number]
    error = setting.precision_error(results.reference)
    assert error is not None
    rows, distances = error
    by_row = {int(row): float(l2) for row, l2 in zip(rows, distances.l2, strict=True)}
    gap = setting.layers.sum_gap(by_row)
    assert gap is not None
    return gap


def test_float16_against_reference_grows_and_sums_to_the_precision_error(
    engines: Engines, minilm: str, texts: tuple[str, ...]
) -> None:
    results = looked(engines, (Setting(minilm, dtype="float16"),), texts[:6])
    setting = results.settings[0]
    found = setting.layers
    assert found.reason == ""
    error, adds = found.error(), found.contributions()
    assert error is not None
    assert adds is not None
    assert [str(place) for place in error.places][:3] == [
        "embeddings", "layer 0 attention", "layer 0 MLP",
    ]  # fmt: skip
    assert len(error.places) == 13
    assert 2e-4 < error.median[0] < 1e-3
    assert error.median[-1] > 2 * error.median[0]
    assert "grows evenly" in layers_verdict(found)
    # Independently: what the run measured of unbatched vectors and the reference, without any hook.
    assert gap_to_the_error(results) < 1e-9
    assert found.independence is not None
    assert 0.5 < found.independence < 2
    assert adds.lengths[-1] < 1e-6  # pooling is in float32
    # What is predicted for layers in float32 is what vLLM's kernels in the others come to.
    assert found.mixed is not None
    choice = found.choice(None)
    assert choice is not None
    assert choice.layers == found.mixed.layers
    assert found.mixed.errors.max() == pytest.approx(choice.error, rel=0.2)
    assert found.largest_error is not None
    assert found.mixed.errors.max() < 0.7 * found.largest_error
    alone = found.alone()
    assert alone is not None
    assert (alone < 1.1 * found.largest_error).all()


def test_looking_leaves_no_trace(engines: Engines, minilm: str, texts: tuple[str, ...]) -> None:
    engine = loaded(engines, Setting(minilm, dtype="float16"), texts[:16])
    before = [done.vectors.tobytes() for size in (1, 16) for done in batches(engine, 16, size)]
    found = engine.open_layers()
    seen = engine.see_layers(SeeLayers(3, found.places))
    assert seen.vector.tobytes() == before[3]
    compared = engine.compare_layers(CompareLayers(tuple(range(16)), found.places))
    assert compared.steps[0][0] == 16
    moved = engine.resume_layers(ResumeLayers(3, "", 2, 2 * seen.states[4], None))
    assert not np.array_equal(moved, seen.vector)
    again = [done.vectors.tobytes() for size in (1, 16) for done in batches(engine, 16, size)]
    assert again == before
    assert engine.open_layers().hooks == found.hooks == 0


def test_a_state_put_back_gives_the_vector_that_it_had(
    engines: Engines, minilm: str, texts: tuple[str, ...]
) -> None:
    engine = loaded(engines, Setting(minilm, dtype="float16"), texts[:16])
    found = engine.open_layers()
    places = [p for p in found.places if p.part != "attention"]
    seen = engine.see_layers(SeeLayers(5, tuple(places)))
    for start, state in enumerate(seen.states):
        vector = engine.resume_layers(ResumeLayers(5, "", start, state, None))
        assert vector.tobytes() == seen.vector.tobytes()
    later = engine.resume_layers(ResumeLayers(5, "", 2, seen.states[2], 4))
    assert later.tobytes() == seen.states[4].tobytes()


@pytest.mark.parametrize(("architecture", "pooling", "norm"), SHAPES)
def test_places_match_in_every_architecture(
    engines: Engines,
    make_model: MakeModel,
    texts: tuple[str, ...],
    architecture: str,
    pooling: str,
    norm: bool,
) -> None:
    setting = Setting(make_model(architecture, pooling), dtype="float32")
    results = looked(engines, (setting,), ("short", *texts[:2]))
    found = results.settings[0].layers
    assert found.reason == ""
    expected = [LayerSite("embeddings")]
    expected += [LayerSite.from_names(part, n) for n in range(3) for part in ("attention", "mlp")]
    assert list(found.places) == expected + [LayerSite("norm")] * norm
    error = found.error()
    assert error is not None
    # In float32 the two models have one state at every place: else they were not the same place.
    assert error.largest.max() < 2e-5, dict(zip(map(str, error.places), error.largest, strict=True))
    assert gap_to_the_error(results) < 1e-5
    drift = found.drift()
    assert drift is not None
    assert drift.largest.max() < 1e-5
    engine = engines.warm(setting)
    assert isinstance(engine, ForkedEngine)
    seen = engine.see_layers(SeeLayers(1, tuple(p for p in found.places if p.part != "attention")))
    for start in range(4):
        vector = engine.resume_layers(ResumeLayers(1, "", start, seen.states[start], None))
        assert np.abs(vector - seen.vector).max() < 1e-5
    engines.drop(engine)


ROUND = """
import sys
import torch
from safetensors.torch import load_file, save_file
file, part, bits = sys.argv[1], sys.argv[2], int(sys.argv[3])
weights = load_file(file)
hit = [name for name in weights if part in name and weights[name].ndim == 2]
assert hit, sorted(weights)
for name in hit:
    mantissa, exponent = torch.frexp(weights[name])
    weights[name] = torch.ldexp(torch.round(mantissa * 2**bits) / 2**bits, exponent).contiguous()
save_file(weights, file, metadata={"format": "pt"})
"""


@pytest.mark.parametrize(
    ("architecture", "pooling", "weights", "fault"),
    [
        ("bert", "mean", "layer.1.output.dense", LayerSite("mlp", 1)),
        ("qwen3", "last", "layers.2.self_attn.o_proj", LayerSite("attention", 2)),
    ],
)
def test_rounded_weights_of_one_layer_are_found_there(
    engines: Engines,
    make_model: MakeModel,
    texts: tuple[str, ...],
    tmp_path: Path,
    architecture: str,
    pooling: str,
    weights: str,
    fault: LayerSite,
) -> None:
    whole = make_model(architecture, pooling)
    spoilt = tmp_path / "spoilt"
    shutil.copytree(whole, spoilt)
    command = [sys.executable, "-c", ROUND, str(spoilt / "model.safetensors"), weights, "4"]
    subprocess.run(command, check=True)
    # The reference is that of the first setting's model.
    settings = (Setting(whole, dtype="float32"), Setting(str(spoilt), dtype="float32"))
    results = looked(engines, settings, texts[:3])
    sound, found = (setting.layers for setting in results.settings)
    sound_adds, error, adds = sound.contributions(), found.error(), found.contributions()
    assert sound_adds is not None
    assert sound.largest_error is not None
    assert sound_adds.jumps == () or sound.largest_error < 1e-5
    assert error is not None
    assert adds is not None
    assert found.largest_error is not None
    assert found.largest_error > 1e-3
    assert error.begins == fault
    assert adds.jumps[0] == fault
    said = layers_verdict(found, 1e-4)
    assert f"Error begins at {fault}" in said
    assert f"jumps at {fault}" in said
    assert f"In float32, layer {fault.layer} would bring" in said
    choice = found.choice(1e-4)
    assert choice is not None
    assert choice.layers == (fault.layer,)
    for setting in settings:
        engines.drop(loaded(engines, setting, texts[:3]))


def test_drift_of_a_batch_is_in_the_states_where_it_is_in_the_vectors(
    engines: Engines, minilm: str, texts: tuple[str, ...]
) -> None:
    """Where this CPU's bfloat16 depends on the batch, both tell of the same texts."""
    avx512 = "avx512f" in Path("/proc/cpuinfo").read_text()
    setting = Setting(minilm, dtype="bfloat16", cpu_isa="avx512" if avx512 else "auto")
    results = looked(engines, (setting,), texts, reference=False)
    drift = results.settings[0].layers.drift()
    assert drift is not None
    assert drift.identical[0] == 24
    assert (np.diff(drift.identical) <= 0).all()
    rows, distances = results.settings[0].drift(24)
    assert len(rows) == 24
    # Mean pooling of equal states is equal; of other states hardly ever.
    assert int(distances.identical.sum()) == drift.identical[-1]
    engines.drop(loaded(engines, setting, texts))
