"""The float64 vectors of a run's texts: out of the cache where they are known, else computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedtui.common import machine, paths
from embedtui.common.errors import Cancelled, EngineError, InputError
from embedtui.engine.messages import Reference, ReferenceDone
from embedtui.engine.port import EnginePool, Stop
from embedtui.engine.reference_cache import ReferenceCache
from embedtui.models import describe
from embedtui.plan.plan import Plan
from embedtui.results.events import Event, ReferenceComputed, ReferenceFailed, Waiting

_CHUNK = 8
_GIB = 2**30


def reference_request(
    plan: Plan, rows: Sequence[int], *, max_length: int, pooling: str
) -> Reference:
    """Return what the float64 model is asked for: rows of a plan, as its engines read them."""
    inputs = plan.inputs
    return Reference(
        model=plan.against or plan.settings[0].model,
        device=machine.engine_device(),
        max_length=max_length,
        pooling=pooling,
        rows=tuple(rows),
        texts=tuple(inputs[row] for row in rows),
        prompted=bool(plan.prompt or plan.query_prompt),
    )


def reference_of(plan: Plan, rows: Sequence[int], *, max_length: int, pooling: str) -> Reference:
    """Return what the float64 model is asked for: rows of a plan as the model's own files have it.

    A prompt that they put before every text is put there, whether the engines were given it or
    not.
    """
    asked = reference_request(plan, rows, max_length=max_length, pooling=pooling)
    if not plan.default_prompt:
        return asked
    texts = tuple(plan.default_prompt + text for text in asked.texts)
    return replace(asked, texts=texts, prompted=True)


def own_pooling(plan: Plan) -> str:
    """Return how the model that a server is held against pools, by its own files.

    Where they do not say it, vLLM's default for the architecture. What the server says of itself
    is what is to be judged, and no standard.

    Raises:
        InputError: if the files cannot be read, or leave it open.
    """
    pooling = describe(Path(plan.against)).pooling
    if pooling is None:
        raise InputError("no float64 reference: the model's files do not say how it pools")
    return pooling


def reference_bytes(weights_bytes: int) -> int:
    """Return the bytes of memory that the float64 model of such weights takes, generously."""
    return 4 * weights_bytes + _GIB


class ReferenceStage:
    """Tells the float64 vectors of a plan's texts; that they cannot be had is an event."""

    def __init__(
        self,
        plan: Plan,
        engines: EnginePool,
        tell: Callable[[Event], None],
        stop: Stop,
        weights_bytes: int,
    ) -> None:
        self._plan, self._engines = plan, engines
        self._tell, self._stop = tell, stop
        self._weights_bytes = weights_bytes

    def run(
        self, rows: Sequence[int], *, max_length: int, pooling: str, compute: bool = True
    ) -> list[int]:
        """Tell what the cache holds of these rows, and compute the others; return what is missing.

        Without `compute`, only the cache is asked.

        Raises:
            Cancelled: if it was stopped; what was computed until then is told and kept.
        """
        missing = list(rows)
        cache = None
        if self._plan.model_hash:
            with suppress(OSError):  # a cache that cannot be had is no reason to fail
                folder = paths.cache_folder("truth")  # where earlier runs kept it
                cache = ReferenceCache(folder, self._plan.model_hash, pooling, max_length)
        try:
            if cache:
                missing = self._tell_known(cache, rows)
            if missing and compute:
                self._compute(
                    reference_of(self._plan, missing, max_length=max_length, pooling=pooling), cache
                )
                missing = []
        except (EngineError, InputError) as error:
            self._tell(ReferenceFailed(str(error)))
        finally:
            if cache:
                cache.close()
        return missing

    def _tell_known(self, cache: ReferenceCache, rows: Sequence[int]) -> list[int]:
        """Tell what the cache holds; return the rows that it does not."""
        inputs = self._plan.inputs
        before = self._plan.default_prompt
        known = cache.get([before + inputs[row] for row in rows])
        if known:
            self._tell(
                ReferenceComputed(
                    tuple(rows[index] for index in known),
                    tuple(tokens for tokens, _ in known.values()),
                    np.stack([vector for _, vector in known.values()]),
                    cached=True,
                )
            )
        return [row for index, row in enumerate(rows) if index not in known]

    def _compute(self, request: Reference, cache: ReferenceCache | None) -> None:
        texts = dict(zip(request.rows, request.texts, strict=True))
        self._tell(Waiting("float64 reference"))
        self._engines.evict(reference_bytes(self._weights_bytes))
        with self._engines.reference(self._stop) as model:
            stream = model.embed(request, lambda what: self._tell(Waiting(what)), self._stop)
            for chunk in _chunks(stream):
                if cache:
                    cache.put((texts[done.row], done.tokens, done.vector) for done in chunk)
                self._tell(
                    ReferenceComputed(
                        tuple(done.row for done in chunk),
                        tuple(done.tokens for done in chunk),
                        np.stack([done.vector for done in chunk]),
                        cached=False,
                    )
                )


def _chunks(stream: Iterator[ReferenceDone]) -> Iterator[list[ReferenceDone]]:
    chunk: list[ReferenceDone] = []
    try:
        for done in stream:
            chunk.append(done)
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    except Cancelled:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk
