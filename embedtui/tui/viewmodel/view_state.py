"""What the screens show at one moment.

Plain frozen data: a widget that gets it has nothing left to compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from embedtui.assess.answers import Answers
from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.retrieval import Retrieval
from embedtui.assess.setting_answers import SettingAnswers
from embedtui.assess.tolerance import Verdicts
from embedtui.assess.trends import Trend
from embedtui.engine.settings import Setting
from embedtui.measure.log_histogram import LogHistogram
from embedtui.plan.scenarios import Metric, Scenario
from embedtui.report.report_types_layers import LayersReport, NoLayersReport
from embedtui.texts import Labels
from embedtui.tui.state.session import State

Key = tuple[str, str, Setting]
"""Model, digest of the texts, setting: what makes one line on the charts."""

Heat = Literal["drift", "error"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NextRun:
    """What a run would measure."""

    labels: tuple[str, ...] = ()
    """Its settings."""
    batch_sizes: tuple[int, ...] = ()
    texts: str = ""


@dataclass(frozen=True)
class ViewState:
    """What the screen wants to be shown, beside what there is."""

    scenario: Scenario
    metric: Metric
    focus: Key | None = None
    """The setting that the table and the details speak of; None for the first."""
    hidden: frozenset[Key] = frozenset()
    histogram_of: int | None = None
    """The batch size of the histogram; None for each text's largest drift at any."""
    compared: tuple[Key | None, Key | None] = (None, None)
    heat: Heat = "drift"
    """What the cells of the grid, the lists of neighbours and the chart against speed show."""
    next_run: NextRun = NextRun()
    """What is chosen; the grid lists it until something was measured."""


@dataclass(frozen=True)
class SettingRow:
    """One setting, ready to be drawn."""

    key: Key
    label: str
    style: str
    status: str
    """running, finished, cancelled, failed or cut off."""
    reason: str
    drift: float | None
    """Largest drift at any batch size in the wished metric; None before the first batch."""
    identical: bool
    """Whether all that was compared is equal bit for bit."""
    noise: float | None
    """Largest difference between a batch and the same batch again."""
    noise_identical: bool
    error: float | None
    """Largest precision error."""
    speed: tuple[int, float] | None
    """The fastest batch size, and texts per second at it."""
    verdicts: Verdicts
    fault: str
    points: tuple[tuple[int, float | None], ...]
    """Batch size and largest drift; None for equal bits."""
    errors: tuple[tuple[int, float], ...]
    """Batch size, 1 among them, and the largest distance from the reference."""
    speeds: tuple[tuple[int, float], ...]
    memory: int | None
    """Bytes that the engine held when it was loaded."""
    served: bool
    """Whether a server can be asked for this setting."""
    histogram: LogHistogram
    texts_count: int
    """How many texts it is measured on, those to come among them."""
    answers: SettingAnswers
    """The verdict on this setting in three lines."""
    sentence: str
    """The verdict on this setting, in words."""
    causes: tuple[Diagnosis, ...]
    """What moved its vectors, the worst first."""
    log: str
    done: int
    """Texts that have come back unbatched."""
    lists: tuple[int, Retrieval] | None = None
    """The batch size that changes most lists of neighbours, of those that were searched."""
    mixed: Retrieval | None = None
    """What queries alone find in batches of documents, where the situation is that."""
    error_lists: Retrieval | None = None
    """What its precision error does to lists; None before that was searched."""
    group: str = ""
    """What was run, of an earlier run that is not to be compared with the latest; else empty."""
    extent: tuple[float, float] | None = None
    """The least and the largest that its charts had to hold in this run; it never shrinks."""


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of neighbours of the focused setting."""

    label: str
    title: str
    """What is held against what."""
    found: Retrieval | None
    """None as long as nothing was found."""
    fault: str
    """Why none are shown: the vectors are a fault; empty where they are none."""
    searching: float | None
    """The share of a search that is done; None where nothing is searched."""
    labels: Labels | None
    ids: Sequence[str]
    texts: Sequence[str]


@dataclass(frozen=True)
class DistanceColumn:
    """Distances of all texts at one batch size, or to the reference."""

    title: str
    values: Floats
    """One for each text of the pack; NaN where it was not measured."""
    identical: Bools


@dataclass(frozen=True)
class PerText:
    """The focused setting text by text."""

    key: Key
    ids: Sequence[str]
    texts: Sequence[str]
    tokens: npt.NDArray[np.int64]
    position: npt.NDArray[np.int32]
    """Place within its batch at the largest batch size; -1 where it was not measured."""
    columns: tuple[DistanceColumn, ...]
    """By batch size, ascending."""
    error: DistanceColumn | None
    trend: Trend | None
    """Drift beside place and length, at the largest batch size."""


@dataclass(frozen=True)
class Pair:
    """Two settings of the same texts side by side."""

    lines: tuple[SettingRow, SettingRow]
    ids: Sequence[str]
    texts: Sequence[str]
    worst: tuple[Floats, Floats]
    """Each text's largest drift at any batch size, in either setting; NaN where not measured."""
    identical: tuple[Bools, Bools]
    apart: DistanceColumn | None
    """The unbatched vectors of one setting against the other's; None for unequal widths."""


@dataclass(frozen=True)
class View:
    """All that the screens show at one moment."""

    version: int
    state: State
    stage: str
    problem: str
    lines: tuple[SettingRow, ...]
    """The settings of the latest run, and what earlier ones found of the same."""
    answers: Answers
    per_text: PerText | None
    pair: Pair | None
    layers: LayersReport | NoLayersReport | None
    """What the report says of the focused setting's layers; None where nobody looked."""
    lists: Lists | None
    model: str
    texts: str
    machine: str
    status: str
    """How the latest run stands: running, finished, cancelled, failed."""
    seconds: float
    """How long the latest run has taken."""
    done: int
    total: int
    measuring: bool
    rate: float | None
    seconds_left: float | None
    view_state: ViewState
    earlier: tuple[SettingRow, ...] = ()
    """Settings of runs of another model, other texts or other choices, a group after the other."""
    waiting: tuple[str, ...] = ()
    """Settings that have no figures yet."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Label and reason of each setting of the latest run that cannot be had."""
    batch_sizes: tuple[int, ...] = ()
    """Those of the latest run, 1 among them."""
    recorded: str = ""
    """Where and when the figures were recorded; empty for what is measured here."""
    engine: str = ""
    """What computed the figures, with its version."""
    random_weights: bool = False
    """Whether the weights of the model that is shown were drawn at random."""
    texts_count: int = 0
    histogram_sizes: tuple[int, ...] = field(default=())
    """Batch sizes that the histogram can be had for."""
    focus_key: Key | None = None
    """The setting in hand."""

    @property
    def focus(self) -> SettingRow | None:
        """The line that the table speaks of."""
        return self.line(self.focus_key)

    @property
    def charted(self) -> tuple[SettingRow, ...]:
        """The settings that may stand in one chart with the selected one."""
        focus = self.focus
        if focus is None or not focus.group:
            return self.lines
        return tuple(line for line in self.earlier if line.group == focus.group)

    def line(self, key: Key | None) -> SettingRow | None:
        """Return the line of a key, if it is shown."""
        return next((line for line in (*self.lines, *self.earlier) if line.key == key), None)
