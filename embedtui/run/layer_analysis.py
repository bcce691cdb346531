"""The look into one setting's layers, on its warm engine, beside the float64 model.

First the texts of each batch are run alone and together: where batch drift begins. Then each
text's states are held against float64 and followed to its final vector: where the error comes from.
Last, the fewest layers that have to be exact for an error that is wanted are predicted from that,
and the prediction is tried: vLLM's own kernels compute all layers but those.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from embedtui.common.errors import Cancelled, EmbedtuiError, EngineError, InputError
from embedtui.engine.messages import (
    CompareLayers,
    JudgeLayers,
    LayersFound,
    Prepared,
    ResumeLayers,
    SeeLayers,
)
from embedtui.engine.port import Engine, EnginePool, ReferenceModel
from embedtui.engine.settings import Setting, changed
from embedtui.measure import compare, unit
from embedtui.measure.layer_errors import LayerSite
from embedtui.plan.plan import Plan
from embedtui.results.events import (
    Event,
    LayersCompared,
    LayersFailed,
    LayersJudged,
    LayersMixed,
    RunEnded,
    Waiting,
)
from embedtui.results.layer_results import LayerResults
from embedtui.results.results import Results
from embedtui.run.loading import Loader
from embedtui.run.reference_stage import reference_bytes, reference_request
from embedtui.run.reuse import usable_rows

_GIB = 2**30
_MOST_BYTES = 4 * _GIB
"""What the states of one batch may take of main memory."""

States = npt.NDArray[np.floating]


def refuse_layers(setting: Setting) -> None:
    """Raise InputError where states between layers cannot be seen."""
    told = f"{setting.label}: layers cannot be looked into"
    if setting.is_server:
        raise InputError(f"{told}: it shows its vectors and nothing of how it came to them")
    for switch, _ in changed(setting):
        if switch.hides_layers:
            raise InputError(f"{told} {switch.hides_layers}: leave out {switch.key}")


class LayerAnalysis:
    """A look into the layers of one setting of a run that has ended; its listeners go on hearing.

    `cancel` and `kill` may be called from any other thread.
    """

    def __init__(
        self,
        results: Results,
        number: int,
        engines: EnginePool,
        listeners: Sequence[Callable[[Event], None]],
        *,
        weights_bytes: int | None = None,
    ) -> None:
        self._results, self._number = results, number
        self._engines, self._listeners = engines, listeners
        self._stop = threading.Event()
        self._loader = Loader(
            results.plan, engines, self._stop.is_set, weights_bytes=weights_bytes, together=1
        )

    def cancel(self) -> None:
        """Stop after the step in hand."""
        self._stop.set()

    def kill(self) -> None:
        """Stop now: the engine process that works is killed."""
        self._stop.set()
        self._engines.kill_current()

    def run(self) -> None:
        """Look; that the run has ended, as it had, is told last.

        Raises:
            Cancelled: if it was stopped.
        """
        ended = RunEnded(self._results.status, self._results.reason)
        plan = self._results.plan
        try:
            self._tell(Waiting("importing vLLM"))
            self._engines.wait_ready(self._stop.is_set)
            inspect(plan, self._number, self._engines, self._loader, self._tell, self._stop.is_set)
        finally:
            self._loader.close()
            self._tell(ended)

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)


def inspect(
    plan: Plan,
    number: int,
    engines: EnginePool,
    loader: Loader,
    tell: Callable[[Event], None],
    stop: Callable[[], bool],
) -> None:
    """Look into the layers of one setting of a plan; why it cannot be done is an event.

    Raises:
        Cancelled: if it was stopped.
    """
    setting = plan.settings[number]
    try:
        refuse_layers(setting)
        loaded = loader.load(setting, lambda what: tell(Waiting(what, number)))
        try:
            one = _Inspection(plan, number, loaded.engine, loaded.prepared, tell, stop)
            one.run(engines, loader.weights_bytes)
        finally:
            loaded.lease.release()
    except Cancelled:
        raise
    except EmbedtuiError as error:
        tell(LayersFailed(number, str(error)))


class _Inspection:
    def __init__(
        self,
        plan: Plan,
        number: int,
        engine: Engine,
        prepared: Prepared,
        tell: Callable[[Event], None],
        stop: Callable[[], bool],
    ) -> None:
        self._plan, self._number = plan, number
        self._engine, self._layers, self._prepared = engine, engine.layers(), prepared
        self._told, self._stop = tell, stop
        self._inputs = plan.inputs
        self._rows = usable_rows(plan, prepared)[: plan.texts_by_layer]
        self._exact: dict[int, States] = {}
        """The float64 vector of each text."""
        self._found = LayerResults()
        """What was told so far, added up to choose layers by."""

    def run(self, engines: EnginePool, weights_bytes: int) -> None:
        """Look, with room made for the float64 model."""
        self._waiting("finding the layers")
        found = self._layers.open_layers()
        if len(self._rows) > 1:
            self._compare(found.places)
        if not self._plan.reference:
            return
        self._waiting("float64 model")
        engines.evict(reference_bytes(weights_bytes))
        with engines.reference(self._stop) as exact:
            places = self._agreed(found, exact)
            self._waiting(f"{len(self._rows)} texts against float64, by layer")
            for row in self._rows:
                self._judge(exact, row, places)
            self._mix(exact)

    def _heed_stop(self) -> None:
        if self._stop():
            raise Cancelled("cancelled while layers were looked into")

    def _waiting(self, what: str) -> None:
        self._heed_stop()
        self._told(Waiting(what, self._number))

    def _say(self, event: LayersCompared | LayersJudged | LayersMixed) -> None:
        self._found(event)
        self._told(event)

    def _compare(self, places: tuple[LayerSite, ...]) -> None:
        size = min(self._plan.batch_sizes[-1], len(self._rows))
        if size < 2:
            return
        for start in range(0, len(self._rows), size):
            rows = tuple(self._rows[start : start + size])
            self._waiting(f"layers of a batch of {len(rows)} texts, alone and together")
            self._refuse_too_large(rows, places)
            done = self._layers.compare_layers(CompareLayers(rows, places))
            self._say(
                LayersCompared(
                    self._number, size, rows, places, done.relative, done.identical, done.steps
                )
            )

    def _refuse_too_large(self, rows: Sequence[int], places: Sequence[LayerSite]) -> None:
        width = self._width()
        tokens = sum(self._prepared.tokens[row] for row in rows)
        # Alone and together, in four bytes at most.
        needed = 2 * 4 * tokens * width * len(places)
        if needed > _MOST_BYTES:
            raise InputError(
                f"the states of {len(rows)} texts at {len(places)} places take "
                f"{needed / _GIB:.0f} GiB: take fewer or shorter texts, or smaller batches"
            )

    def _width(self) -> int:
        """Return the width of the model's states, seen in the shortest text."""
        row = min(self._rows, key=lambda one: self._prepared.tokens[one])
        first = SeeLayers(row, (LayerSite("embeddings"),))
        return int(self._layers.see_layers(first).states[0].shape[1])

    def _agreed(self, found: LayersFound, exact: ReferenceModel) -> tuple[LayerSite, ...]:
        """Load the float64 model; return the places that both models have."""
        facts = self._engine.effective
        request = reference_request(
            self._plan,
            self._rows[:1],
            max_length=facts.max_length,
            pooling=facts.pooling,
        )
        theirs = exact.open_layers(request, self._waiting, self._stop)
        if theirs.layers != found.layers:
            raise EngineError(
                f"vLLM runs {found.layers} layers and the float64 model {theirs.layers}: they "
                "cannot be compared"
            )
        unsplit = {p.layer for p in (*found.places, *theirs.places) if p.part == "layer"}
        places = []
        for place in found.places:
            if place.layer not in unsplit:
                places.append(place)
            elif place.part != "attention":
                places.append(LayerSite("layer", place.layer))
        return tuple(places)

    def _judge(self, exact: ReferenceModel, row: int, places: tuple[LayerSite, ...]) -> None:
        self._heed_stop()
        text, facts = self._inputs[row], self._engine.effective
        seen = self._layers.see_layers(SeeLayers(row, places))
        request = JudgeLayers(
            text,
            places,
            seen.states,
            seen.vector,
            dtype=str(facts.dtype),
            normalized=facts.normalized,
        )
        judged = exact.judge_layers(request, self._stop)
        self._exact[row] = judged.exact
        alone = [
            self._error(self._resume(row, layer + 1, output, None), judged.exact)
            for layer, output in enumerate(judged.outputs)
        ]
        self._say(
            LayersJudged(self._number, row, judged.relative, judged.budget, np.asarray(alone))
        )

    def _mix(self, exact: ReferenceModel) -> None:
        """Measure the error with the layers exact that were found to be worth it, or else all."""
        under = self._plan.layers_under
        choice = self._found.choice(under) or self._found.all_exact()
        if choice is None or not choice.layers:
            return
        errors = []
        self._waiting(f"the same with {len(choice.layers)} layers exact")
        for row in self._rows:
            self._heed_stop()
            mixed = self._mixed(exact, row, frozenset(choice.layers))
            errors.append(self._error(mixed, self._exact[row]))
        self._say(LayersMixed(self._number, choice.layers, tuple(self._rows), np.asarray(errors)))

    def _mixed(self, exact: ReferenceModel, row: int, layers: frozenset[int]) -> States:
        """Return the vector of a text whose state goes to and fro between the two models."""
        count = self._found.budgets()[0].layers
        text = self._inputs[row]
        state: States | None = None
        begin: int | None = None
        if 0 in layers:
            state, begin = self._resume(row, None, None, 0), 0
        at = 0
        while at < count:
            inside = at in layers
            end = next((n for n in range(at, count) if (n in layers) != inside), count)
            if inside:
                request = ResumeLayers(row, text, begin, state, end)
                state = exact.resume_layers(request, self._stop)
            else:
                state = self._resume(row, begin, state, None if end == count else end)
                if end == count:
                    return state
            at = begin = end
        return self._resume(row, count, state, None)

    def _resume(
        self, row: int, start: int | None, state: States | None, stop: int | None
    ) -> States:
        return self._layers.resume_layers(ResumeLayers(row, self._inputs[row], start, state, stop))

    def _error(self, vector: States, exact: States) -> float:
        """Return the precision error of a vector, L2, as `SettingResults` has it."""
        wide = exact[None, : len(vector)].astype(np.float64)
        if self._engine.effective.normalized:
            wide = unit(wide)
        return float(compare(vector[None].astype(np.float64), wide).l2[0])
