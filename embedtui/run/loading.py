"""Loads the engines of a plan: with room for its largest batch, and several at once on a GPU.

Most of loading is waiting, for the disk and for single threads, so that three engines load in
little more than the time of one. Nothing is measured meanwhile: no figure suffers.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import NamedTuple

from embedtui.common import machine
from embedtui.common.errors import EmbedtuiError
from embedtui.engine.messages import Load, Opened, Prepared
from embedtui.engine.port import Engine, EnginePool, Lease
from embedtui.engine.settings import Setting
from embedtui.plan.plan import Plan

_GIB = 2**30
_LEAST_BUDGET = 4096
_USUAL_BUDGET = 32_768
"""Tokens of a step, before the texts are tokenized."""
_MOST_TOGETHER = 4
_CORES_EACH = 3
_WARMED_UP = 2
"""Batch sizes that a first drift figure needs: unbatched, and the smallest batch."""


class Loaded(NamedTuple):
    """An engine that is ready for a plan's batches."""

    lease: Lease
    prepared: Prepared
    """The texts as it reads them."""
    warm: bool
    """Whether it stood already."""

    @property
    def engine(self) -> Engine:
        """The engine itself."""
        return self.lease.engine


class Loader:
    """Gives a plan's engines one after the other; `together` is how many are loaded at once.

    Every engine is leased, from before it is opened until it was measured: loading one never takes
    another's place.
    """

    def __init__(
        self,
        plan: Plan,
        engines: EnginePool,
        stop: Callable[[], bool],
        *,
        weights_bytes: int | None,
        together: int | None = None,
    ) -> None:
        self._plan = plan
        self._engines = engines
        self._stop = stop
        self._weights_bytes = weights_bytes or 2 * _GIB
        here = any(not setting.is_server for setting in plan.settings)
        usual = _usual_together() if here else 1
        self._together = usual if together is None else together
        self._ahead: dict[Setting, Loaded | EmbedtuiError] = {}
        """Engines that were loaded beside another, and why some could not be."""
        self.logs: dict[Setting, str] = {}
        """The log file of each engine that was begun."""
        self._leases: list[Lease] = []

    def release(self, setting: Setting) -> None:
        """Give back the engine of a setting that has come to its end, however it did."""
        for lease in self._leases:
            if lease.engine.setting == setting:
                lease.release()

    def close(self) -> None:
        """Give back every engine that is still held."""
        for lease in self._leases:
            lease.release()

    @property
    def weights_bytes(self) -> int:
        """Bytes of the loaded weights, as far as they are known."""
        return self._weights_bytes

    def stands(self, setting: Setting) -> bool:
        """Say whether the engine of a setting was loaded beside another and waits to be asked."""
        return setting in self._ahead

    def next(
        self, setting: Setting, following: Iterable[Setting], tell: Callable[[str], None]
    ) -> Loaded:
        """Return the engine of a setting; those of the `following` ones may be loaded beside it.

        Raises:
            EmbedtuiError: if it cannot be loaded.
        """
        if setting not in self._ahead and self._together > 1:
            self._load_together(setting, following, tell)
        found = self._ahead.pop(setting, None)
        if isinstance(found, EmbedtuiError):
            raise found
        if found is not None:
            if found.engine.alive:
                return found
            found.lease.release()
        return self.load(setting, tell)

    def load(self, setting: Setting, tell: Callable[[str], None]) -> Loaded:
        """Return an engine with room for the largest batch, warm if there is one.

        Raises:
            EmbedtuiError: if it cannot be loaded.
        """
        if setting.is_server:
            return self._connect(setting, tell)
        lease = self._engines.get(setting)
        if lease is not None:
            with _discarding(lease):
                prepared = self._prepare(lease.engine, tell)
            if self._has_room(lease.engine, prepared):
                return self._keep(lease, prepared, warm=True)
            lease.discard()
        lease = self._engines.spawn(setting, _GIB, self._stop)
        self.logs[setting] = str(lease.engine.log)
        with _discarding(lease):
            opened = lease.engine.open(tell, self._stop, self._plan.max_length)
            prepared = self._prepare(lease.engine, tell)
            request, wanted = self._request(setting, opened, prepared)
            self._engines.evict(wanted)
            lease.engine.load(request, tell, self._stop)
        return self._keep(lease, prepared, warm=False)

    def _connect(self, setting: Setting, tell: Callable[[str], None]) -> Loaded:
        """Return a server as an engine; asked what it is every time, for it may be another one."""
        plan, stop = self._plan, self._stop
        lease = self._engines.get(setting)
        warm = lease is not None
        lease = lease or self._engines.spawn(setting, 0, stop)
        self.logs[setting] = str(lease.engine.log)
        with _discarding(lease):
            lease.engine.open(tell, stop, plan.max_length)
            prepared = self._prepare(lease.engine, tell)
            request = Load(min(plan.batch_sizes[-1], len(plan.pack)), 0, 0)
            lease.engine.load(request, tell, stop)
        return self._keep(lease, prepared, warm=warm)

    def _keep(self, lease: Lease, prepared: Prepared, *, warm: bool) -> Loaded:
        self._leases.append(lease)
        return Loaded(lease, prepared, warm)

    def _prepare(self, engine: Engine, tell: Callable[[str], None]) -> Prepared:
        return engine.prepare(self._plan.inputs, self._plan.too_long, tell, self._stop)

    @property
    def _largest(self) -> int:
        """Texts of the largest batch."""
        return min(self._plan.batch_sizes[-1], len(self._plan.pack))

    def _has_room(self, engine: Engine, prepared: Prepared) -> bool:
        """Say whether an engine that was loaded for other texts takes the plan's batches."""
        needed = largest_step(prepared, self._plan.batch_sizes)
        given = engine.setting.max_num_batched_tokens is not None
        bounded = engine.opened is not None and engine.opened.kv_bytes_per_token > 0
        too_long = bounded and max(prepared.tokens, default=0) > engine.longest
        fits = needed <= engine.token_budget or given
        return self._largest <= engine.largest_batch and fits and not too_long

    def _request(self, setting: Setting, opened: Opened, prepared: Prepared) -> tuple[Load, int]:
        """Return what an engine is loaded with, and the bytes of memory that it wants."""
        needed = largest_step(prepared, self._plan.batch_sizes)
        longest = max(512, _next_power(max(prepared.tokens, default=1)))
        least = longest if opened.kv_bytes_per_token else opened.vllm_max_length
        room = max(_LEAST_BUDGET, _next_power(max(needed, least)))
        budget = setting.max_num_batched_tokens or room
        # A block holds up to 128 tokens, and each text's last block is partly empty.
        kv_bytes = opened.kv_bytes_per_token * (budget + 128 * (self._largest + 2))
        wanted = self._wanted(kv_bytes, budget)
        share = _share_of_gpu(wanted)
        sizes = self._plan.batch_sizes[:_WARMED_UP]
        return Load(self._largest, budget, longest, kv_bytes, share, warm_up=sizes), wanted

    def _load_together(
        self, setting: Setting, following: Iterable[Setting], tell: Callable[[str], None]
    ) -> None:
        """Load the engines of as many settings as there is room for, and wait for all."""
        if setting.is_server:
            return
        following = (one for one in following if not one.is_server)
        room = machine.free_memory() // self._wanted(0, _USUAL_BUDGET)
        beside = max(min(self._together, room) - 1, 0)
        settings = [setting, *islice(following, beside)]
        if len(settings) < 2:
            return
        said: queue.SimpleQueue[str] = queue.SimpleQueue()

        def load(one: Setting) -> None:
            first = one == setting
            try:
                self._ahead[one] = self.load(one, said.put if first else _say_nothing)
            except EmbedtuiError as error:
                self._ahead[one] = error

        with ThreadPoolExecutor(len(settings), thread_name_prefix="embedtui-load") as pool:
            loading = [pool.submit(load, one) for one in settings]
            while not all(one.done() for one in loading):
                with suppress(queue.Empty):
                    tell(f"{said.get(timeout=0.05)}, {len(settings)} engines at once")
        for one in loading:
            one.result()

    def _wanted(self, kv_bytes: int, budget: int) -> int:
        """Return the bytes that an engine needs, generously.

        Its weights, a decoder's cache, and on a GPU the activations of one step (64 KiB a token)
        and CUDA's own.
        """
        if machine.engine_device() == "cpu":
            return 2 * self._weights_bytes + kv_bytes + _GIB
        return 2 * self._weights_bytes + kv_bytes + budget * 65_536 + 3 * _GIB


@contextmanager
def _discarding(lease: Lease) -> Iterator[None]:
    """Close the engine where loading it fails or is called off: nothing of it can be used."""
    try:
        yield
    except BaseException:
        lease.discard()
        raise


def _usual_together() -> int:
    """Return how many engines load at once; on the CPU loading is computing, and one is enough."""
    if machine.engine_device() == "cpu":
        return 1
    return max(1, min(_MOST_TOGETHER, machine.usable_cores() // _CORES_EACH))


def _say_nothing(_: str) -> None:
    """Take what an engine beside the first says of its loading."""


def _share_of_gpu(wanted: int) -> float | None:
    """Return the share of the GPU that an engine may count on, so that several fit.

    vLLM takes 0.92 of the card unless told otherwise.
    """
    if machine.engine_device() == "cpu":
        return None
    return min(0.9, wanted / machine.gpus()[0].memory_bytes)


def largest_step(prepared: Prepared, batch_sizes: Sequence[int]) -> int:
    """Return the tokens of the fullest batch that the plan makes of the prepared texts."""
    tokens = [n for row, n in enumerate(prepared.tokens) if row not in prepared.refused]
    return max(
        (
            sum(tokens[start : start + size])
            for size in batch_sizes
            for start in range(0, len(tokens), size)
        ),
        default=0,
    )


def _next_power(tokens: int) -> int:
    """Return the next power of two: room, so that the next texts fit the warm engine."""
    return 1 << max(tokens - 1, 0).bit_length()
