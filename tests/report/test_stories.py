"""What `embedtui demo` says follows from the recordings that it is said of."""

from __future__ import annotations

import re

import pytest

from embedtui.report.stories import STORIES
from embedtui.storage import library, run_file

SAID = {
    "tf32": [
        "float32 as vLLM computes it on an H200 is L2 1.0e-03 from float64; float16 is 1.4e-03.",
        "TF32, ten bits. With TRITON_F32_DEFAULT=ieee it is 2.0e-07.",
        "With it the error falls to L2 7.2e-07,",
    ],
    "pooling": [
        "drift is L2 4.2e-03 in batches of 2, 4.1e-01 in batches of 256.",
        "In batches of 256, 97 % of top-10 orders change; with today's pooling 0 %.",
        "Alone, its vectors are L2 2.3e-03 from float64, today's 1.4e-03.",
    ],
    "short-texts": [
        "In batches of 256, 22 of 32 texts move by L2 1.0e-02 to 1.3e-02; the other 10 by at most",
        "The texts that move have up to 124 tokens, the others 141 and more.",
        "The weights are random: this says nothing of retrieval.",
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_says_what_its_recording_has(name: str) -> None:
    chosen = STORIES[name]
    results = run_file.read(library.recordings()[chosen.recording])
    told = chosen.told(results)
    assert told.setting in {one.setting.short_label for one in results.settings}
    assert len(told.sentences) == 3
    for sentence, words in zip(told.sentences, SAID[name], strict=True):
        assert words in sentence
        assert re.search(r"\d", sentence)


def test_of_tf32_the_plain_kernel_has_the_error_and_the_strict_one_has_not() -> None:
    results = run_file.read(library.recordings()["h200-minilm"])
    plain, strict = (
        next(one for one in results.settings if one.setting.short_label == label)
        for label in ("float32", "float32 · ieee kernels")
    )
    errors = [one.largest_error(results.reference) or 0.0 for one in (plain, strict)]
    assert errors[0] > 500 * errors[1] > 0


def test_of_short_texts_length_alone_tells_those_that_move() -> None:
    results = run_file.read(library.recordings()["h200-large"])
    told = STORIES["short-texts"].told(results)
    found = re.search(r"up to (\d+) tokens, the others (\d+)", told.sentences[1])
    assert found is not None
    assert int(found[1]) < int(found[2])
