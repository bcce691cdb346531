from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from embedtui.assess import findings, ranking_quality, retrieval, retrieval_sentences
from embedtui.common.errors import InputError
from embedtui.measure import nearest
from embedtui.plan.plan import Plan
from embedtui.texts import Labels, Qrel, Text, TextPack
from tests.fakes import Script, plan
from tests.studies import RunStudy


def by_hand(ranked: list[int], grades: dict[int, int]) -> tuple[float, float, float]:
    """Compute nDCG@10, recall@10 and reciprocal rank as they are defined."""
    ideal = sorted(grades.values(), reverse=True)[:10]
    gains = [max(0, grades.get(d, 0)) for d in ranked[:10]]
    ndcg, best = (
        sum(g / math.log2(at + 2) for at, g in enumerate(values)) for values in (gains, ideal)
    )
    relevant = [d for d, g in grades.items() if g > 0]
    found = [at for at, d in enumerate(ranked[:10], 1) if grades.get(d, 0) > 0]
    return ndcg / best, len(found) / len(relevant), 1 / found[0] if found else 0.0


def labelled(queries: int = 6, documents: int = 30, seed: int = 1) -> TextPack:
    pass_key = np.random.default_rng(seed)
    texts = [Text(f"q{n}", f"question {n}") for n in range(queries)]
    texts += [Text(f"d{n}", f"document {n} {'word ' * (n % 4)}") for n in range(documents)]
    qrels = [
        Qrel(query, queries + int(document), int(pass_key.integers(0, 3)))
        for query in range(queries)
        for document in pass_key.choice(documents, min(8, documents), replace=False)
    ]
    qrels += [Qrel(query, queries + query, 1) for query in range(queries)]
    return TextPack("asked", "asked", tuple(texts), Labels(tuple(range(queries)), tuple(qrels)))


def grades_of(pack: TextPack) -> dict[int, dict[int, int]]:
    assert pack.labels is not None
    found: dict[int, dict[int, int]] = {}
    for query, document, grade in pack.labels.qrels:
        found.setdefault(query, {})[document] = grade
    return found


def test_figures_are_those_of_their_definitions() -> None:
    pack = labelled(20, 60)
    assert pack.labels is not None
    vectors = np.random.default_rng(4).standard_normal((80, 8))
    lists = nearest(vectors[:20], vectors[20:], 11)
    found = ranking_quality.quality(lists, pack.labels, np.arange(20, 80))
    grades = grades_of(pack)
    for query in range(20):
        ranked = [20 + int(d) for d in lists.documents[query]]
        want = by_hand(ranked, grades[query])
        got = [found.figures[name][query].tolist() for name in ranking_quality.MEASURES]
        assert got == [pytest.approx([value] * 2, abs=1e-6) for value in want]
    assert 0 < found.mean("nDCG@10")[0] < 1


def test_differences_below_float32_are_seen_and_ties_give_a_range() -> None:
    labels = Labels((0,), (Qrel(0, 1, 1),))
    query = np.array([[1.0, 0.0]])

    def at(angle: float) -> list[float]:
        return [math.cos(angle), math.sin(angle)]

    # 1e-10 apart: trec_eval's float32 would call that a tie and break it by name.
    for angles, want in (([0.3, 0.3 + 1e-10], 1.0), ([0.3 + 1e-10, 0.3], 0.5)):
        lists = nearest(query, np.array([at(a) for a in angles]), 2)
        found = ranking_quality.quality(lists, labels, np.array([1, 2]))
        assert found.figures["RR@10"][0].tolist() == [want, want]
    tied = nearest(query, np.array([at(0.3), at(-0.3)]), 2)
    found = ranking_quality.quality(tied, labels, np.array([1, 2]))
    assert found.figures["RR@10"][0].tolist() == [0.5, 1.0]
    assert found.mean("R@10") == (1.0, 1.0)


def test_queries_that_find_nothing_and_that_nobody_judged_relevant() -> None:
    labels = Labels((0, 1, 2), (Qrel(0, 3, 1), Qrel(1, 3, 0), Qrel(2, 3, 1)))
    vectors = np.array([[np.nan, 1.0], [1.0, 0.0], [1.0, 0.1], [1.0, 0.2]])
    found = ranking_quality.quality(nearest(vectors[:3], vectors[3:], 11), labels, np.array([3]))
    assert found.figures["nDCG@10"].tolist() == [[0, 0], [1, 1]]
    assert found.mean("RR@10") == (0.5, 0.5)


def test_a_run_of_a_labelled_pack_searches_queries_in_documents(run_study: RunStudy) -> None:
    pack = labelled()
    made: Plan = plan(pack, "bfloat16", sizes=(1, 4))

    def drift(_dtype: str, size: int, _position: int) -> float:
        return 0.3 if size > 1 else 0.0

    ran = run_study(made, Script(drift=drift))
    setting = ran.results.settings[0]
    found = retrieval.batch_retrieval(ran.results, setting, 4)
    assert found is not None
    assert (found.queries, found.documents, found.sides.labelled) == (6, 30, True)
    grades = grades_of(pack)
    for vectors, judged in (
        (setting.unbatched.vectors, found.quality_before),
        (setting.pass_of(4).vectors, found.quality_after),
    ):
        wide = vectors.astype(np.float64)
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
        scores = wide[:6] @ wide[6:].T
        want = [by_hand((6 + np.argsort(-s)).tolist(), grades[q]) for q, s in enumerate(scores)]
        assert judged is not None
        for place, name in enumerate(ranking_quality.MEASURES):
            assert judged.mean(name)[0] == pytest.approx(np.mean([w[place] for w in want]))
    assert retrieval_sentences.describe(found).startswith(f"{found.top1_changed[0]} of 6 queries")


def test_without_the_library_one_line_says_what_to_install(
    run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_quality, "available", lambda: False)
    ran = run_study(plan(labelled(), "float16", sizes=(1, 4)))
    found = retrieval.batch_retrieval(ran.results, ran.results.settings[0], 4)
    assert found is not None
    assert found.quality_before is None
    told: list[Any] = [f for f in findings.find(ran.results) if f.kind == "no-quality"]
    assert [f.message for f in told] == [
        "nDCG, recall and MRR need ir-measures: pip install 'embedtui[retrieval]'"
    ]
    with pytest.raises(InputError, match="pip install"):
        ranking_quality.quality(found.before, labelled().labels, found.sides.documents)  # type: ignore[arg-type]


def test_queries_have_a_prompt_of_their_own_in_the_engine_and_in_the_plan() -> None:
    made = plan(labelled(2, 3), "float16", prompt="passage: ", query_prompt="query: ")
    assert made.inputs[1] == "query: question 1"
    assert made.inputs[2] == "passage: document 0 "
    again = Plan.from_dict(made.as_dict(), made.pack.texts)
    assert again == made
    assert plan(labelled(2, 3), "float16", prompt="p: ").inputs[0] == "p: question 0"


def quality(values: list[list[float]]) -> ranking_quality.Quality:
    figures = np.array(values)
    return ranking_quality.Quality(dict.fromkeys(ranking_quality.MEASURES, figures))


def test_a_difference_that_could_be_none_holds_zero() -> None:
    draw = np.random.default_rng(1)
    before = draw.random((100, 1)).repeat(2, axis=1)
    moved = np.where(draw.random((100, 1)) < 0.3, draw.normal(0.0, 0.1, (100, 1)), 0.0)
    found = ranking_quality.difference(
        quality(before.tolist()), quality((before + moved).tolist()), "nDCG@10"
    )
    assert found.least == found.most == pytest.approx(moved.mean())
    assert found.changed == np.count_nonzero(moved)
    assert found.interval.low < 0 < found.interval.high
    lower = quality((before - 0.1).tolist())
    assert ranking_quality.difference(quality(before.tolist()), lower, "nDCG@10").interval.high < 0


def test_ties_that_explain_a_difference_are_no_change() -> None:
    tied, after = quality([[0.2, 0.8]] * 40), quality([[0.8, 0.8]] * 40)
    found = ranking_quality.difference(tied, after, "R@10")
    assert (found.least, found.most) == pytest.approx((0.0, 0.6))
    assert found.changed == 0
    assert 0.0 in found.interval
