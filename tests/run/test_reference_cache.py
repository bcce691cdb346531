"""Reference vectors are kept, and used where they are the same model's of the same texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedtui.common import paths
from embedtui.results.events import (
    Event,
    ReferenceComputed,
)
from embedtui.run.study import Study
from tests.fakes import FakeEngines, Script, plan
from tests.studies import RunStudy


class TestReferenceCache:
    def test_the_second_run_computes_nothing(self, run_study: RunStudy) -> None:
        made = plan(10, model_hash="ab" * 32)
        first, second = run_study(made), run_study(made)
        assert not second.engines.reference_requests
        assert [done.cached for done in second.told.of(ReferenceComputed)] == [True]
        assert (first.results.reference.vectors == second.results.reference.vectors).all()
        assert (first.results.reference.tokens == second.results.reference.tokens).all()

    def test_new_texts_are_computed_and_joined(self, run_study: RunStudy) -> None:
        run_study(plan(6, model_hash="ab" * 32))
        ran = run_study(plan(9, model_hash="ab" * 32))
        assert [asked.rows for asked in ran.engines.reference_requests] == [(6, 7, 8)]
        assert ran.results.reference.done.all()

    @pytest.mark.parametrize("other", ["model", "limit", "none"])
    def test_another_model_or_limit_takes_nothing_from_it(
        self, run_study: RunStudy, other: str
    ) -> None:
        made = plan(3, model_hash="ab" * 32)
        run_study(made)
        if other == "model":
            made = replace(made, model_hash="cd" * 32)
        if other == "none":
            made = replace(made, model_hash=None)
        ran = run_study(made, Script(max_length=32 if other == "limit" else 64))
        assert len(ran.engines.reference_requests) == 1

    def test_a_cancelled_reference_keeps_what_it_has(
        self, tmp_path: Path, run_study: RunStudy
    ) -> None:
        studies: list[Study] = []

        def cancel(event: Event) -> None:
            if isinstance(event, ReferenceComputed):
                studies[0].cancel()

        made = plan(20, model_hash="ab" * 32)
        engines = FakeEngines(logs=tmp_path)
        studies.append(Study(made, engines, [cancel]))
        assert studies[0].run() == "cancelled"
        (asked,) = run_study(made).engines.reference_requests
        assert asked.rows == tuple(range(8, 20))

    def test_a_cache_folder_that_cannot_be_made_fails_nothing(
        self, run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(name: str) -> Path:
            raise PermissionError(13, "Permission denied", name)

        monkeypatch.setattr(paths, "cache_folder", refuse)
        ran = run_study(plan(3, model_hash="ab" * 32))
        assert ran.status == "finished"
        assert ran.results.reference.done.all()

    def test_a_damaged_cache_fails_nothing(self, run_study: RunStudy) -> None:
        made = plan(3, model_hash="ab" * 32)
        run_study(made)
        (file,) = paths.cache_folder("truth").iterdir()
        file.write_bytes(b"not a database" * 100)
        ran = run_study(made)
        assert ran.status == "finished"
        assert len(ran.engines.reference_requests) == 1
