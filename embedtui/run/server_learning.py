"""What a study learns of a server only by asking it: tokens, texts that it refuses, its limits.

An engine of our own tells these before anything is embedded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from embedtui.engine.messages import BatchDone, Prepared
from embedtui.engine.port import Engine
from embedtui.results.events import EngineReady, Event, TextsPrepared

_TELL_SECONDS = 2.0
"""Token counts are told again no oftener: each time all of them are written."""


class ServerObserver:
    """Takes in what comes with batches, and tells it: refusals at once, counts now and then."""

    def __init__(
        self,
        number: int,
        engine: Engine,
        prepared: Prepared,
        tell: Callable[[Event], None],
    ) -> None:
        self._number = number
        self._engine = engine
        self._texts = len(prepared.tokens)
        self._tokens = dict(enumerate(prepared.tokens))
        self._refused = dict(prepared.refused)
        self._prepared = prepared
        self._tell = tell
        self._fresh = False
        self._told_at = time.monotonic()

    def __call__(self, done: BatchDone) -> None:
        """Take in one batch."""
        if not done.tokens and not done.refused:
            return
        self._tokens |= done.tokens
        self._refused |= done.refused
        self._fresh = True
        if done.refused or time.monotonic() - self._told_at > _TELL_SECONDS:
            self._tell_texts()

    def is_too_large(self, batch_size: int) -> bool:
        """Say whether a server has refused batches of that size; the rest of a pass is none."""
        return str(batch_size) in self._engine.observed().get("too_large", {})

    @property
    def refused_all(self) -> bool:
        """Whether no text is left."""
        return len(self._refused) == self._texts

    @property
    def why(self) -> str:
        """Why the first of the refused texts was refused."""
        return next(iter(self._refused.values()))

    def close(self) -> None:
        """Tell what was not told yet, and what only the end shows."""
        if self._fresh:
            self._tell_texts()
        if self._engine.setting.is_server:
            effective = self._engine.effective.merged(self._engine.observed())
            log = str(self._engine.log)
            self._tell(EngineReady(self._number, effective, True, log))

    def _tell_texts(self) -> None:
        self._fresh = False
        self._told_at = time.monotonic()
        tokens = tuple(self._tokens[row] for row in range(self._texts))
        prepared = replace(self._prepared, tokens=tokens, refused=dict(self._refused))
        self._tell(TextsPrepared(self._number, prepared))
