"""Looks for the variant of the model's pipeline that gives vectors which are not its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from embedtui.common.errors import EngineError, InputError
from embedtui.engine.messages import MatchVariants
from embedtui.engine.port import EnginePool, Stop
from embedtui.plan.plan import FIRST, Plan
from embedtui.results.events import (
    BatchEmbedded,
    EngineReady,
    Event,
    ReferenceComputed,
    RunStarted,
    VariantsCompared,
    Waiting,
)
from embedtui.results.mismatch import Mismatch, mismatch_of
from embedtui.results.results import Results, SettingResults
from embedtui.run.reference_stage import reference_bytes, reference_of

_PROBES = 3
_TEXTS = 256
"""So many texts have to agree with a variant at most: each costs as much as its reference."""


class VariantStage:
    """Hears a run, and tells afterwards which variants its wrong vectors are near to.

    Only unbatched vectors are kept meanwhile. That no variant can be computed is no failure of the
    run: the vectors are wrong all the same, and only the cause has no name.
    """

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
        self._results = Results()

    def __call__(self, event: Event) -> None:
        """Take in what says whether vectors are the model's own."""
        match event:
            case RunStarted() | EngineReady() | ReferenceComputed():
                self._results(event)
            case BatchEmbedded(batch_size=1, pass_key=key) if key == FIRST:
                self._results(event)

    def run(self, *, max_length: int, pooling: str) -> None:
        """Tell the variants of every setting whose vectors are not the model's own.

        Raises:
            Cancelled: if it was stopped.
        """
        wrong = [
            (setting, found)
            for setting in self._results.settings
            if (found := mismatch_of(setting, self._results.reference)) is not None
        ]
        if not wrong:
            return
        self._engines.evict(reference_bytes(self._weights_bytes))
        try:
            with self._engines.reference(self._stop) as model:
                for setting, found in wrong:
                    request = self._request(setting, found, max_length, pooling)
                    tell = partial(self._tell_stage, setting.number)
                    matched = model.match(request, tell, self._stop)
                    self._tell(VariantsCompared(setting.number, matched.variants, matched.pooling))
        except (EngineError, InputError) as error:
            self._tell(Waiting(f"no variants of the model's pipeline: {error}"))

    def _tell_stage(self, number: int, what: str) -> None:
        self._tell(Waiting(what, number))

    def _request(
        self, setting: SettingResults, found: Mismatch, max_length: int, pooling: str
    ) -> MatchVariants:
        """Ask about the shortest, the longest and the middle one of the wrong texts, then all.

        Of many texts as many as are held against variants, evenly over their lengths.
        """
        by_length = sorted(found.rows, key=lambda row: int(found.tokens[row]))
        places = {0, len(by_length) // 2, len(by_length) - 1}
        probes = [int(by_length[place]) for place in sorted(places)][:_PROBES]
        every = (*found.rows.tolist(), *found.fitting.tolist())
        others = sorted(set(every) - set(probes), key=lambda row: int(found.tokens[row]))
        rows = [*probes, *others[:: -(-len(others) // _TEXTS) or 1]]
        return MatchVariants(
            reference_of(self._plan, rows, max_length=max_length, pooling=pooling),
            tuple(self._plan.pack.texts[row].text for row in rows),
            tuple(setting.unbatched.vectors[row] for row in rows),
            setting.setting.dimensions,
            len(probes),
        )
