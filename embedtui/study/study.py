"""The loop that runs a plan on real engines and tells what happens.

It knows neither screens nor files: whoever listens gets the events, in order, in the thread that
runs the study. `cancel` and `kill` may be called from any other thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from embedtui import machine, paths
from embedtui.address import Address
from embedtui.engine.client import Engine, Engines
from embedtui.engine.messages import Prepared, Reference, TruthDone
from embedtui.engine.settings import Setting
from embedtui.engine.truth_cache import TruthCache
from embedtui.errors import Cancelled, EmbedtuiError, EngineError, InputError
from embedtui.study.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    RunEnded,
    RunStarted,
    SettingEnded,
    Status,
    TextsPrepared,
    TruthComputed,
    TruthFailed,
    Waiting,
)
from embedtui.study.layers import look
from embedtui.study.learning import Learning
from embedtui.study.loading import Loader
from embedtui.study.plan import Plan, PlannedBatch, batches_of
from embedtui.study.results import MEASURED_AT_LOADING, Results, SettingResults, Steps

if TYPE_CHECKING:
    from embedtui.engine.endpoint.client import Endpoint

Listener = Callable[[Event], None]

_TRUTH_CHUNK = 8
_GIB = 2**30


class Study:
    """One run of one plan.

    A setting that fails does not end the others: its reason is an event, and the run goes on.
    Batches that `earlier` runs hold of the same model, texts, setting and machine are told again
    instead of computed, so that a what-if computes only what was changed.
    """

    def __init__(
        self,
        plan: Plan,
        engines: Engines,
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
        self._earlier = [run for run in earlier if self._comparable(run)]
        self._stop = threading.Event()
        self._loader = Loader(
            plan, engines, self._stop.is_set, weights_bytes=weights_bytes, together=together
        )
        self._prepared: Prepared | None = None
        self._limit = 0
        self._pooling = ""
        self.failures: list[EmbedtuiError] = []
        """Why settings failed, in their order."""
        self._refusals: list[EmbedtuiError] = []
        self._measured: list[int] = []
        """Numbers of the settings that came to their end."""
        self._begun: dict[int, _Begun | EmbedtuiError] = {}
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
            self._truth()
            self._layers()
        except Cancelled as error:
            status, reason = "cancelled", str(error)
        except Exception as error:
            reason = str(error) if isinstance(error, EmbedtuiError) else repr(error)
            raise
        else:
            if self.failures:
                reason = str(self.failures[0])
            else:
                status = "finished"
            ended = [*self.failures, *self._refusals]
            if len(ended) == len(self.plan.settings):
                raise ended[0]
        finally:
            self._engines.release()
            self._end(RunEnded(status, reason))
        return status

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def _end(self, event: RunEnded) -> None:
        """Tell every listener that the run is over, also where one of them fails."""
        with ExitStack() as stack:
            for listener in reversed(self._listeners):
                stack.callback(listener, event)

    def _settings(self) -> None:
        here = [setting for setting in self.plan.settings if not setting.is_server]
        if not all(self._is_whole(setting) for setting in here):
            self._tell(Waiting("importing vLLM"))
            self._engines.host.wait_ready(self._stop.is_set)
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

    def _setting(self, number: int, setting: Setting) -> None:
        earlier = self._found_before(setting)
        if earlier is not None and earlier.prepared is not None and self._is_whole(setting):
            self._loader.logs[setting] = earlier.log
            batches = self._begin(number, earlier.in_force, earlier.prepared, True, earlier.log)
            self._tell_again(number, batches, earlier)
            return
        begun = self._begun.pop(number, None)
        if begun is None:
            begun = self._start(number, setting)
            self._first_figures(number, begun)
        if isinstance(begun, EmbedtuiError):
            raise begun
        engine, missing = begun.engine, begun.missing
        self._engines.warm(setting)  # this is the one which a kill strikes
        self._embed(number, engine, begun.prepared, [b for b in missing if b.draw.why != "restart"])
        for draw in sorted({b.draw for b in missing if b.draw.why == "restart"}):
            engine = self._restarted(number, engine, begun.prepared)
            self._embed(number, engine, begun.prepared, [b for b in missing if b.draw == draw])
        engine.held = False

    def _start(self, number: int, setting: Setting) -> _Begun:
        """Load the engine of a setting, tell what earlier runs hold of it; the rest is missing."""
        following = (s for s in self.plan.settings[number + 1 :] if not self._is_whole(s))
        engine, prepared, warm = self._loader.next(
            setting, following, lambda what: self._tell(Waiting(what, number))
        )
        self._loader.logs[setting] = str(engine.process.log)
        batches = self._begin(number, engine.in_force, prepared, warm, str(engine.process.log))
        earlier = self._found_before(setting)
        if earlier is None or not _same_engine(earlier, engine.in_force, prepared):
            return _Begun(engine, prepared, batches)
        return _Begun(engine, prepared, self._tell_again(number, batches, earlier))

    def _first_figures(self, number: int, begun: _Begun) -> None:
        """Give every setting whose engine was loaded beside this one its first drift figure.

        So that settings that load together are seen together, before any is measured whole.
        """
        beside = [
            (at, setting)
            for at, setting in enumerate(self.plan.settings)
            if at > number and self._loader.stands(setting) and not self._is_whole(setting)
        ]
        if not beside:
            return
        self._embed(number, begun.engine, begun.prepared, begun.take_first_figure())
        for at, setting in beside:
            try:
                one = self._begun[at] = self._start(at, setting)
                self._embed(at, one.engine, one.prepared, one.take_first_figure())
            except Cancelled:
                raise
            except EmbedtuiError as error:  # told when its turn comes
                self._begun[at] = error

    def _log(self, setting: Setting) -> str:
        return self._loader.logs.get(setting, "")

    def _restarted(
        self, number: int, engine: Engine | Endpoint, prepared: Prepared
    ) -> Engine | Endpoint:
        """Return a new engine of the same setting in place of this one.

        Raises:
            EngineError: if it chose other kernels, or reads the texts in another way.
        """
        before = engine.in_force
        self._engines.drop(engine)
        engine, again, _ = self._loader.load(
            engine.setting, lambda what: self._tell(Waiting(what, number))
        )
        other = _differing(before, engine.in_force)
        if other or again != prepared:
            raise EngineError(
                f"after a restart {', '.join(other) or 'the reading of the texts'} differs: "
                "figures of one engine do not hold for the next"
            )
        return engine

    def _begin(
        self, number: int, in_force: dict[str, Any], prepared: Prepared, warm: bool, log: str
    ) -> list[PlannedBatch]:
        """Tell what the setting is and how it reads the texts; return its batches."""
        self._tell(EngineReady(number, in_force, warm, log))
        self._tell(TextsPrepared(number, prepared))
        if self._prepared is None or in_force["device"] != "server":
            self._prepared = prepared
            self._limit = int(in_force["max_length"]) or self.plan.max_length or 0
            self._pooling = str(in_force["pooling"])
        rows = self._usable(prepared)
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
            found = earlier.of(batch.batch_size, batch.draw).batch(batch.rows)
            if found is None:
                missing.append(batch)
            else:
                self._tell(_event(number, batch, *found, reused=True))
        return missing

    def _is_whole(self, setting: Setting) -> bool:
        """Say whether an earlier run holds all that is planned of a setting."""
        earlier = self._found_before(setting)
        if earlier is None or earlier.prepared is None:
            return False
        batches = batches_of(self.plan, self._usable(earlier.prepared))
        return all(earlier.of(b.batch_size, b.draw).holds(b.rows) for b in batches)

    def _usable(self, prepared: Prepared) -> list[int]:
        return [row for row in range(len(self.plan.pack)) if row not in prepared.refused]

    def _comparable(self, run: Results) -> bool:
        """Say whether the run's vectors are what this one would compute."""
        plan = run.plan
        return (
            self.plan.model_hash is not None
            and plan.model_hash == self.plan.model_hash
            and plan.max_length == self.plan.max_length
            and plan.too_long == self.plan.too_long
            and plan.pack.sha256 == self.plan.pack.sha256
            and plan.inputs == self.plan.inputs
            and run.environment == self._environment
        )

    def _found_before(self, setting: Setting) -> SettingResults | None:
        """Return what the latest of the earlier runs found of a setting.

        Of a server nothing: it may have been another one then.
        """
        if setting.is_server:
            return None
        for run in reversed(self._earlier):
            for results in run.settings:
                if results.setting == setting and results.unbatched.count:
                    return results
        return None

    def _embed(
        self,
        number: int,
        engine: Engine | Endpoint,
        prepared: Prepared,
        batches: Sequence[PlannedBatch],
    ) -> None:
        jobs = [batch.job(index) for index, batch in enumerate(batches)]
        learning = Learning(number, engine, prepared, self._tell)
        try:
            for done in engine.embed(jobs, self._stop.is_set) if jobs else ():
                batch = batches[done.job]
                learning(done)
                if done.rows is not None:
                    batch = replace(batch, rows=done.rows)
                if batch.rows and not learning.is_too_large(batch.batch_size):
                    told = done.told_steps
                    self._tell(
                        _event(number, batch, done.vectors, done.steps, done.seconds, told=told)
                    )
        except Cancelled:
            raise
        except BaseException:
            # What it was working on could join the next run's steps.
            self._engines.drop(engine)
            raise
        finally:
            learning.close()
        if batches and learning.refused_all:
            raise InputError(f"none of the texts can be embedded, the first because {learning.why}")

    def _truth(self) -> None:
        if not self.plan.truth or self._prepared is None:
            return
        rows = self._usable(self._prepared)
        try:
            self._known_and_new_truth(rows)
        except (EngineError, InputError) as error:
            self._tell(TruthFailed(str(error)))

    def _layers(self) -> None:
        for number in self._measured if self.plan.layers else ():
            look(self.plan, number, self._engines, self._loader, self._tell, self._stop.is_set)

    @property
    def _model_of_truth(self) -> str:
        return self.plan.against or self.plan.settings[0].model

    def _known_and_new_truth(self, rows: list[int]) -> None:
        inputs = self.plan.inputs
        texts = [inputs[row] for row in rows]
        cache = None
        if self.plan.model_hash:
            with suppress(OSError):  # a cache that cannot be had is no reason to fail
                folder = paths.cache_folder("truth")
                cache = TruthCache(folder, self.plan.model_hash, self._pooling, self._limit)
        try:
            known = cache.get(texts) if cache else {}
            if known:
                self._tell(
                    TruthComputed(
                        tuple(rows[index] for index in known),
                        tuple(tokens for tokens, _ in known.values()),
                        np.stack([vector for _, vector in known.values()]),
                        cached=True,
                    )
                )
            missing = [index for index in range(len(rows)) if index not in known]
            if not missing:
                return
            self._tell(Waiting("float64 truth"))
            self._engines.make_room(4 * self._loader.weights_bytes + _GIB)
            request = Reference(
                model=self._model_of_truth,
                device=machine.engine_device(),
                max_length=self._limit,
                pooling=self._pooling,
                rows=tuple(rows[index] for index in missing),
                texts=tuple(texts[index] for index in missing),
                prompted=bool(self.plan.prompt or self.plan.query_prompt),
            )
            stream = self._engines.truth(
                request, lambda what: self._tell(Waiting(what)), self._stop.is_set
            )
            for chunk in _chunks(stream):
                if cache:
                    cache.put((inputs[done.row], done.tokens, done.vector) for done in chunk)
                self._tell(
                    TruthComputed(
                        tuple(done.row for done in chunk),
                        tuple(done.tokens for done in chunk),
                        np.stack([done.vector for done in chunk]),
                        cached=False,
                    )
                )
        finally:
            if cache:
                cache.close()


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
        draw=batch.draw,
        start=batch.start,
        rows=batch.rows,
        vectors=vectors,
        steps=steps,
        seconds=seconds,
        reused=reused,
        told_steps=told,
    )


@dataclass
class _Begun:
    """A setting whose engine stands, and the batches that are still to come."""

    engine: Engine | Endpoint
    prepared: Prepared
    missing: list[PlannedBatch]

    def take_first_figure(self) -> list[PlannedBatch]:
        """Take out the batches up to the first that a drift can be seen in, and return them."""
        sizes = [batch.batch_size for batch in self.missing]
        count = next((at + 1 for at, size in enumerate(sizes) if size > 1), 0)
        first, self.missing = self.missing[:count], self.missing[count:]
        return first


def _environment(plan: Plan) -> dict[str, Any]:
    """Return what computes the plan's figures: this machine, or servers alone."""
    if all(setting.is_server for setting in plan.settings) and not plan.truth:
        return machine.environment_of_server(Address.parse(plan.settings[0].model).host)
    return machine.environment()


_ROOM = {"max_num_batched_tokens", "max_num_seqs"}
"""What two loadings of one setting differ in; a compiled graph may depend on it."""


def _same_engine(earlier: SettingResults, in_force: dict[str, Any], prepared: Prepared) -> bool:
    """Say whether an engine computes what the earlier one did."""
    return not _differing(earlier.in_force, in_force) and earlier.prepared == prepared


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the keys of what is in force that decide about vectors and differ.

    What only one of them tells is no difference: a run of an earlier embedtui tells less.
    """
    keys = (set(one) & set(other)) - MEASURED_AT_LOADING
    keys -= _ROOM if one.get("execution") == "eager" else set()
    return sorted(key for key in keys if one.get(key) != other.get(key))


def _chunks(stream: Iterator[TruthDone]) -> Iterator[list[TruthDone]]:
    chunk: list[TruthDone] = []
    try:
        for done in stream:
            chunk.append(done)
            if len(chunk) == _TRUTH_CHUNK:
                yield chunk
                chunk = []
    except Cancelled:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk
