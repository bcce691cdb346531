from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.assess import retrieval, retrieval_sentences, verdict
from embedtui.measure import neighbours
from embedtui.plan.plan import PassKey
from embedtui.report import retrieval_report
from embedtui.results.results import Results, SettingResults
from embedtui.storage import library, run_file
from embedtui.texts import Labels, Qrel
from tests.fakes import REFUSED, Script, broken, pack, plan, some_texts
from tests.studies import Ran, RunStudy


def lists(vectors: Any) -> list[list[int]]:
    wide = vectors.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    scores = wide @ wide.T
    return [[int(d) for d in np.argsort(-row) if d != own][:10] for own, row in enumerate(scores)]


def changed(setting: SettingResults, size: int) -> tuple[int, int]:
    """Return by sorting how many texts have another first neighbour, and other first ten."""
    one, two = lists(setting.unbatched.vectors), lists(setting.pass_of(size).vectors)
    pairs = list(zip(one, two, strict=True))
    return sum(a[:1] != b[:1] for a, b in pairs), sum(a != b for a, b in pairs)


def constant(by: float) -> Any:
    return lambda _dtype, size, _position: by if size > 1 else 0.0


def test_what_changes_is_what_sorting_says(run_study: RunStudy) -> None:
    made = plan(40, "bfloat16", "float32", sizes=(1, 2, 4), reference=True)
    ran = run_study(made, Script(drift=constant(0.05), precision={"bfloat16": 0.1, "float32": 0}))
    for setting in ran.results.settings:
        for size in (2, 4):
            found = retrieval.batch_retrieval(ran.results, setting, size)
            assert found is not None
            want = changed(setting, size)
            assert (found.top1_changed, found.order_changed) == ((want[0],) * 2, (want[1],) * 2)
            assert want[1] > 0
        error = retrieval.precision_retrieval(ran.results, setting)
        assert error is not None
        reference, own = lists(ran.results.reference.vectors), lists(setting.unbatched.vectors)
        assert error.order_changed[0] == sum(a != b for a, b in zip(reference, own, strict=True))
        assert (error.queries, error.documents, error.sides.labelled) == (40, 40, False)


def test_what_did_not_come_back_is_neither_asked_nor_searched(run_study: RunStudy) -> None:
    texts = pack(*(f"text number {n}" for n in range(14)), REFUSED)
    ran = run_study(plan(texts, "float16", sizes=(1, 4)), Script(drift=constant(0.05)))
    (setting,) = ran.results.settings
    found = retrieval.worst_of_batches(ran.results, setting)
    assert found is not None
    assert (found[1].queries, found[1].documents) == (14, 14)
    said = retrieval_report.section(ran.results, setting)
    assert said is not None
    assert (said["queries"], said["documents"]) == (14, 14)


def test_equal_bits_change_nothing(run_study: RunStudy) -> None:
    ran = run_study(plan(20, "float32", sizes=(1, 4)))
    found = retrieval.worst_of_batches(ran.results, ran.results.settings[0])
    assert found is not None
    assert found[1].order_changed == found[1].top1_changed == (0, 0)
    assert found[1].margins.could.sum() == 0
    assert found[1].mean("rbo")[0] == pytest.approx(1.0)
    said = retrieval_sentences.describe(found[1])
    assert said.startswith("all 20 texts keep the order of their top 10 (at most 14 % of such")
    assert "neighbour" not in verdict.setting_verdict(ran.results, ran.results.settings[0])


def test_the_verdict_speaks_of_neighbours(run_study: RunStudy) -> None:
    ran = run_study(plan(40, "bfloat16", sizes=(1, 4)), Script(drift=constant(0.05)))
    setting = ran.results.settings[0]
    top1, order = changed(setting, 4)
    said = verdict.setting_verdict(ran.results, setting)
    share = "100" if order == 40 else f"{round(100 * order / 40)}"
    assert f"{top1} of 40 texts change" in said
    assert f"{share} % some order in the top 10 (95 %: " in said
    assert " %); the smallest margin is" in said
    assert "(batch size 4)" in said


def test_what_was_found_is_kept_until_more_comes(
    run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    whole = neighbours.nearest

    def counted(*args: Any, **options: Any) -> Any:
        searched.append(args[0])
        return whole(*args, **options)

    monkeypatch.setattr(retrieval, "nearest", counted)
    ran = run_study(plan(12, "float16", sizes=(1, 2, 4)))
    setting = ran.results.settings[0]
    first = retrieval.batch_retrieval(ran.results, setting, 4)
    count = len(searched)
    assert count == 2
    assert retrieval.batch_retrieval(ran.results, setting, 4) is first
    retrieval.batch_retrieval(ran.results, setting, 2)
    retrieval.batch_retrieval(ran.results, setting, 2, PassKey("first"))
    assert len(searched) == count + 1  # the unbatched lists are the same
    again = run_study(plan(12, "float16", sizes=(1, 2, 4)), Script(drift=constant(1e-3)))
    assert retrieval.batch_retrieval(again.results, again.results.settings[0], 4) is not first


def test_live_results_are_looked_at_again_when_batches_come(run_study: RunStudy) -> None:
    live, seen = Results(), []

    def look(event: object) -> None:
        live(event)  # type: ignore[arg-type]
        for setting in live.settings:
            found = retrieval.batch_retrieval(live, setting, 4)
            seen.append(found.queries if found else 0)

    run_study(plan(12, "float16", sizes=(1, 4)), listeners=(look,))
    assert sorted(set(seen)) == [0, 4, 8, 12]


def test_what_nothing_asks_for_any_more_is_let_go(run_study: RunStudy) -> None:
    """While a run grows, every batch has lists of its own; those of before are not kept."""
    live, kept = Results(), []

    def look(event: object) -> None:
        live(event)  # type: ignore[arg-type]
        for setting in live.settings:
            for size in setting.batched:
                retrieval.batch_retrieval(live, setting, size)
        kept.append(len(retrieval.kept_of(live)))

    run_study(plan(48, "float16", sizes=(1, 2, 4)), listeners=(look,))
    assert kept[-1] >= 3
    assert max(kept) <= 2 * 3  # two pairs, each with the lists of its two sides


def test_a_search_is_not_waited_for_by_who_wants_another(
    run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = (run_study(plan(12, dtype, sizes=(1, 4))) for dtype in ("float16", "bfloat16"))
    begun, go_on = threading.Event(), threading.Event()
    whole = neighbours.nearest

    def held(vectors: Any, *args: Any, **options: Any) -> Any:
        if np.shares_memory(vectors, slow.results.settings[0].unbatched.vectors):
            begun.set()
            assert go_on.wait(30)
        return whole(vectors, *args, **options)

    monkeypatch.setattr(retrieval, "nearest", held)
    of = retrieval.batch_retrieval
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(of, slow.results, slow.results.settings[0], 4)
        assert begun.wait(30)
        other = pool.submit(of, quick.results, quick.results.settings[0], 4)
        try:
            assert other.result(30) is not None
            same = pool.submit(_given_up, slow)
            assert same.result(30) == "nobody waits"
        finally:
            go_on.set()
        assert first.result(30) is of(slow.results, slow.results.settings[0], 4)


def _given_up(ran: Ran) -> str:
    """Ask for what another thread searches, and give up while waiting."""

    def tell(_share: float) -> None:
        raise InterruptedError("nobody waits")

    try:
        with retrieval.reporting_progress(tell):
            retrieval.batch_retrieval(ran.results, ran.results.settings[0], 4)
    except InterruptedError as error:
        return str(error)
    return "found"


def test_a_broken_vector_is_in_no_list_before_or_after(run_study: RunStudy) -> None:
    ran = run_study(plan(15, "float16", sizes=(1, 4)), Script(plants=(broken(3, np.nan, size=4),)))
    found = retrieval.batch_retrieval(ran.results, ran.results.settings[0], 4)
    assert found is not None
    assert found.queries == 14
    assert not (found.before.documents == 3).any()
    assert not (found.after.documents == 3).any()
    assert not found.agreement.usable[3]


def test_too_few_texts_have_no_neighbours(run_study: RunStudy) -> None:
    ran = run_study(plan(1, "float16", sizes=(1, 2)))
    setting = ran.results.settings[0]
    assert retrieval.batch_retrieval(ran.results, setting, 2) is None
    assert retrieval.precision_retrieval(ran.results, setting) is None
    assert retrieval.worst_of_batches(ran.results, setting) is None
    empty = run_study(plan(some_texts(3), "float16", sizes=(1,), reference=False))
    assert retrieval.precision_retrieval(empty.results, empty.results.settings[0]) is None


def recorded(name: str) -> list[Path]:
    return [path for key, path in library.recordings().items() if name in key]


def by_name(results: Results, **wanted: Any) -> SettingResults | None:
    """Return the setting of a dtype and further switches, the others at their defaults."""
    for setting in results.settings:
        one = setting.setting
        plain = type(one)(one.model, **wanted)
        if one == plain:
            return setting
    return None


@pytest.mark.parametrize("path", recorded("neighbours"), ids=str)
def test_on_a_gpu_bfloat16_changes_lists_and_strict_float32_none(path: Path) -> None:
    results = run_file.read(path)
    size = results.plan.batch_sizes[-1]
    share = {}
    for name, switches in {
        "bfloat16": {"dtype": "bfloat16"},
        "strict": {"dtype": "float32", "kernel_precision": "ieee"},
    }.items():
        setting = by_name(results, **switches)
        assert setting is not None, name
        found = retrieval.batch_retrieval(results, setting, size)
        assert found is not None
        if len(results.plan.pack) == len(setting.unbatched.done):
            want = changed(setting, size)
            assert (found.top1_changed[0], found.order_changed[0]) == want
        share[name] = found.order_changed[0] / found.queries
        assert found.expected_pairs == pytest.approx(
            found.margins.did.sum(), rel=0.35, abs=4 * np.sqrt(found.margins.did.sum()) + 1
        )
    assert 0.4 < share["bfloat16"] < 0.8
    assert share["strict"] == 0


def test_what_is_not_consistent_stands_with_its_share_of_changed_lists(run_study: RunStudy) -> None:
    from embedtui.assess.answers import Entry
    from embedtui.assess.setting_answers import answer_setting
    from embedtui.plan.scenarios import scenario

    use = scenario("rag")
    for by, said in ((0.05, "top-10 order changed: "), (0.0, " identical")):
        ran = run_study(plan(40, "bfloat16", "float16", sizes=(1, 4)), Script(drift=constant(by)))
        entries = []
        for setting in ran.results.settings:
            found = retrieval.worst_of_batches(ran.results, setting)
            assert found is not None
            entries.append(Entry(setting.setting.dtype, ran.results, setting, "", found[1]))
        assert said in answer_setting(entries[0], use, ()).drift.text
    bare = [Entry(one.label, one.results, one.setting) for one in entries]
    assert "top-10" not in answer_setting(bare[0], use, ()).drift.text


def test_drift_in_one_shuffled_order_only_is_looked_at(run_study: RunStudy) -> None:
    """The first order keeps every list; a shuffled one changes them."""

    def plant(batch: Any) -> None:
        if len(batch.rows) == 4 and list(batch.rows) != sorted(batch.rows):
            batch.vectors[:] = batch.vectors[::-1].copy()

    ran = run_study(
        plan(40, "float32", sizes=(1, 2, 4), shuffles=2),
        Script(drift=constant(0.0), plants=(plant,)),
    )
    setting = ran.results.settings[0]
    first = retrieval.batch_retrieval(ran.results, setting, 4)
    assert first is not None
    assert first.order_changed == (0, 0)
    worst = retrieval.worst_of_batches(ran.results, setting)
    assert worst is not None
    assert worst[0] == 4
    assert worst[1].order_changed[0] > 0
    order = retrieval.worst_of_orders(ran.results, setting, 4)
    assert order is not None
    assert order[0].kind == "shuffle"
    assert "keep the order" not in verdict.setting_verdict(ran.results, setting)


def test_of_equal_sizes_the_smallest_speaks(run_study: RunStudy) -> None:
    ran = run_study(plan(20, "float32", sizes=(1, 2, 4)), Script(drift=constant(0.0)))
    found = retrieval.worst_of_batches(ran.results, ran.results.settings[0])
    assert found is not None
    assert found[0] == 2


@pytest.mark.parametrize("labelled", [False, True])
def test_nothing_is_forecast_of_packs_with_queries_of_their_own(
    run_study: RunStudy, labelled: bool
) -> None:
    pack = some_texts(440)
    labels = Labels(tuple(range(220)), (Qrel(0, 220, 1),)) if labelled else None
    made = plan(replace(pack, labels=labels), "float16", sizes=(1, 4))
    ran = run_study(made, Script(drift=constant(0.01)))
    found = retrieval.batch_retrieval(ran.results, ran.results.settings[0], 4)
    assert found is not None
    assert found.documents >= 200
    assert (found.forecast is None) is labelled
