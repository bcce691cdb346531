"""Searches for neighbours in a thread of their own, so that neither screen nor run waits for them.

A list is found once, when all the vectors that it is made of are there. While a run goes on only
small sets are searched: ten thousand texts keep the cores that the engine is measured on.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal
from weakref import WeakKeyDictionary

from embedtui.assess import retrieval
from embedtui.assess.mixed_search import worst_mixed_batches
from embedtui.assess.retrieval import Retrieval
from embedtui.results.results import Identity, Results, SettingResults
from embedtui.tui.state.supervisor import SUPERVISOR, Worker

Against = int | Literal["reference", "mixed"]
"""A batch size against the unbatched, the unbatched against the reference, or queries alone against
the batches of documents that change most."""

_SMALL = 2_000
"""Texts that are searched also while a run goes on."""


@dataclass(frozen=True, eq=False)
class Job:
    """One comparison of lists; the same whichever snapshot of the run it is asked of."""

    run: Results
    setting: SettingResults
    against: Against

    def __eq__(self, other: object) -> bool:
        """Say whether the same is compared."""
        return isinstance(other, Job) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Identity, Against]:
        return self.setting.identity, self.against


class Searches:
    """Finds what is wanted, the most wanted first, and tells when something was found."""

    def __init__(self) -> None:
        self.told: Callable[[], None] = lambda: None
        """Called, in the thread of the searches, whenever something was found."""
        self._found: WeakKeyDictionary[Identity, dict[Against, Retrieval | None]] = (
            WeakKeyDictionary()
        )
        self._wanted: list[Job] = []
        self._condition = threading.Condition()
        self._ended = False
        self.share = 0.0
        """How much of the search that goes on is done, 0 to 1."""
        self._worker: Worker | None = None

    def lists_of(self, setting: SettingResults) -> dict[Against, Retrieval]:
        """Return what was found of a setting so far."""
        with self._condition:
            known = self._found.get(setting.identity, {})
            return {against: one for against, one in known.items() if one is not None}

    def want(self, jobs: Sequence[Job], *, busy: bool) -> None:
        """Say what is wanted now, in place of what was before."""
        wanted = [
            job
            for job in jobs
            if job.against not in self._found.get(job.setting.identity, {})
            and _settled(job)
            and (not busy or len(job.run.plan.pack) <= _SMALL)
        ]
        with self._condition:
            self._wanted = wanted
            if wanted and self._worker is None and not self._ended:
                self._worker = Worker("searches", "searching", self._work, restarts=True)
                self._worker.start()
            self._condition.notify()

    def pending(self, setting: SettingResults) -> bool:
        """Say whether something of a setting is still to be found."""
        with self._condition:
            return any(job.setting.identity is setting.identity for job in self._wanted)

    def stop(self) -> None:
        """End the thread, and with its next block a search that goes on; nothing is waited for."""
        with self._condition:
            self._ended = True
            self._condition.notify()
            if self._worker is not None:
                self._worker.stop()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._wanted and not self._ended:
                    self._condition.wait()
                if self._ended:
                    return
                job = self._wanted[0]
            found, self.share = None, 0.0
            try:
                # A search that failed is told, and not tried again with the same vectors.
                with SUPERVISOR.watch("searching for neighbours"):
                    found = self._search(job)
            except _NotWanted:
                continue
            with self._condition:
                self._found.setdefault(job.setting.identity, {})[job.against] = found
                self._wanted = [one for one in self._wanted if one != job]
            self.told()

    def _search(self, job: Job) -> Retrieval | None:
        # Vectors that cannot be searched, of a width that changed, have no lists.
        with (
            retrieval.reporting_progress(partial(self._heed, job)),
            contextlib.suppress(ValueError),
        ):
            found = _search(job)
            if found is not None:
                # What is derived once is derived here, and not while a screen is drawn.
                _ = found.expected_pairs, found.forecast, found.differences
            return found
        return None

    def _heed(self, job: Job, share: float) -> None:
        """Note how far a search is; end it where nobody waits for it any more."""
        with self._condition:
            if self._ended or job not in self._wanted:
                raise _NotWanted
        if round(100 * share) != round(100 * self.share):
            self.share = share
            self.told()


class _NotWanted(BaseException):
    """Ends a search."""


def jobs_of(run: Results, setting: SettingResults, *, mixed: bool) -> list[Job]:
    """Return all that can be found of a setting, the largest batches first.

    `mixed` where queries come alone and documents in batches.
    """
    against: list[Against] = [*reversed(setting.batched)]
    if run.reference.done.any():
        against.insert(1, "reference")
    if mixed and setting.batched:
        against.insert(0, "mixed")
    return [Job(run, setting, one) for one in against]


def _search(job: Job) -> Retrieval | None:
    if job.against == "reference":
        return retrieval.precision_retrieval(job.run, job.setting)
    if job.against == "mixed":
        mixed = worst_mixed_batches(job.run, job.setting)
        return None if mixed is None else mixed[1]
    found = retrieval.worst_of_orders(job.run, job.setting, job.against)
    return None if found is None else found[1]


def _settled(job: Job) -> bool:
    """Say whether the vectors that a comparison is made of will not change any more."""
    setting = job.setting
    if setting.status != "running" and (job.against != "reference" or job.run.status != "running"):
        return True
    refused = len(setting.prepared.refused) if setting.prepared else 0
    texts = len(job.run.plan.pack) - refused
    if job.against == "reference":
        return setting.unbatched.count == texts and int(job.run.reference.done.sum()) >= texts
    if job.against == "mixed":
        return False
    orders = [draw for size, draw in job.run.plan.passes if size == job.against and draw.is_order]
    return setting.unbatched.count == texts and all(
        setting.pass_of(job.against, draw).count == texts for draw in orders
    )
