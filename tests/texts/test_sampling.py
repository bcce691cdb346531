"""Texts that a limit leaves are drawn from all, by a seed that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedtui.texts import Sample, load_texts
from embedtui.texts.sampling import draw


def numbers(ref: Path, limit: int, seed: int) -> list[int]:
    pack = load_texts(str(ref), limit=limit, seed=seed)
    return [int(text.text.split()[0]) for text in pack.texts]


@pytest.fixture
def sorted_pack(tmp_path: Path) -> Path:
    """A pack sorted by topic: four of a hundred texts each."""
    path = tmp_path / "sorted.txt"
    path.write_text("".join(f"{number} topic {number // 100}\n" for number in range(400)))
    return path


def test_every_topic_is_in_a_sample_in_the_packs_own_order(sorted_pack: Path) -> None:
    drawn = numbers(sorted_pack, limit=64, seed=0)
    assert len(set(drawn)) == 64
    assert drawn == sorted(drawn)
    shares = [sum(one // 100 == topic for one in drawn) for topic in range(4)]
    assert min(shares) >= 8


def test_a_seed_draws_the_same_again_and_another_draws_others(sorted_pack: Path) -> None:
    one, again, other = (numbers(sorted_pack, limit=64, seed=seed) for seed in (0, 0, 1))
    assert one == again != other


def test_a_larger_sample_of_a_seed_holds_the_smaller(sorted_pack: Path) -> None:
    assert set(numbers(sorted_pack, limit=32, seed=5)) < set(numbers(sorted_pack, limit=64, seed=5))


def test_every_text_is_drawn_as_often() -> None:
    seen = [0] * 20
    for seed in range(2_000):
        for one in draw(range(20), 5, seed)[0]:
            seen[one] += 1
    # 500 each is to be expected, with a standard deviation of 19.
    assert max(abs(count - 500) for count in seen) < 5 * 19


def test_the_sample_is_told_and_is_none_where_nothing_was_left_out(sorted_pack: Path) -> None:
    assert load_texts(str(sorted_pack), limit=8, seed=3).sample == Sample(3, 400)
    assert load_texts(str(sorted_pack), limit=400, seed=3).sample is None
    assert load_texts(str(sorted_pack), limit=8).sample is None


def test_texts_are_put_together_before_they_are_drawn(sorted_pack: Path) -> None:
    pack = load_texts(str(sorted_pack), limit=4, join=10, seed=0)
    assert pack.sample == Sample(0, 40)
    for text in pack.texts:
        first, *others = [int(line.split()[0]) for line in text.text.split("\n\n")]
        assert others == list(range(first + 1, first + 10))


def test_queries_are_drawn_and_their_documents_with_them(tmp_path: Path) -> None:
    texts = range(30)
    (tmp_path / "corpus.jsonl").write_text(
        "".join(f'{{"_id": "d{n}", "text": "document {n}"}}\n' for n in texts)
    )
    (tmp_path / "queries.jsonl").write_text(
        "".join(f'{{"_id": "q{n}", "text": "query {n}"}}\n' for n in texts)
    )
    (tmp_path / "qrels.tsv").write_text("".join(f"q{n}\td{n}\t1\n" for n in texts))
    pack = load_texts(str(tmp_path), limit=20, seed=0)
    queries = [text.id[1:] for text in pack.texts if text.id.startswith("q")]
    assert len(queries) == 10
    assert queries != [str(n) for n in range(10)]
    assert {text.id[1:] for text in pack.texts if text.id.startswith("d")} == set(queries)
    assert pack.sample == Sample(0, 60)
