"""What is said of vectors held against kept ones: whether a search would notice."""

from __future__ import annotations

import pytest

from embedtui.assess.golden import Golden, compare_with
from embedtui.plan.scenarios import scenario
from embedtui.texts import TextPack
from tests.assess.test_ranking_quality import labelled
from tests.assess.test_retrieval import lists
from tests.fakes import Script, no_drift, plan, some_texts
from tests.studies import RunStudy


def held(run_study: RunStudy, pack: TextPack, error: float) -> tuple[Golden, int, int]:
    """Return what is found, and by sorting how many nearest neighbours and orders are others."""
    before, after = (
        run_study(
            plan(pack, "float16", sizes=(1,)), Script(drift=no_drift, precision={"float16": e})
        )
        for e in (1e-6, error)
    )
    (found,) = compare_with(before.results, after.results, scenario("rag"))
    sides = [lists(one.results.settings[0].unbatched.vectors) for one in (before, after)]
    pairs = list(zip(*sides, strict=True))
    return found, sum(a[:1] != b[:1] for a, b in pairs), sum(a != b for a, b in pairs)


def test_how_many_texts_find_something_else_is_what_sorting_says(run_study: RunStudy) -> None:
    found, first, order = held(run_study, some_texts(30), 0.1)
    assert order > 0
    assert found.retrieval.startswith(
        f"retrieval would notice: {first} of 30 texts have another nearest neighbour, {order} "
        "another order within the 10 nearest: "
    )
    assert found.retrieval.endswith(" % (95 %: 88 to 100 %)")


@pytest.mark.parametrize(("count", "k"), [(30, 10), (5, 4)])
def test_equal_lists_are_said_to_be(run_study: RunStudy, count: int, k: int) -> None:
    found, _, order = held(run_study, some_texts(count), 1e-6)
    assert order == 0
    share = {30: "9.5", 5: "45"}[count]
    assert found.retrieval == (
        f"retrieval would not notice: the {k} nearest neighbours of all {count} texts are the same "
        f"(at most {share} % of such texts would change, with 95 % confidence)"
    )


def test_one_text_has_no_neighbour(run_study: RunStudy) -> None:
    assert held(run_study, some_texts(1), 0.1)[0].retrieval == "no text has a neighbour"


def test_of_labelled_texts_the_queries_are_searched_in_the_documents(run_study: RunStudy) -> None:
    found = held(run_study, labelled(), 0.3)[0]
    assert "of 6 queries have another nearest neighbour" in found.retrieval
