"""The loop that runs a plan on real engines and tells what happens.

It knows neither screens nor files: whoever listens gets the events, in order, in the thread that
runs the study. `cancel` and `kill` may be called from any other thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.common import machine
from embedtui.common.address import Address
from embedtui.common.errors import Cancelled, EmbedtuiError, EngineError, InputError
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import Prepared
from embedtui.engine.port import EnginePool
from embedtui.engine.settings import Setting
from embedtui.plan.plan import Plan, PlannedBatch, batches_of
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    ReferenceFailed,
    RunEnded,
    RunStarted,
    SettingEnded,
    Status,
    TextsPrepared,
    Waiting,
)
from embedtui.results.results import Results, SettingResults, Steps
from embedtui.run.layer_analysis import inspect
from embedtui.run.loading import Loaded, Loader
from embedtui.run.reference_stage import ReferenceStage, own_pooling, reference_bytes
from embedtui.run.reuse import EarlierRuns, differing, same_engine, usable_rows
from embedtui.run.server_learning import ServerObserver
from embedtui.run.variant_stage import VariantStage

Listener = Callable[[Event], None]


class Study:
    """One run of one plan.

    A setting that fails does not end the others: its reason is an event, and the run goes on.
    Batches that `earlier` runs hold of the same model, texts, setting and machine are told again
    instead of computed, so that a what-if computes only what was changed.
    """

    def __init__(
        self,
        plan: Plan,
        engines: EnginePool,
        listeners: Sequence[Listener],
        *,
        weights_bytes: int | None = None,
        earlier: Sequence[Results] = (),
        together: int | None = None,
    ) -> None:
        self.plan = plan
        self._engines = engines
        self._listeners = list(listeners)
        self._environment = _environment(plan)
        self._earlier = EarlierRuns(plan, self._environment, earlier)
        self._stop = threading.Event()
        self._loader = Loader(
            plan, engines, self._stop.is_set, weights_bytes=weights_bytes, together=together
        )
        self._variants: VariantStage | None = None
        if plan.reference:
            self._variants = VariantStage(
                plan, engines, self._tell, self._stop.is_set, self._loader.weights_bytes
            )
        self._prepared: Prepared | None = None
        self._limit = 0
        self._pooling = ""
        self.failures: list[EmbedtuiError] = []
        """Why settings failed, in their order."""
        self._refusals: list[EmbedtuiError] = []
        self._told_rows: set[int] = set()
        """Rows whose float64 vector was told, or cannot be had."""
        self._measured: list[int] = []
        """Numbers of the settings that came to their end."""
        self._begun: dict[int, _PendingSetting | EmbedtuiError] = {}
        """Settings that have their first figures beside an earlier one, or why they have none."""

    def cancel(self) -> None:
        """Stop after the batch in hand."""
        self._stop.set()

    def kill(self) -> None:
        """Stop now: the engine process that works is killed, what it had not sent is lost."""
        self._stop.set()
        self._engines.kill_current()

    def run(self) -> Status:
        """Run the plan to its end; return how it ended.

        Raises:
            EngineError: if no setting gave anything; with the first reason.
            InputError: likewise, where the reason is what was given.
        """
        status: Status = "failed"
        reason = ""
        self._tell(
            RunStarted(
                self.plan,
                self._environment,
                datetime.now().astimezone().isoformat(timespec="seconds"),
            )
        )
        try:
            self._settings()
            self._reference()
            self._compare_variants()
            self._layers()
        except Cancelled as error:
            status, reason = "cancelled", str(error)
        except Exception as error:
            reason = str(error) if isinstance(error, EmbedtuiError) else repr(error)
            raise
        else:
            ended = [*self.failures, *self._refusals]
            if self.failures or len(ended) == len(self.plan.settings):
                reason = str(ended[0])
            else:
                status = "finished"
            if len(ended) == len(self.plan.settings):
                raise ended[0]
        finally:
            self._loader.close()
            self._end(RunEnded(status, reason))
        return status

    def _tell(self, event: Event) -> None:
        if self._variants is not None:
            self._variants(event)
        for listener in self._listeners:
            listener(event)

    def _end(self, event: RunEnded) -> None:
        """Tell every listener that the run is over, also where one of them fails."""
        with ExitStack() as stack:
            for listener in reversed(self._listeners):
                stack.callback(listener, event)

    def _settings(self) -> None:
        here = [setting for setting in self.plan.settings if not setting.is_server]
        if not all(self._earlier.is_whole(setting) for setting in here):
            self._tell(Waiting("importing vLLM"))
            self._engines.wait_ready(self._stop.is_set)
        for number, setting in enumerate(self.plan.settings):
            if self._stop.is_set():
                raise Cancelled("cancelled before the next setting")
            try:
                self._setting(number, setting)
            except Cancelled as error:
                self._tell(SettingEnded(number, "cancelled", str(error), self._log(setting)))
                raise
            except EmbedtuiError as error:
                refused = isinstance(error, InputError) and bool(self.plan.sweep)
                (self._refusals if refused else self.failures).append(error)
                status: Status = "refused" if refused else "failed"
                self._tell(SettingEnded(number, status, str(error), self._log(setting)))
            else:
                self._measured.append(number)
                self._tell(SettingEnded(number, "finished", log=self._log(setting)))
                self._early_reference()

    def _setting(self, number: int, setting: Setting) -> None:
        earlier = self._earlier.find(setting)
        if earlier is not None and earlier.prepared is not None and self._earlier.is_whole(setting):
            self._loader.logs[setting] = earlier.log
            batches = self._begin(number, earlier.effective, earlier.prepared, True, earlier.log)
            self._tell_again(number, batches, earlier)
            return
        try:
            begun = self._begun.pop(number, None)
            if begun is None:
                begun = self._start(number, setting)
                self._first_figures(number, begun)
            if isinstance(begun, EmbedtuiError):
                raise begun
            loaded, missing = begun.loaded, begun.missing
            self._embed(number, loaded, [b for b in missing if b.pass_key.kind != "restart"])
            for pass_key in sorted({b.pass_key for b in missing if b.pass_key.kind == "restart"}):
                loaded = self._restarted(number, loaded)
                self._embed(number, loaded, [b for b in missing if b.pass_key == pass_key])
        finally:
            self._loader.release(setting)

    def _start(self, number: int, setting: Setting) -> _PendingSetting:
        """Load the engine of a setting, tell what earlier runs hold of it; the rest is missing."""
        following = (s for s in self.plan.settings[number + 1 :] if not self._earlier.is_whole(s))
        loaded = self._loader.next(
            setting, following, lambda what: self._tell(Waiting(what, number))
        )
        log = self._loader.logs[setting] = str(loaded.engine.log)
        effective, prepared = loaded.engine.effective, loaded.prepared
        batches = self._begin(number, effective, prepared, loaded.warm, log)
        earlier = self._earlier.find(setting)
        if earlier is None or not same_engine(earlier, effective, prepared):
            return _PendingSetting(loaded, batches)
        return _PendingSetting(loaded, self._tell_again(number, batches, earlier))

    def _first_figures(self, number: int, begun: _PendingSetting) -> None:
        """Give every setting whose engine was loaded beside this one its first drift figure.

        So that settings that load together are seen together, before any is measured whole.
        """
        beside = [
            (at, setting)
            for at, setting in enumerate(self.plan.settings)
            if at > number and self._loader.stands(setting) and not self._earlier.is_whole(setting)
        ]
        if not beside:
            return
        self._embed(number, begun.loaded, begun.take_first_figure())
        for at, setting in beside:
            try:
                one = self._begun[at] = self._start(at, setting)
                self._embed(at, one.loaded, one.take_first_figure())
            except Cancelled:
                raise
            except EmbedtuiError as error:  # told when its turn comes
                self._begun[at] = error

    def _log(self, setting: Setting) -> str:
        return self._loader.logs.get(setting, "")

    def _restarted(self, number: int, loaded: Loaded) -> Loaded:
        """Return a new engine of the same setting in place of this one.

        Raises:
            EngineError: if it chose other kernels, or reads the texts in another way.
        """
        before = loaded.engine.effective
        loaded.lease.discard()
        again = self._loader.load(
            loaded.engine.setting, lambda what: self._tell(Waiting(what, number))
        )
        other = differing(before, again.engine.effective)
        if other or again.prepared != loaded.prepared:
            raise EngineError(
                f"after a restart {', '.join(other) or 'the reading of the texts'} differs: "
                "figures of one engine do not hold for the next"
            )
        return again

    def _begin(
        self, number: int, effective: EffectiveConfig, prepared: Prepared, warm: bool, log: str
    ) -> list[PlannedBatch]:
        """Tell what the setting is and how it reads the texts; return its batches."""
        self._tell(EngineReady(number, effective, warm, log))
        self._tell(TextsPrepared(number, prepared))
        if self._prepared is None or effective.device != "server":
            here = effective.device != "server"  # what a server says of itself is no standard
            self._prepared = prepared
            self._limit = (effective.max_length if here else 0) or self.plan.max_length or 0
            self._pooling = effective.pooling if here else ""
        if effective.device != "server":
            self._reference(compute=False)
        rows = usable_rows(self.plan, prepared)
        if not rows:
            first = next(iter(prepared.refused.values()))
            raise InputError(f"none of the texts can be embedded, the first because {first}")
        return batches_of(self.plan, rows)

    def _tell_again(
        self, number: int, batches: Sequence[PlannedBatch], earlier: SettingResults
    ) -> list[PlannedBatch]:
        """Tell the batches that an earlier run holds; return those that it does not."""
        missing = []
        for batch in batches:
            found = earlier.pass_of(batch.batch_size, batch.pass_key).batch(batch.rows)
            if found is None:
                missing.append(batch)
            else:
                self._tell(_event(number, batch, *found, reused=True))
        return missing

    def _embed(self, number: int, loaded: Loaded, batches: Sequence[PlannedBatch]) -> None:
        jobs = [batch.job(index) for index, batch in enumerate(batches)]
        engine = loaded.engine
        server_observer = ServerObserver(number, engine, loaded.prepared, self._tell)
        try:
            for done in engine.embed(jobs, self._stop.is_set) if jobs else ():
                batch = batches[done.job]
                server_observer(done)
                if done.rows is not None:
                    batch = replace(batch, rows=done.rows)
                if batch.rows and not server_observer.is_too_large(batch.batch_size):
                    told = done.told_steps
                    self._tell(
                        _event(number, batch, done.vectors, done.steps, done.seconds, told=told)
                    )
        except Cancelled:
            raise
        except BaseException:
            # What it was working on could join the next run's steps.
            loaded.lease.discard()
            raise
        finally:
            server_observer.close()
        if batches and server_observer.refused_all:
            raise InputError(
                f"none of the texts can be embedded, the first because {server_observer.why}"
            )

    def _early_reference(self) -> None:
        """Compute float64 after the first setting, where there is room beside the engines.

        So that every setting has its error as soon as it was measured, and keeps it where the run
        is stopped.
        """
        needed = reference_bytes(self._loader.weights_bytes)
        if len(self._measured) == 1 and machine.free_memory() > needed:
            self._reference()

    def _reference(self, *, compute: bool = True) -> None:
        """Tell the float64 vectors that were not told; without `compute` those of earlier runs."""
        if not self.plan.reference or self._prepared is None:
            return
        rows = [row for row in usable_rows(self.plan, self._prepared) if row not in self._told_rows]
        if not rows:
            return
        stage = ReferenceStage(
            self.plan, self._engines, self._tell, self._stop.is_set, self._loader.weights_bytes
        )
        try:
            pooling = self._pooling or own_pooling(self.plan)
        except InputError as error:
            self._told_rows.update(rows)
            self._tell(ReferenceFailed(str(error)))
            return
        missing = stage.run(rows, max_length=self._limit, pooling=pooling, compute=compute)
        self._told_rows.update(rows if compute else set(rows) - set(missing))

    def _compare_variants(self) -> None:
        if self._variants is None or self._prepared is None:
            return
        with suppress(InputError):  # told as the reference's failure
            pooling = self._pooling or own_pooling(self.plan)
            self._variants.run(max_length=self._limit, pooling=pooling)

    def _layers(self) -> None:
        for number in self._measured if self.plan.layers else ():
            inspect(self.plan, number, self._engines, self._loader, self._tell, self._stop.is_set)


def _event(
    number: int,
    batch: PlannedBatch,
    vectors: npt.NDArray[np.float32],
    steps: Steps,
    seconds: float,
    reused: bool = False,
    told: int | None = None,
) -> BatchEmbedded:
    return BatchEmbedded(
        setting=number,
        batch_size=batch.batch_size,
        pass_key=batch.pass_key,
        start=batch.start,
        rows=batch.rows,
        vectors=vectors,
        steps=steps,
        seconds=seconds,
        reused=reused,
        told_steps=told,
    )


@dataclass
class _PendingSetting:
    """A setting whose engine stands, and the batches that are still to come."""

    loaded: Loaded
    missing: list[PlannedBatch]

    def take_first_figure(self) -> list[PlannedBatch]:
        """Take out the batches up to the first that a drift can be seen in, and return them."""
        sizes = [batch.batch_size for batch in self.missing]
        count = next((at + 1 for at, size in enumerate(sizes) if size > 1), 0)
        first, self.missing = self.missing[:count], self.missing[count:]
        return first


def _environment(plan: Plan) -> dict[str, Any]:
    """Return what computes the plan's figures: this machine, or servers alone."""
    if all(setting.is_server for setting in plan.settings) and not plan.reference:
        return machine.environment_of_server(Address.parse(plan.settings[0].model).host)
    return machine.environment()
