from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from embedtui.assess import cross_setting_search
from embedtui.assess.cross_setting_search import mix, side_of
from embedtui.common.errors import InputError
from tests.assess.test_ranking_quality import labelled
from tests.fakes import Script, plan, swapped
from tests.studies import Ran, RunStudy


def script(by: float = 0.05) -> Script:
    def drift(_dtype: str, size: int, _position: int) -> float:
        return by if size > 1 else 0.0

    return Script(drift=drift, precision={"bfloat16": 0.1, "float16": 0.01, "float32": 0.0})


@pytest.fixture
def ran(run_study: RunStudy) -> Ran:
    return run_study(plan(30, "float16", "float32", sizes=(1, 4)), script())


def unit(x: Any) -> Any:
    wide = x.astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def lists(queries: Any, documents: Any, *, own: bool) -> list[list[int]]:
    scores = unit(queries) @ unit(documents).T
    return [
        [int(d) for d in np.argsort(-row) if not (own and d == at)][:10]
        for at, row in enumerate(scores)
    ]


def test_an_index_of_batches_asked_one_by_one(ran: Ran) -> None:
    index = side_of(ran.results, "float16", batched=True)
    asked = side_of(ran.results, "float32", batched=False)
    assert (index.label, asked.label) == ("float16 @4", "float32 alone")
    found = mix(index, asked)
    mixed = lists(asked.vectors, index.vectors, own=True)
    for pure, one in (
        (lists(index.vectors, index.vectors, own=True), found.against_index),
        (lists(asked.vectors, asked.vectors, own=True), found.against_queries),
    ):
        pairs = list(zip(pure, mixed, strict=True))
        assert one.order_changed[0] == sum(a != b for a, b in pairs) > 0
        assert one.top1_changed[0] == sum(a[:1] != b[:1] for a, b in pairs)
        assert one.mean("overlap")[0] == pytest.approx(
            np.mean([len(set(a) & set(b)) / 10 for a, b in pairs])
        )
        assert one.after.documents[:, :10].tolist() == mixed
    assert found.drift.l2.max() == pytest.approx(
        np.linalg.norm(unit(index.vectors) - unit(asked.vectors), axis=1).max()
    )
    assert "find another first document" in cross_setting_search.describe(found)


def test_a_setting_mixes_with_itself(ran: Ran) -> None:
    one = side_of(ran.results, "2@1", batched=True)
    found = mix(one, side_of(ran.results, "float32", batched=False))
    assert found.against_index.order_changed == (0, 0)
    assert found.drift.identical.all()
    assert cross_setting_search.describe(found).startswith("the two mix: all 30 texts")


def test_a_text_far_from_its_own_document_still_leaves_a_list_of_others(
    run_study: RunStudy,
) -> None:
    # Swapped rows: the own document is not on the list and must not be counted out of it.
    made = run_study(
        plan(30, "float32", sizes=(1, 30), shuffles=0),
        Script(plants=(swapped(30),), drift=lambda *_: 0.0),
    )
    found = mix(side_of(made.results, "", batched=True), side_of(made.results, "", batched=False))
    listed = found.against_index.after
    assert (listed.counts >= 11).all()
    assert not (listed.documents == np.arange(30)[:, None]).any()


def test_quality_of_a_mixture(run_study: RunStudy) -> None:
    made = run_study(plan(labelled(), "bfloat16", "float32", sizes=(1, 4)), script(0.3))
    found = mix(
        side_of(made.results, "bfloat16", batched=True),
        side_of(made.results, "float32", batched=False),
    )
    for one in (found.against_index, found.against_queries):
        assert one.quality_before is not None
        assert one.quality_after is not None
    assert found.against_index.quality_after is not None
    mixed = found.against_index.quality_after.mean("nDCG@10")
    assert found.against_queries.quality_after is not None
    assert mixed == found.against_queries.quality_after.mean("nDCG@10")
    assert found.against_index.queries == 6


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        ("float17", "no setting 'float17' (did you mean float16?): give one of 1 float16, 2 float"),
        ("3", "no setting '3'"),
        ("", "no setting ''"),
        ("float16@3", "float16 was not measured at '3': give a batch size of 1, 4"),
        ("float16@four", "not measured at 'four'"),
    ],
)
def test_what_is_not_there_is_refused(ran: Ran, which: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        side_of(ran.results, which, batched=True)
    assert reason in str(caught.value)


def test_other_texts_models_and_prompts_do_not_mix(ran: Ran, run_study: RunStudy) -> None:
    one = side_of(ran.results, "1", batched=True)
    for what, other in {
        "texts": plan(31, "float16", sizes=(1, 4)),
        "model": plan(30, "float16", sizes=(1, 4), model_hash="another"),
        "prompts": plan(30, "float16", sizes=(1, 4), prompt="query: "),
    }.items():
        two = side_of(run_study(other).results, "", batched=False)
        with pytest.raises(InputError, match=f"differ in their {what}"):
            mix(one, two)
    wide = run_study(plan(30, "float16", sizes=(1, 4)), Script(width=24))
    with pytest.raises(InputError, match="different widths"):
        mix(one, side_of(wide.results, "", batched=False))
    single = run_study(plan(1, "float16", sizes=(1, 2)))
    alone = side_of(single.results, "", batched=False)
    with pytest.raises(InputError, match="too few texts"):
        mix(alone, alone)
