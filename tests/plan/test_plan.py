from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtui.common.errors import InputError
from embedtui.engine.settings import Setting
from embedtui.plan.batch_sizes import MOST_TEXTS_PER_BATCH, parse_batch_sizes
from embedtui.plan.choices import Choices
from embedtui.plan.make_plan import plan_of
from embedtui.plan.plan import FIRST, PassKey, Plan, PlannedBatch, batches_of
from tests.fakes import pack, plan

SIZES = st.sets(st.integers(1, 9), max_size=4).map(lambda s: tuple(sorted({1, *s})))
ROWS = st.sets(st.integers(0, 60), max_size=40).map(sorted)


class TestBatchSizes:
    @pytest.mark.parametrize(
        ("text", "sizes"),
        [
            ("1", (1,)),
            ("4,2,2,1", (1, 2, 4)),
            (" 8 , 2 ", (2, 8)),
            ("1,,2,", (1, 2)),
            ("2-5", (2, 3, 4, 5)),
            ("3-3", (3,)),
            ("1-64*2", (1, 2, 4, 8, 16, 32, 64)),
            ("3-20*2", (3, 6, 12)),
            ("2 - 8 * 2, 5", (2, 4, 5, 8)),
            ("007", (7,)),
            (str(MOST_TEXTS_PER_BATCH), (MOST_TEXTS_PER_BATCH,)),
        ],
    )
    def test_are_read(self, text: str, sizes: tuple[int, ...]) -> None:
        assert parse_batch_sizes(text) == sizes

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ",",
            "0",
            "-1",
            "0-4",
            "4-2",
            "1-8*1",
            "1-8*0",
            "1-8*",
            "1.5",
            "1e3",
            "two",
            "1;2",
            "1 2",
            "+2",
            "٣",
            "1-٩",
            "1_000",
            str(MOST_TEXTS_PER_BATCH + 1),
            f"1-{MOST_TEXTS_PER_BATCH + 1}*2",
            "9" * 5000,
            "1-" + "9" * 5000,
            "\x1b[31m2",
        ],
    )
    def test_that_are_none_are_refused_in_one_printable_line(self, text: str) -> None:
        with pytest.raises(InputError) as caught:
            parse_batch_sizes(text)
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) < 200
        assert "such as 1,2,4-64*2" in message

    def test_the_refusal_names_the_part_that_is_wrong(self) -> None:
        with pytest.raises(InputError, match="'4x' gives no batch sizes"):
            parse_batch_sizes("1,2,4x,8")


def when(batches: list[PlannedBatch]) -> dict[tuple[int, PassKey, int], int]:
    """Return when each text was through each pass: its place in the order of batches."""
    return {
        (batch.batch_size, batch.pass_key, row): place
        for place, batch in enumerate(batches)
        for row in batch.rows
    }


class TestBatches:
    @given(SIZES, ROWS, st.integers(0, 2))
    def test_every_text_goes_once_through_every_pass(
        self, sizes: tuple[int, ...], rows: list[int], times: int
    ) -> None:
        made = plan(1, sizes=sizes, repeats=times, shuffles=times, restarts=times)
        batches = batches_of(made, rows)
        for size, pass_key in made.passes:
            passed = [b for b in batches if (b.batch_size, b.pass_key) == (size, pass_key)]
            passed.sort(key=lambda batch: batch.start)
            gone = [row for b in passed for row in b.rows]
            assert sorted(gone) == sorted(rows) if pass_key.kind == "shuffle" else gone == rows
            assert [b.start for b in passed] == list(range(0, len(rows), size))
            assert all(len(b.rows) == size for b in passed[:-1])
        assert {(b.batch_size, b.pass_key) for b in batches} <= set(made.passes)

    @given(SIZES, ROWS)
    def test_a_batch_comes_after_the_unbatched_vectors_of_its_texts(
        self, sizes: tuple[int, ...], rows: list[int]
    ) -> None:
        at = when(batches_of(plan(1, sizes=sizes, shuffles=2, restarts=1), rows))
        assert all(at[1, FIRST, row] <= place for (_, _, row), place in at.items())

    @given(SIZES, ROWS)
    def test_a_repeat_comes_after_what_it_repeats(
        self, sizes: tuple[int, ...], rows: list[int]
    ) -> None:
        at = when(batches_of(plan(1, sizes=sizes, repeats=2), rows))
        one, two = PassKey("repeat", 1), PassKey("repeat", 2)
        assert all(at[size, FIRST, row] < at[size, one, row] for size, r, row in at if r == one)
        assert all(at[size, one, row] < at[size, two, row] for size, r, row in at if r == two)

    @given(SIZES, ROWS)
    def test_restarts_are_the_last_and_each_together(
        self, sizes: tuple[int, ...], rows: list[int]
    ) -> None:
        batches = batches_of(plan(1, sizes=sizes, repeats=1, shuffles=1, restarts=2), rows)
        again = [b.pass_key.number if b.pass_key.kind == "restart" else 0 for b in batches]
        assert again == sorted(again)

    def test_a_shuffle_mixes_and_is_the_same_in_every_run(self) -> None:
        made = plan(1, sizes=(1, 8), repeats=0, shuffles=2)
        rows = list(range(64))

        def orders() -> list[list[int]]:
            batches = batches_of(made, rows)
            return [
                [row for b in batches if b.pass_key == PassKey("shuffle", n) for row in b.rows]
                for n in (1, 2)
            ]

        one, two = orders()
        assert one != two
        assert rows not in (one, two)
        assert orders() == [one, two]
        mates = [set(b.rows) for b in batches_of(made, rows) if b.pass_key.kind == "shuffle"]
        assert not any(block == set(range(n, n + 8)) for block in mates for n in range(0, 64, 8))

    def test_unbatched_only_has_nothing_to_shuffle(self) -> None:
        assert plan(1, sizes=(1,), repeats=0, shuffles=3).passes == [(1, FIRST)]

    @given(SIZES, ROWS, st.data())
    def test_cut_off_anywhere_all_batch_sizes_have_the_same_first_texts(
        self, sizes: tuple[int, ...], rows: list[int], data: st.DataObject
    ) -> None:
        batches = batches_of(plan(1, sizes=sizes), rows)
        cut = data.draw(st.integers(0, len(batches)))
        done: dict[int, list[int]] = {size: [] for size in sizes}
        for batch in batches[:cut]:
            if batch.pass_key == FIRST:
                done[batch.batch_size] += batch.rows
        for size, got in done.items():
            assert got == rows[: len(got)]
            assert 0 <= len(done[1]) - len(got) <= size

    def test_the_first_drift_appears_after_two_texts(self) -> None:
        batches = batches_of(plan(1, sizes=(1, 2, 64)), range(200))
        assert [b.rows for b in batches[:3]] == [(0,), (1,), (0, 1)]

    def test_the_noise_floor_comes_with_each_stretch_of_the_largest_batch(self) -> None:
        at = when(batches_of(plan(1, sizes=(1, 2, 8), repeats=1), range(30)))
        again = PassKey("repeat", 1)
        assert at[8, again, 7] < at[1, FIRST, 8]
        assert at[1, again, 15] < at[1, FIRST, 16]

    def test_only_the_extremes_are_run_again(self) -> None:
        made = plan(1, sizes=(1, 2, 4), repeats=2)
        assert made.noise_sizes == (1, 4)
        one, two = PassKey("repeat", 1), PassKey("repeat", 2)
        again = [(1, one), (4, one), (1, two), (4, two)]
        assert made.passes == [(1, FIRST), (2, FIRST), (4, FIRST), *again]
        assert plan(1, sizes=(1,)).passes == [(1, FIRST), (1, one)]
        assert plan(1, sizes=(1,), repeats=0).passes == [(1, FIRST)]

    def test_a_draw_is_read_back(self) -> None:
        for pass_key in (FIRST, PassKey("shuffle", 3), PassKey("restart", 12)):
            assert PassKey.parse(str(pass_key)) == pass_key
        with pytest.raises(ValueError, match="unknown draw"):
            PassKey.parse("again-1")

    def test_a_batch_is_asked_for_by_its_rows(self) -> None:
        job = PlannedBatch(4, FIRST, 8, (8, 9, 11)).job(7)
        assert (job.number, job.rows) == (7, (8, 9, 11))


class TestPlan:
    def test_comes_back_from_its_dict_through_json(self) -> None:
        made = plan(
            pack("a", "b\ud800", ids=("x\x00", "y\x1b[31m")),
            sizes=(1, 3, 8),
            settings=(Setting("m", "float16"), Setting("m", "float32", threads=2)),
            model_hash="00ff",
            reference=False,
            repeats=3,
            shuffles=2,
            restarts=1,
            too_long="refuse",
        )
        values = json.loads(json.dumps(made.as_dict()))
        assert Plan.from_dict(values, made.pack.texts) == made

    def test_as_dict_counts_the_texts_and_does_not_hold_them(self) -> None:
        made = plan(pack("secret words", "more of them"))
        assert "secret" not in json.dumps(made.as_dict())
        assert made.as_dict()["texts"] == {
            "name": "few",
            "source": "few",
            "count": 2,
            "sha256": made.pack.sha256,
            "labels": None,
            "sample": None,
        }

    def test_unbatched_joins_the_batch_sizes(self, model_folder: Path) -> None:
        made, _ = plan_of(Choices(str(model_folder), batch_sizes=(8, 2, 8), repeats=0), print)
        assert made.batch_sizes == (1, 2, 8)
        assert (made.model, made.model_name) == (str(model_folder), "tiny-bert")
        assert (made.repeats, made.reference, made.too_long) == (0, True, "truncate")


def test_more_batch_sizes_than_anyone_waits_for_are_refused() -> None:
    assert len(parse_batch_sizes("1-64")) == 64
    with pytest.raises(InputError, match="65 batch sizes are more than 64"):
        parse_batch_sizes("1-65")
