"""Choosing a sweep: those that come with embedtui, and the plan files that lie at hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embedtui import models
from embedtui.common import machine, paths
from embedtui.common.address import is_address
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.wording import duration
from embedtui.plan.choices import settings_of
from embedtui.plan.sweep import Sweep, load_sweep, sweep_names
from embedtui.tui.pickers.choice import ChoiceScreen, Offer
from embedtui.tui.pickers.path_completion import short_name
from embedtui.tui.state.background import in_background

if TYPE_CHECKING:
    from embedtui.plan.choices import Choices
    from embedtui.results.results import Results
    from embedtui.tui.app.opening import OpeningMixin

_MOST_FILES = 50


def plan_files() -> list[Path]:
    """Return the plan files in this folder and among the user's own, in the config folder."""
    found = []
    for folder in (Path.cwd(), paths.config_folder() / "sweeps"):
        for path in sorted(folder.glob("*.toml"))[:_MOST_FILES]:
            try:
                load_sweep(str(path))
            except InputError:
                continue  # some other program's file
            found.append(path)
    return found


def choose(app: OpeningMixin) -> None:
    """Ask which sweep, then measure it with the model and the texts that are chosen."""

    def chosen(ref: str | None) -> None:
        if ref is not None:
            _measure(app, ref)

    app.push_screen(ChoiceScreen("Choose a sweep", partial(_offers, app), ""), chosen)


@in_background("reading the sweep", group="sweep")
def _measure(app: OpeningMixin, ref: str) -> None:
    try:
        sweep = load_sweep(ref)
        plans = choices_of(sweep, app.choices)
    except InputError as error:
        told = printable(str(error))
        app.call_later(app.notify, told, severity="error", markup=False, timeout=8)
        return
    app.session.run(*plans, timeout=sweep.timeout)
    app.call_later(app.open_view, "overview")


def _offers(app: OpeningMixin) -> list[Offer]:
    """Return the sweeps, the smallest first; those of plan files after those that are shipped."""
    shipped = [(ref, ref) for ref in sweep_names()]
    files = [(str(path), path.name) for path in plan_files()]
    runs = app.session.snapshot().runs
    offers = []
    for group in (shipped, files):
        found = []
        for ref, name in group:
            sweep = load_sweep(ref)
            plans = choices_of(sweep, app.choices)
            words = f"{name}: {sweep.description or 'a plan file'}"
            offer = (ref, words, _about(plans, runs))
            found.append((len({one.model for one in plans}), _count(plans), offer))
        offers += [offer for *_, offer in sorted(found, key=lambda one: one[:2])]
    return offers


def choices_of(sweep: Sweep, base: Choices) -> list[Choices]:
    """Return what is measured of each model; of the chosen one where the sweep names none.

    Texts are the chosen ones, for a person who chose them wants to know about them; a sweep of
    several parts keeps its own, since they are what tells its parts apart.
    """
    given = {"texts", "column", "id_column", "limit", "prompt"}
    return sweep.plans(base, machine.engine_device(), () if sweep.parts[1:] else given)


def _count(plans: Sequence[Choices]) -> int:
    return sum(len(settings_of("", one.chosen)) for one in plans)


def _about(plans: Sequence[Choices], runs: Sequence[Results]) -> tuple[str, ...]:
    """Say how much is measured, how long that takes and what is downloaded, as far as known."""
    names = dict.fromkeys(one.model for one in plans)
    sizes = max(len(one.batch_sizes) for one in plans)
    models_said = ", ".join(map(short_name, names))
    lines = [f"up to {_count(plans)} settings × {sizes} batch sizes, of {models_said}"]
    missing = [name for name in names if not is_address(name) and not _is_here(name)]
    if missing:
        lines.append(f"not on this machine yet, to be downloaded: {', '.join(missing)}")
    seconds = _seconds(plans, runs)
    if seconds is not None:
        lines.append(f"about {duration(seconds)} by the last run's speed, loading not counted")
    lines.append("what this machine cannot do is left out and told; one that was cut off goes on")
    return tuple(lines)


def _is_here(model: str) -> bool:
    try:
        models.resolve(model)
    except InputError:
        return False
    return True


def _seconds(plans: Sequence[Choices], runs: Sequence[Results]) -> float | None:
    """Return what measuring takes by the latest run of the only model; None where none tells it."""
    if len({one.model for one in plans}) > 1:
        return None
    for run in reversed(runs):
        measured = [one for one in run.settings if one.status == "finished"]
        passes = [each for one in measured for each in one.passes.values()]
        texts = sum(each.count for each in passes)
        if run.plan.model == plans[0].model and texts:
            each_text = sum(each.seconds for each in passes) / texts
            count = min(plans[0].limit or len(run.plan.pack), len(run.plan.pack))
            made = len(plans[0].batch_sizes) + plans[0].shuffles + 2 * plans[0].repeats
            return each_text * count * made * _count(plans)
    return None
