"""Choosing a sweep: those that come with embedtui, and the plan files that lie at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from embedtui.common import machine, paths
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.plan.sweep import Sweep, load_sweep, sweep_names
from embedtui.tui.pickers.choice import ChoiceScreen, Offer
from embedtui.tui.state.background import in_background

if TYPE_CHECKING:
    from embedtui.plan.choices import Choices
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

    app.push_screen(ChoiceScreen("Choose a sweep", _offers, ""), chosen)


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


def _offers() -> list[Offer]:
    offers = []
    for ref in [*sweep_names(), *map(str, plan_files())]:
        sweep = load_sweep(ref)
        name = ref if ref in sweep_names() else Path(ref).name
        offers.append((ref, f"{name}: {sweep.description or 'a plan file'}", _about(sweep)))
    return offers


def choices_of(sweep: Sweep, base: Choices) -> list[Choices]:
    """Return what is measured of each model; of the chosen one where the sweep names none.

    Texts are the chosen ones, for a person who chose them wants to know about them; a sweep of
    several parts keeps its own, since they are what tells its parts apart.
    """
    given = {"texts", "column", "id_column", "limit", "prompt"}
    return sweep.plans(base, machine.engine_device(), () if sweep.parts[1:] else given)


def _about(sweep: Sweep) -> tuple[str, ...]:
    settings = sum(
        len(one.get("settings", ())) + len(one.get("bundles", ())) for one in sweep.parts
    )
    models = ", ".join(sweep.models) or "the chosen model"
    sizes = ", ".join(dict.fromkeys(one.get("batch_sizes", "as chosen") for one in sweep.parts))
    return (
        f"of {models}, batch sizes {sizes}, {settings} groups of settings",
        "what this machine cannot do is left out and told; a sweep that was cut off goes on",
    )
