"""Every action of the explorer, once: keys, footer, palette, help and remapping all read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embedtui.common.printable import printable


@dataclass(frozen=True)
class Action:
    """Something that a key does."""

    id: str
    """What `[keys]` in the config file calls it; the app has a method `action_ID`."""
    keys: str
    """Textual's names of the keys, separated by commas; empty for none."""
    label: str
    """One or two words, for the line of hints."""
    help: str
    """One line that says what happens."""
    group: str
    hint: int = 0
    """Place among the hints, the most wanted first; 0 for none."""
    where: tuple[str, ...] = ()
    """The views in whose hints it stands; none for all."""
    engines: bool = False
    """Whether it cannot be done where figures come from a recording."""


@dataclass(frozen=True, kw_only=True)
class ViewAction(Action):
    """An action that opens a view: the app gets its method, its tab and its widget from here."""

    tab: str
    """What the tab is called; empty for a view without one."""
    view: str
    """The widget's id."""
    shows: str
    """Module and class of the widget, imported when it is first opened.

    It is made with nothing but its id, and has `show(frame)` and `focus_first()`.
    """


ACTIONS: tuple[Action, ...] = (
    Action("run", "r,f5", "run", "Measure what is chosen; only what was changed is computed", "Run", 1, engines=True),
    Action("cancel", "escape", "stop", "Stop the run after this batch, once more kills the engine; else go back", "Run", 2),
    Action("pause", "p,space", "freeze", "Freeze the display while the run goes on", "Run", 9, engines=True),
    Action("look", "l", "layers", "Measure the layers of the selected setting, on its own engine", "Run", 8, ("overview", "layers"), engines=True),
    Action("serve", "c", "copy command", "Copy the command that serves the recommended setting", "Run", 7, ("overview",)),
    Action("export", "e", "export", "Write the report of the last run as JSON, CSV and Markdown", "Run", 12),
    Action("next_run", "a", "next run", "Choose what the next run measures", "Choose", 3, engines=True),
    Action("model", "m", "model", "Choose the model: alias, local cache, folder, hub; of recordings, another", "Choose", 4),
    Action("texts", "t", "texts", "Choose a text pack or a file, with a preview", "Choose", 5, engines=True),
    Action("use", "u", "use", "Choose what the embeddings are for, and so the limit", "Choose", 11),
    Action("situation", "U", "situation", "Choose what the vectors meet, and so whether consistent or exact decides", "Choose"),
    Action("dtypes", "d", "dtypes", "Choose the dtypes", "Choose", engines=True),
    Action("batch_sizes", "b", "batch sizes", "Choose the batch sizes", "Choose", engines=True),
    Action("advanced", "A", "switches", "Change every other switch, each explained", "Choose", engines=True),
    Action("choose_sweep", "S", "sweep", "Measure many settings: a sweep by its name, or a plan file", "Choose", engines=True),
    ViewAction("overview", "1", "overview", "Show the settings, what they drift, and what to serve with", "Views", tab="Overview", view="overview", shows="embedtui.tui.views.overview:OverviewView"),
    ViewAction("table", "2", "texts", "Show every text with its distances", "Views", tab="Texts", view="texts", shows="embedtui.tui.views.texts:TextsView"),
    ViewAction("search", "3", "search", "Show what a query finds before and after, and by how little", "Views", tab="Search", view="search", shows="embedtui.tui.views.search:SearchView"),
    ViewAction("compare", "4", "compare", "Put two settings side by side", "Views", tab="Compare", view="compare", shows="embedtui.tui.views.compare:CompareView"),
    ViewAction("layers", "5", "layers", "Show in which layers error and batch drift arise", "Views", tab="Layers", view="layers", shows="embedtui.tui.views.layers:LayersView"),
    ViewAction("log", "L", "log", "Show what the engines say", "Views", engines=True, tab="", view="log", shows="embedtui.tui.views.log:LogView"),
    Action("next_setting", "right_square_bracket", "next setting", "Select the next setting", "Settings", 13),
    Action("previous_setting", "left_square_bracket", "previous", "Select the setting before", "Settings"),
    Action("hide", "x", "hide", "Hide the selected setting", "Settings", 15, ("overview",)),
    Action("show_all", "X", "show all", "Show hidden settings again", "Settings", 14, ("overview",)),
    Action("over", "o", "chart", "Next chart: speed, batch size, position in batch, tokens, cost, reasons", "Charts", 6, ("overview",)),
    Action("heat", "h", "drift or error", "Drift or error vs float64 by batch size", "Charts", 10, ("overview", "search")),
    Action("metric", "v", "metric", "Go from L2 to 1 - cos to the largest difference", "Charts", 16, ("overview", "texts", "compare")),
    Action("smaller", "comma", "smaller batch", "Distribution at the next smaller batch size", "Charts"),
    Action("larger", "full_stop", "larger batch", "Distribution at the next larger batch size", "Charts"),
    Action("filter", "slash", "filter", "Show only texts that hold what is typed", "Texts"),
    Action("worst", "w", "worst", "Go to the text that drifts most", "Texts"),
    Action("theme", "T", "theme", "Choose the colours, with a preview", "App"),
    Action("slow_link", "", "slow link", "Draw less often, for a slow line", "App"),
    Action("screenshot", "f8", "screenshot", "Save the screen as SVG", "App"),
    Action("screenshot_text", "f9", "as text", "Save the screen as text", "App"),
    Action("redraw", "ctrl+l", "redraw", "Draw the screen anew, after others wrote over it", "App"),
    Action("palette", "colon,ctrl+p", "go to", "Find anything by typing", "App", 17),
    Action("help", "question_mark,f1", "help", "Show the keys of this view, and what the words mean", "App", 18),
    Action("quit", "q,ctrl+q", "quit", "Leave; asks while a run is in progress", "App", 19),
)  # fmt: skip

NEED_ENGINES = frozenset(action.id for action in ACTIONS if action.engines)
VIEWS = tuple(action for action in ACTIONS if isinstance(action, ViewAction))

BY_ID = {action.id: action for action in ACTIONS}
IDS = frozenset(BY_ID)

_SHOWN = {
    "escape": "Esc",
    "question_mark": "?",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "comma": ",",
    "full_stop": ".",
    "slash": "/",
    "colon": ":",
    "pagedown": "PgDn",
    "space": "Space",
    "enter": "Enter",
}


def shown(key: str) -> str:
    """Return a key as a person reads it on the keyboard."""
    name = _SHOWN.get(key, key)
    if name.startswith("ctrl+"):
        return "^" + name.removeprefix("ctrl+")
    return name.upper() if name[0] == "f" and name[1:].isdecimal() else name


def clashes(keys: Mapping[str, str]) -> list[str]:
    """Return a line for each key that would do two things, where `keys` are a user's own.

    Of an action that is not among them the keys by default count.
    """
    actions: dict[str, list[str]] = {}
    for action in ACTIONS:
        bound = keys.get(action.id, action.keys)
        for key in {_named(key) for key in bound.split(",") if bound}:
            actions.setdefault(key, []).append(action.id)
    return [
        f"keys: '{printable(shown(key), 20)}' is {'both ' if len(ids) == 2 else ''}"
        f"{' and '.join(ids)}: give one of them another key"
        for key, ids in actions.items()
        if len(ids) > 1
    ]


def _named(key: str) -> str:
    """Return Textual's name of a key, where the character itself may be given."""
    return next((name for name, one in _SHOWN.items() if one == key), key)
